package import Postgres
package import Vocabulary

/// Copies that are read again, so that no two processes read the same.
package enum Scrubs {
    /// Which copies are due.
    package enum Turn: Hashable, Sendable {
        /// Never read since their commit, which is this long ago.
        case first(after: Duration)
        /// Last read this long ago, or longer.
        case rolling(after: Duration)
    }

    /// What a scrub may read of a volume today beyond what is read for the first time, in bytes; may be negative.
    ///
    /// - Parameter share: of the volume's held bytes, 0 to 1.
    package static func remaining(of volume: VolumeID, share: Double, in session: Session) throws -> Int64 {
        let row = try session.first(
            """
            select coalesce((select sum(bytes)::bigint from takeup.tally where what = 'held' and name = $1), 0) as held,
                coalesce((select rolled_bytes from takeup.scrub_day
                    where volume_id = $1 and day = (statement_timestamp() at time zone 'UTC')::date), 0) as rolled
            """, [Value(volume)])
        return Int64(Double(try row?.integer("held") ?? 0) * share) - (try row?.integer("rolled") ?? 0)
    }

    /// Claims copies that are due, the one that waits longest first.
    package static func claim(
        on volume: VolumeID, _ turn: Turn, limit: Int, holder: Holder, lease: Duration, in session: Session
    ) throws -> [Replica] {
        let isDue = condition(of: turn)
        let claimed = try session.query(
            """
            insert into takeup.scrub_claim as standing (replica_id, holder, lease_until)
            select id, $3, statement_timestamp() + $4::interval from (
                select id from takeup.replica
                where volume_id = $1 and \(isDue.text)
                    and not exists (
                        select from takeup.scrub_claim as claim
                        where claim.replica_id = replica.id and claim.lease_until > statement_timestamp())
                order by \(isDue.age) limit $5
            ) as due order by id
            on conflict (replica_id) do update set holder = excluded.holder, lease_until = excluded.lease_until
            where standing.lease_until < statement_timestamp()
            returning replica_id
            """, [Value(volume), Value(isDue.after), Value(holder), Value(lease), Value(limit)])
        let ids: [Replica.ID] = try claimed.map { try $0.number("replica_id") }
        if ids.isEmpty { return [] }
        // Another may have read one between the look and the claim.
        let due = try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where id = any($1::bigint[]) and \(isDue.text) order by \(isDue.age)
            """, [.numbers(ids), Value(isDue.after)]
        ).map(Replica.init)
        try release(Set(ids).subtracting(due.map(\.id)), holder: holder, in: session)
        return due
    }

    /// `$2` is the time that must have passed.
    private static func condition(of turn: Turn) -> (text: String, age: String, after: Duration) {
        let open = """
            state = 'held' and gone_at is null and (check_after is null or check_after < statement_timestamp())
            """
        return switch turn {
        case .first(let after):
            (
                "\(open) and checked_at is null and committed_at < statement_timestamp() - $2::interval",
                "committed_at", after
            )
        case .rolling(let after):
            ("\(open) and checked_at < statement_timestamp() - $2::interval", "checked_at", after)
        }
    }

    package static func renew(
        _ ids: some Sequence<Replica.ID>, holder: Holder, lease: Duration, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.scrub_claim set lease_until = statement_timestamp() + $3::interval
            where replica_id = any (array(
                select replica_id from takeup.scrub_claim where replica_id = any($1::bigint[]) and holder = $2
                order by replica_id for no key update))
            """, [.numbers(ids), Value(holder), Value(lease)])
    }

    package static func release(
        _ ids: some Collection<Replica.ID>, holder: Holder, in session: Session
    ) throws {
        if ids.isEmpty { return }
        try session.execute(
            """
            delete from takeup.scrub_claim
            where replica_id = any (array(
                select replica_id from takeup.scrub_claim where replica_id = any($1::bigint[]) and holder = $2
                order by replica_id for update))
            """, [.numbers(ids), Value(holder)])
    }

    /// What was found of copies.
    package struct Findings: Sendable {
        /// Read whole, good or bad: their next turn comes by age.
        package var checked: [Replica.ID] = []
        /// The replay's own tools removed their files.
        package var gone: [Replica.ID] = []
        /// Nothing could be concluded: looked at again after `pause`.
        package var unclear: [Replica.ID] = []
        /// They could not be read to the end, and why: looked at again after ``unreadPause``, so that they hold up no
        /// others.
        package var unread: [Replica.ID: String] = [:]
        package var copies: Int64 = 0
        package var bytes: Int64 = 0
        package var bad: Set<Replica.ID> = []
        /// Of these, those whose files are gone: people and tools remove files, which says nothing against a disk.
        package var missing: Set<Replica.ID> = []
        package init() {}

        package var all: [Replica.ID] { checked + gone + unclear + unread.keys }
    }

    private static let unreadPause = Duration.seconds(86_400)

    /// Writes down what was found, and lets go of the claims.
    package static func record(
        _ findings: Findings, on volume: VolumeID, isFirst: Bool, pause: Duration, holder: Holder, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.replica set
                checked_at = case when id = any($1::bigint[]) then statement_timestamp() else checked_at end,
                gone_at = case when id = any($2::bigint[]) then statement_timestamp() end,
                check_after = case
                    when id = any($3::bigint[]) then statement_timestamp() + $4::interval
                    when id = any($5::bigint[]) then statement_timestamp() + $6::interval end
            where id = any (array(
                select id from takeup.replica
                where id = any($1::bigint[] || $2::bigint[] || $3::bigint[] || $5::bigint[])
                order by id for no key update))
            """,
            [
                .numbers(findings.checked), .numbers(findings.gone), .numbers(findings.unclear), Value(pause),
                .numbers(findings.unread.keys), Value(unreadPause),
            ])
        try release(findings.all, holder: holder, in: session)
        try BadCopyList.note(
            findings.bad.subtracting(findings.missing),
            good: Set(findings.checked + findings.gone).subtracting(findings.bad), on: volume, in: session
        )
        try UnreadCopies.note(
            findings.unread, read: Set(findings.checked + findings.gone), on: volume, in: session)
        guard findings.copies > 0 else { return }
        try session.execute(
            """
            insert into takeup.scrub_day as standing (volume_id, day, copies, bytes, rolled_bytes, bad)
            values ($1, (statement_timestamp() at time zone 'UTC')::date, $2, $3, $4, $5)
            on conflict (volume_id, day) do update set copies = standing.copies + excluded.copies,
                bytes = standing.bytes + excluded.bytes, rolled_bytes = standing.rolled_bytes + excluded.rolled_bytes,
                bad = standing.bad + excluded.bad
            """,
            [
                Value(volume), .integer(findings.copies), .integer(findings.bytes),
                .integer(isFirst ? 0 : findings.bytes), .integer(Int64(findings.bad.count)),
            ])
    }

    /// Claims of processes that died, and days long past.
    package static func forget(in session: Session) throws {
        try session.execute(
            """
            delete from takeup.scrub_claim
            where replica_id = any (array(
                select replica_id from takeup.scrub_claim where lease_until < statement_timestamp() - interval '1 day'
                order by replica_id for update))
            """)
        try session.execute(
            "delete from takeup.scrub_day where day < (statement_timestamp() at time zone 'UTC')::date - 400")
        try BadCopyList.forget(in: session)
        try UnreadCopies.forget(in: session)
    }

    /// How a volume's copies stand.
    package struct Standing: Hashable, Sendable {
        package var volume: VolumeID
        /// Read since midnight UTC.
        package var copiesToday: Int
        package var bytesToday: Int64
        /// Of these, what was not read for the first time.
        package var rolledBytesToday: Int64
        package var badToday: Int
        /// Since the copy was read last, or committed, that this is longest ago of; nil where none is held.
        package var oldest: Duration?
    }

    package static func standings(in session: Session) throws -> [Standing] {
        try session.query(
            """
            select volume.id, coalesce(today.copies, 0) as copies, coalesce(today.bytes, 0) as bytes,
                coalesce(today.rolled_bytes, 0) as rolled, coalesce(today.bad, 0) as bad,
                (extract(epoch from statement_timestamp() - least(
                    (select committed_at from takeup.replica
                        where volume_id = volume.id and state = 'held' and checked_at is null and gone_at is null
                        order by committed_at limit 1),
                    (select checked_at from takeup.replica
                        where volume_id = volume.id and state = 'held' and checked_at is not null and gone_at is null
                        order by checked_at limit 1))) * 1000000)::bigint as oldest
            from takeup.volume
            left join takeup.scrub_day as today
                on today.volume_id = volume.id and today.day = (statement_timestamp() at time zone 'UTC')::date
            order by volume.name, volume.id
            """
        ).map { row in
            Standing(
                volume: try row.name("id"), copiesToday: try row.count("copies"), bytesToday: try row.integer("bytes"),
                rolledBytesToday: try row.integer("rolled"), badToday: try row.count("bad"),
                oldest: try row.optionalSpan("oldest"))
        }
    }
}
