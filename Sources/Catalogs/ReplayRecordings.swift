package import Postgres
package import Vocabulary

extension ReplayCatalog {
    /// A recording as it stands at the replay after it was ensured.
    package struct EnsuredRecording: Hashable, Sendable {
        /// `couples.id`.
        package let id: Int64
        /// Whether it was made now.
        package let isNew: Bool
    }

    /// The replay's recordings of these `sid`s, locked, and made where there are none. What stands is not changed. Two
    /// statements for any number.
    ///
    /// - Parameter wanted: at most one for each `sid`, with the call to hang a new one on.
    /// - Throws: ``PostgresError`` `uniqueViolation` where another transaction made one meanwhile: run the transaction
    ///   again, and it is found.
    package func ensureRecordings(
        _ wanted: [(recording: SourceRecording, callID: Int64)], on session: Session
    ) throws -> [Sid: EnsuredRecording] {
        var ensured = try lockRecordings(wanted.map(\.recording.sid), on: session)
        let missing = wanted.filter { ensured[$0.recording.sid] == nil }
        let rows = missing.map { recording, callID -> [(String, Value)] in
            [
                ("callid", .integer(callID)), ("sid", Value(recording.sid)),
                ("protected", .boolean(recording.isProtected)),
            ] + claims(of: recording)
        }
        let made = try insert(into: "couples", recordingIdentity, rows, on: session)
        for (one, id) in zip(missing, made) { ensured[one.recording.sid] = EnsuredRecording(id: id, isNew: true) }
        return ensured
    }

    private func lockRecordings(_ sids: [Sid], on session: Session) throws -> [Sid: EnsuredRecording] {
        var locked: [Sid: EnsuredRecording] = [:]
        for row in try session.query(
            "select id, sid from callrec.couples where sid = any($1::text[]) order by id for no key update",
            [.texts(sids.map(\.rawValue))])
        { locked[Sid(try row.text("sid"))] = EnsuredRecording(id: try row.integer("id"), isNew: false) }
        return locked
    }

    /// Writes what recordings' rows claim over what the replay's rows say: for recordings whose media have taken the
    /// place of worse ones, or whose rows were corrected at their source. Protection is added, never taken away.
    /// - Returns: how many changed.
    @discardableResult
    package func adopt(_ recordings: [(id: Int64, recording: SourceRecording)], on session: Session) throws -> Int {
        try update(recordings, isOverwriting: true, on: session)
    }

    /// Fills only what the replay's rows leave empty.
    /// - Returns: how many changed.
    @discardableResult
    package func complete(_ recordings: [(id: Int64, recording: SourceRecording)], on session: Session) throws -> Int {
        try update(recordings, isOverwriting: false, on: session)
    }

    /// Adds external data as a set: what is there stays, what is there twice is no error. One statement.
    /// - Returns: how many were added.
    @discardableResult
    package func attach(_ data: [(id: Int64, data: [ExternalDatum])], on session: Session) throws -> Int {
        let rows = data.flatMap { recording in recording.data.map { (id: recording.id, datum: $0) } }
        guard !rows.isEmpty else { return 0 }
        let hasTime = columns.has("created_ts", in: "couple_extdata")
        return try session.execute(
            """
            insert into callrec.couple_extdata (cplid, key, value\(hasTime ? ", created_ts" : ""))
            select distinct on (wanted.id, wanted.key, wanted.value) wanted.id, wanted.key, wanted.value\
            \(hasTime ? ", coalesce(wanted.created::timestamp, localtimestamp)" : "")
            from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as wanted(id, key, value, created)
            where not exists (
                select 1 from callrec.couple_extdata e
                where e.cplid = wanted.id and e.key = wanted.key and e.value = wanted.value)
            order by wanted.id, wanted.key, wanted.value
            on conflict do nothing
            """,
            [
                .integers(rows.map(\.id)), .texts(rows.map(\.datum.key)), .texts(rows.map(\.datum.value)),
                .texts(rows.map { $0.datum.created?.sqlText }),
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
        return fixed + columns.carriedOfRecording.map { ($0, Value(recording.carried[$0])) }
    }

    private func update(
        _ recordings: [(id: Int64, recording: SourceRecording)], isOverwriting: Bool, on session: Session
    ) throws -> Int {
        guard let (statement, values) = change(recordings, isOverwriting: isOverwriting) else { return 0 }
        return try session.execute(statement, values)
    }

    /// Nil where there is nothing to say.
    func change(
        _ recordings: [(id: Int64, recording: SourceRecording)], isOverwriting: Bool
    ) -> (statement: String, values: [Value])? {
        if recordings.isEmpty { return nil }
        let typed = TypedRows(recordings.map { claims(of: $0.recording) }, of: "couples", columns)
        // An empty claim says nothing; what the replay has is more.
        var sets = typed.names.enumerated().map { place, name in
            let pair = [typed.value(place), "p.\(name)"]
            return (name, "coalesce(\((isOverwriting ? pair : pair.reversed()).joined(separator: ", ")))")
        }
        if columns.has("protected", in: "couples") { sets.append(("protected", "p.protected or given.protected")) }
        guard !sets.isEmpty else { return nil }
        let changes = sets.map { "p.\($0.0) is distinct from \($0.1)" }.joined(separator: " or ")
        let statement = """
            update callrec.couples p set \(sets.map { "\($0.0) = \($0.1)" }.joined(separator: ", "))
            from \(typed.source([("id", "bigint"), ("protected", "boolean")]))
            where p.id = given.id and (\(changes))
            """
        let fixed: [Value] = [
            .integers(recordings.map(\.id)), .array(recordings.map { .boolean($0.recording.isProtected) }),
        ]
        return (statement, fixed + typed.values)
    }
}
