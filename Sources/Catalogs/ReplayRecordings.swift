package import Postgres
package import Vocabulary

extension ReplayCatalog {
    /// The replay's recording of a `sid`, made where there is none. What stands is not changed.
    ///
    /// - Returns: `couples.id` at the replay, and whether this made it.
    /// - Throws: ``PostgresError`` `uniqueViolation` where another transaction made it meanwhile: run the transaction
    ///   again, and it is found.
    package func ensureRecording(
        _ recording: SourceRecording, callID: Int64, on session: Session
    ) throws -> (id: Int64, isNew: Bool) {
        let row = try session.first(
            "select id from callrec.couples where sid = $1::text for no key update", [Value(recording.sid)])
        if let row { return (try row.integer("id"), false) }
        let fixed: [(String, Value)] = [
            ("callid", .integer(callID)), ("sid", Value(recording.sid)),
            ("protected", .boolean(recording.isProtected)),
        ]
        let values = fixed + claims(of: recording)
        return (try insert(into: "couples", recordingIdentity, values, on: session), true)
    }

    /// Writes what a recording's row claims over what the replay's row says: for a recording whose media have taken the
    /// place of worse ones, or whose row was corrected at its source. Protection is added, never taken away.
    /// - Returns: whether anything changed.
    @discardableResult
    package func adopt(_ recording: SourceRecording, into id: Int64, on session: Session) throws -> Bool {
        try update(id, claims(of: recording), isProtected: recording.isProtected, isOverwriting: true, on: session)
    }

    /// Fills only what the replay's row leaves empty.
    /// - Returns: whether anything changed.
    @discardableResult
    package func complete(_ id: Int64, from recording: SourceRecording, on session: Session) throws -> Bool {
        try update(id, claims(of: recording), isProtected: recording.isProtected, isOverwriting: false, on: session)
    }

    /// Adds external data as a set: what is there stays, what is there twice is no error.
    /// - Returns: how many were added.
    @discardableResult
    package func attach(_ data: some Sequence<ExternalDatum>, to id: Int64, on session: Session) throws -> Int {
        let data = Array(data)
        guard !data.isEmpty else { return 0 }
        let hasTime = columns.has("created_ts", in: "couple_extdata")
        let wanted = """
            from unnest($2::text[], $3::text[], $4::text[]) as wanted(key, value, created)
            where not exists (
                select 1 from callrec.couple_extdata e
                where e.cplid = $1 and e.key = wanted.key and e.value = wanted.value)
            """
        return try session.execute(
            """
            insert into callrec.couple_extdata (cplid, key, value\(hasTime ? ", created_ts" : ""))
            select distinct on (wanted.key, wanted.value) $1::bigint, wanted.key, wanted.value\
            \(hasTime ? ", coalesce(wanted.created::timestamp, localtimestamp)" : "")
            \(wanted)
            order by wanted.key, wanted.value
            on conflict do nothing
            """,
            [
                .integer(id), .texts(data.map(\.key)), .texts(data.map(\.value)),
                .texts(data.map { $0.created?.sqlText }),
            ])
    }

    /// Says that a muxed file stands beside the originals.
    package func setMixed(_ id: Int64, on session: Session) throws {
        guard columns.has("mixed", in: "couples") else { return }
        try session.execute(
            "update callrec.couples set mixed = 'M' where id = $1 and mixed is distinct from 'M'", [.integer(id)])
    }

    /// Columns with values that a source's row claims.
    private func claims(of recording: SourceRecording) -> [(String, Value)] {
        let fixed: [(String, Value)] = [
            ("start_ts", Value(recording.start)), ("stop_ts", Value(recording.stop)),
            ("length", Value(recording.length)), ("state", Value(recording.state)),
            ("problemstatus", Value(recording.problemStatus)),
        ]
        let carried = columns.carriedOfRecording.compactMap { name in
            recording.carried[name].map { (name, Value.text($0)) }
        }
        return fixed + carried
    }

    private func update(
        _ id: Int64, _ claims: [(String, Value)], isProtected: Bool, isOverwriting: Bool, on session: Session
    ) throws -> Bool {
        // An empty claim says nothing; what the replay has is more.
        let known = claims.filter { columns.has($0.0, in: "couples") && $0.1 != .null }
        var sets = known.enumerated().map { index, claim in
            (claim.0, isOverwriting ? "$\(index + 2)" : "coalesce(\(claim.0), $\(index + 2))")
        }
        if isProtected && columns.has("protected", in: "couples") { sets.append(("protected", "true")) }
        guard !sets.isEmpty else { return false }
        let changes = sets.map { "\($0.0) is distinct from \($0.1)" }.joined(separator: " or ")
        let count = try session.execute(
            """
            update callrec.couples set \(sets.map { "\($0.0) = \($0.1)" }.joined(separator: ", "))
            where id = $1 and (\(changes))
            """, [.integer(id)] + known.map(\.1))
        return count > 0
    }
}
