package import Postgres
package import Vocabulary

/// What the ledger knows of the recordings of a source.
package enum Sightings {
    /// - Parameter hasDetail: whether with what the plan saw, which can be long.
    package static func find(
        source: SourceName, ids: some Sequence<Int64>, hasDetail: Bool = true, in session: Session
    ) throws -> [Int64: Sighting] {
        try session.answer(find(source: source, ids: ids, hasDetail: hasDetail))
    }

    package static func find(
        source: SourceName, ids: some Sequence<Int64>, hasDetail: Bool
    ) -> Question<[Int64: Sighting]> {
        let columns = hasDetail ? Sighting.columns : Sighting.columnsWithoutDetail
        return Question(
            """
            select \(columns.text(of: "sighting")) from takeup.sighting
            where source = $1 and source_id = any($2::bigint[])
            """, [Value(source), .integers(Array(ids))]
        ) { rows in
            let found = try rows.map(Sighting.init)
            return Dictionary(found.map { ($0.reference.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// The ledger's clock.
    package static var now: Question<Instant> {
        Question("select \(SQL.microseconds("statement_timestamp()")) as now") { rows in
            try rows.first?.instant("now") ?? Instant(microseconds: 0)
        }
    }

    /// What every source shows under one `sid`.
    package static func find(sid: Sid, in session: Session) throws -> [Sighting] {
        try session.query(
            """
            select \(Sighting.columns.text(of: "sighting")) from takeup.sighting
            where sid = $1 order by source, source_id
            """, [Value(sid)]
        ).map(Sighting.init)
    }

    /// Those waiting or refused whose time has come, the longest due first.
    package static func due(source: SourceName, limit: Int, in session: Session) throws -> [Sighting] {
        try session.query(
            """
            select \(Sighting.columns.text(of: "sighting")) from takeup.sighting
            where source = $1 and state in ('waiting', 'refused') and not_before <= statement_timestamp()
            order by not_before limit $2
            """, [Value(source), Value(limit)]
        ).map(Sighting.init)
    }

    /// Recordings that are here as far as the settings want them, get no mark, and ended before `stopped`.
    package static func doneWithoutMark(
        source: SourceName, before stopped: Instant, in session: Session
    ) throws -> Int {
        let row = try session.first(
            """
            select count(*) from takeup.sighting
            where source = $1 and state = 'converged' and mark is null and stopped_at < $2::timestamptz
            """, [Value(source), Value(stopped)])
        return try row?.count("count") ?? 0
    }

    /// How long until one waiting or refused is due; zero or less: one is. Nil where none waits.
    package static func nextDue(source: SourceName, in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from min(not_before) - statement_timestamp()) * 1000000)::bigint as span
            from takeup.sighting where source = $1 and state in ('waiting', 'refused')
            """, [Value(source)])?.optionalSpan("span")
    }

    /// Makes those waiting or refused due now: the cause may be gone. All of the source where no ids are given.
    @discardableResult
    package static func wake(source: SourceName, ids: [Int64]? = nil, in session: Session) throws -> Int {
        try session.execute(
            """
            update takeup.sighting set not_before = statement_timestamp()
            where source = $1 and source_id = any (array(
                select source_id from takeup.sighting
                where source = $1 and state in ('waiting', 'refused') and not_before > statement_timestamp()
                    and ($2::bigint[] is null or source_id = any($2::bigint[]))
                order by source_id for no key update))
            """, [Value(source), ids.map(Value.integers) ?? .null])
    }

    /// Sightings of `$1` and `$2` (sources and ids; `$3` are fingerprints, where given), locked in order, as `touched` and
    /// `sighting`.
    ///
    /// Each is looked up by its key: an index by state looks as good to the planner while its statistics are young, and
    /// all rows of that state would be gone through for each. `is true` keeps the condition from being used so.
    private static func touched(
        hasFingerprint: Bool = false, columns: String = "source, source_id", where condition: String
    ) -> String {
        """
        from (
            select * from unnest($1::text[], $2::bigint[]\(hasFingerprint ? ", $3::bytea[]" : ""))
                as given(source, id\(hasFingerprint ? ", fingerprint" : "")) order by source collate "C", id
        ) as touched
        cross join lateral (
            select \(columns) from takeup.sighting
            where source = touched.source and source_id = touched.id and (\(condition)) is true
            for no key update
        ) as sighting
        """
    }

    /// The rows of these changed since what was committed had been looked at: they are to be looked at again, and what
    /// they promise now is not what is durable. In the commit, before ``converge(_:in:)``.
    ///
    /// - Parameter fingerprints: of all rows that the commit wrote: of one recording it can have seen several.
    package static func reopenChanged(
        _ fingerprints: [RecordingReference: Set<[UInt8]>], in session: Session
    ) throws {
        let pairs = fingerprints.flatMap { reference, seen in seen.map { (reference, $0) } }
        try reopen(
            where: "sighting.fingerprint is distinct from touched.fingerprint", pairs.map(\.0), pairs.map(\.1),
            in: session)
    }

    /// What was planned for these is not right any more: they are to be looked at again now.
    package static func reopen(_ references: some Sequence<RecordingReference>, in session: Session) throws {
        let references = Array(Set(references))
        try reopen(where: "true", references, references.map { _ in [] }, in: session)
    }

    /// Wakes the keepers of their sources: nothing else tells them before their next round.
    private static func reopen(
        where condition: String, _ references: [RecordingReference], _ fingerprints: [[UInt8]], in session: Session
    ) throws {
        if references.isEmpty { return }
        try session.send(
            """
            with chosen as (
                select sighting.source, sighting.source_id \(touched(hasFingerprint: true, columns: "source, source_id, fingerprint", where: "state in ('transferring', 'converged')"))
                where \(condition)
            ), reopened as (
                update takeup.sighting set state = 'waiting', why = 'its plan has to be made anew',
                    not_before = statement_timestamp(), changed_at = statement_timestamp(), converged_at = null
                from chosen
                where sighting.source = chosen.source and sighting.source_id = chosen.source_id
                returning sighting.source
            )
            select pg_notify('\(WorkChannel.name)', '\(WorkChannel.lookPrefix)' || source)
            from (select distinct source from reopened) as sources
            """,
            [.names(references.map(\.source)), .integers(references.map(\.id)), .byteStrings(fingerprints)])
    }

    /// Those transferring whose transfers are all done become `converged`. In the commit, after
    /// ``Intents/close(_:in:)``, while the recordings are locked.
    ///
    /// - Returns: those that converged now.
    @discardableResult
    package static func converge(
        _ references: some Sequence<RecordingReference>, in session: Session
    ) throws -> [RecordingReference] {
        let references = Array(Set(references))
        return references.isEmpty ? [] : try session.answer(converging(references))
    }

    /// What ``converge(_:in:)`` asks.
    package static func converging(
        _ references: some Sequence<RecordingReference>
    ) -> Question<[RecordingReference]> {
        let references = Array(Set(references))
        return Question(
            """
            with ready as (
                select sighting.source, sighting.source_id \(touched(where: "state = 'transferring'"))
            )
            update takeup.sighting set state = 'converged', changed_at = statement_timestamp(),
                converged_at = statement_timestamp(), not_before = statement_timestamp(), last_error = null
            from ready
            where sighting.source = ready.source and sighting.source_id = ready.source_id
                and not exists (
                    select from takeup.transfer
                    where transfer.source = ready.source and transfer.source_id = ready.source_id
                        and transfer.state in ('waiting', 'claimed'))
            returning sighting.source, sighting.source_id
            """, [.names(references.map(\.source)), .integers(references.map(\.id))]
        ) { rows in
            try rows.map { RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id")) }
        }
    }

    /// What a plan left out of what its sighting showed.
    package static func keep(_ details: [(RecordingReference, [UInt8])], in session: Session) throws {
        let details = Dictionary(details, uniquingKeysWith: { first, _ in first }).map { ($0.key, $0.value) }
        if details.isEmpty { return }
        try session.execute(
            """
            with bare as (
                select touched.source, touched.id, touched.fingerprint as detail
                \(touched(hasFingerprint: true, where: "state = 'transferring' and detail is null"))
            )
            update takeup.sighting set detail = bare.detail
            from bare where sighting.source = bare.source and sighting.source_id = bare.id
            """,
            [
                .names(details.map(\.0.source)), .integers(details.map(\.0.id)), .byteStrings(details.map(\.1)),
            ])
    }

    /// Those to mark now, the longest due first, without their details; none while marking is stopped (``Marking``), and
    /// none with a file that is to be looked at once more before (``Afterlooks``).
    ///
    /// - Parameter after: leaves out what was due before. Whoever marks batch after batch goes on from the last one: in
    ///   front of the index lie the dead entries of all that was marked since the last vacuum.
    package static func toMark(
        source: SourceName, after: Instant? = nil, limit: Int, in session: Session
    ) throws -> [Sighting] {
        try session.query(
            """
            select \(Sighting.columnsWithoutDetail.text(of: "sighting")) from takeup.sighting
            where source = $1 and state = 'converged' and mark is not null
                and not_before <= statement_timestamp() and not_before >= coalesce($3::timestamptz, '-infinity')
                and not exists (select from takeup.meta where marking_stopped is not null)
                and not exists (
                    select from takeup.afterlook where not afterlook.is_confirmed
                        and afterlook.source = sighting.source and afterlook.source_id = sighting.source_id)
            order by not_before limit $2
            """, [Value(source), Value(limit), Value(after)]
        ).map(Sighting.init)
    }

    /// The source has these marks now. Only those still converged with the same fingerprint change.
    ///
    /// - Returns: how many did.
    @discardableResult
    package static func marked(_ sightings: [Sighting], in session: Session) throws -> Int {
        let rows = try session.query(
            """
            with done as (
                select sighting.source, sighting.source_id, sighting.marked_at is null as is_first
                \(touched(hasFingerprint: true, columns: "source, source_id, fingerprint, marked_at", where: "state = 'converged'"))
                where sighting.fingerprint is not distinct from touched.fingerprint
            )
            update takeup.sighting set state = 'marked', marked_at = coalesce(marked_at, statement_timestamp()),
                changed_at = statement_timestamp(), attempts = 0, failures = 0, reopened = null, last_error = null
            from done where sighting.source = done.source and sighting.source_id = done.source_id
            returning sighting.source, done.is_first
            """,
            [
                .names(sightings.map(\.reference.source)), .integers(sightings.map(\.reference.id)),
                .byteStrings(sightings.map(\.fingerprint)),
            ])
        var counts: [String: Tallies.Change] = [:]
        // One that was marked before is only up to date again.
        for row in rows where try row.boolean("is_first") { counts[try row.text("source"), default: .none].items += 1 }
        try Tallies.add(counts, to: .marks, in: session)
        return rows.count
    }

    /// Marking did not work: again after the delay.
    package static func postpone(
        _ references: [RecordingReference], delay: Duration, error: String, in session: Session
    ) throws {
        try session.execute(
            """
            with late as (
                select sighting.source, sighting.source_id from takeup.sighting
                join unnest($1::text[], $2::bigint[]) as late(source, id)
                    on sighting.source = late.source and sighting.source_id = late.id
                where sighting.state = 'converged'
                order by sighting.source, sighting.source_id for no key update of sighting
            )
            update takeup.sighting set not_before = statement_timestamp() + $3::interval, last_error = $4,
                attempts = attempts + 1, changed_at = statement_timestamp()
            from late where sighting.source = late.source and sighting.source_id = late.source_id
            """,
            [
                .names(references.map(\.source)), .integers(references.map(\.id)), Value(delay), .text(error),
            ])
    }
}
