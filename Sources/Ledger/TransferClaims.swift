package import Postgres
package import Vocabulary

/// How a claimed transfer goes back to waiting.
package struct TransferRelease: Sendable {
    package var claim: Claim<Transfer.ID>
    /// When it may be claimed again, from now; at once where a wake came meanwhile.
    package var delay: Duration
    /// Why; a sentence without phone numbers. Nil leaves the last one.
    package var error: String?
    /// What this look showed; nil leaves the last one.
    package var look: (size: Int64, modified: Int64)?
    /// Whether the file was absent on a mount that was proven to be there.
    package var isMissing: Bool
    /// Whether its mount did not give the file, though it is there.
    package var isUnreadable: Bool
    /// Whether the attempt failed; false where the file had only not settled yet.
    package var isFailure: Bool
    /// Whether the recording itself is to blame for that, and no outage of anything around it.
    package var isFault: Bool

    package init(
        claim: Claim<Transfer.ID>, delay: Duration, error: String? = nil, look: (size: Int64, modified: Int64)? = nil,
        isMissing: Bool = false, isUnreadable: Bool = false, isFailure: Bool = true,
        isFault: Bool = false
    ) {
        self.isFault = isFault
        self.claim = claim
        self.delay = delay
        self.error = error
        self.look = look
        self.isMissing = isMissing
        self.isUnreadable = isUnreadable
        self.isFailure = isFailure
    }

    /// Goes back, and nothing is noted: what it needs was away.
    package init(unlooked claim: Claim<Transfer.ID>, delay: Duration) {
        self.init(claim: claim, delay: delay, isFailure: false)
    }
}

/// Claiming transfers, and giving them back.
extension Transfers {
    /// Claims at most `limit` transfers of a mount for `holder`: those whose lease ended, then up to `newest` of the
    /// newest recordings, then those longest due. One statement; several callers never get one row twice.
    ///
    /// - Parameter newest: places for the newest recordings, so that a backlog does not delay what is recorded now.
    package static func claim(
        mount: MountPath, holder: Holder, limit: Int, newest: Int, lease: Duration, in session: Session
    ) throws -> [Transfer] {
        try session.query(
            claimStatement, [Value(mount), Value(holder), Value(limit), Value(min(newest, limit)), Value(lease)]
        ).map(Transfer.init)
    }

    /// Parts skip what others have locked, also each other: a part may find a row that another part took, so the
    /// union is cut to the limit again.
    static let claimStatement = """
        with expired as (
            select id from takeup.transfer
            where mount = $1 and state = 'claimed' and lease_until < statement_timestamp()
            order by id limit $3::bigint for no key update skip locked
        ), newest as (
            select id from takeup.transfer
            where mount = $1 and state = 'waiting' and not_before <= statement_timestamp()
            order by recording_start desc nulls last, id desc limit $4::bigint for no key update skip locked
        ), due as (
            select id from takeup.transfer
            where mount = $1 and state = 'waiting' and not_before <= statement_timestamp()
            order by not_before, id limit $3::bigint for no key update skip locked
        ), chosen as (
            select id, min(lane) as lane from (
                select id, 1 as lane from expired
                union all select id, 2 from newest
                union all select id, 3 from due
            ) as lanes
            group by id order by min(lane), id limit $3::bigint
        )
        update takeup.transfer set state = 'claimed', holder = $2, attempts = attempts + 1, is_woken = false,
            lease_until = statement_timestamp() + $5::interval, changed_at = statement_timestamp()
        where id = any (array(select id from chosen))
        returning \(Transfer.columns.text(of: "transfer"))
        """

    /// Claims the transfers of one recording that nobody works on for `holder`, whoever's mount they are of. In the
    /// transaction that planned them, so that no agent has them yet.
    package static func seize(
        _ recording: RecordingReference, holder: Holder, lease: Duration, in session: Session
    ) throws -> [Transfer] {
        try session.query(
            """
            update takeup.transfer set state = 'claimed', holder = $3, attempts = attempts + 1, is_woken = false,
                lease_until = statement_timestamp() + $4::interval, changed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.transfer where source = $1 and source_id = $2
                    and (state = 'waiting' or state = 'claimed' and lease_until < statement_timestamp())
                order by id for no key update))
            returning \(Transfer.columns.text(of: "transfer"))
            """, [Value(recording.source), .integer(recording.id), Value(holder), Value(lease)]
        ).map(Transfer.init)
    }

    /// Lengthens the lease of transfers that no intent stands for yet.
    ///
    /// - Returns: those that are still held. Work on any other must stop.
    package static func renew(
        _ claims: [Claim<Transfer.ID>], lease: Duration, in session: Session
    ) throws -> Set<Transfer.ID> {
        let rows = try session.query(
            """
            with held as (\(heldClaims))
            update takeup.transfer set lease_until = statement_timestamp() + $4::interval
            from held where transfer.id = held.id
            returning transfer.id
            """, claims.values + [Value(lease)])
        return Set(try rows.map { try $0.number("id") })
    }

    /// Gives claimed transfers back. Their intents are superseded: what was staged is swept unless dropped before.
    /// A claim that is no longer held changes nothing.
    package static func release(_ releases: [TransferRelease], in session: Session) throws {
        if releases.isEmpty { return }
        let released = try session.query(releaseStatement, releaseValues(releases))
        try Intents.supersede(ofTransfers: released.map { try $0.number("id") }, in: session)
    }

    static func releaseValues(_ releases: [TransferRelease]) -> [Value] {
        releases.map(\.claim).values + [
            .spans(releases.map(\.delay)), .texts(releases.map(\.error)),
            .integers(releases.map { $0.look?.size }), .integers(releases.map { $0.look?.modified }),
            .booleans(releases.map(\.isMissing)), .booleans(releases.map(\.isFailure)),
            .booleans(releases.map(\.isFault)), .booleans(releases.map(\.isUnreadable)),
        ]
    }

    static let releaseStatement = """
        with held as (
            \(heldClaims(with: [
                ("delay", "interval"), ("error", "text"), ("size", "bigint"), ("modified", "bigint"),
                ("missing", "boolean"), ("failed", "boolean"), ("faulty", "boolean"),
                ("unreadable", "boolean"),
            ]))
        )
        update takeup.transfer set state = 'waiting', holder = null, lease_until = null,
            not_before = statement_timestamp() + case when is_woken then interval '0' else held.delay end,
            changed_at = statement_timestamp(),
            failures = failures + held.failed::integer, faults = faults + held.faulty::integer, is_woken = false,
            last_error = coalesce(held.error, last_error),
            seen_size = coalesce(held.size, seen_size), seen_modified = coalesce(held.modified, seen_modified),
            seen_at = case when held.size is null then seen_at else statement_timestamp() end,
            missing_since = case when held.missing then coalesce(missing_since, statement_timestamp()) end,
            -- What goes back unlooked shows nothing.
            unreadable_since = case when held.unreadable then coalesce(unreadable_since, statement_timestamp())
                when held.error is null then unreadable_since end
        from held where transfer.id = held.id
        returning transfer.id
        """

    /// The rows of the claims `$1`, `$2`, `$3` that are still held, locked in order: each looked up by its key, whatever the
    /// planner thinks of an index by state.
    static let heldClaims = heldClaims(with: [])

    /// The same with what `$4` and on give for each, by names and types.
    private static func heldClaims(with more: [(name: String, type: String)]) -> String {
        let arrays = more.enumerated().map { ", $\($0 + 4)::\($1.type)[]" }.joined()
        let names = more.map { ", \($0.name)" }.joined()
        return """
            select transfer.id\(more.map { ", claim.\($0.name)" }.joined()) from (
                select * from unnest($1::bigint[], $2::text[], $3::bigint[]\(arrays)) as given(id, holder, attempt\(names))
                order by id
            ) as claim
            cross join lateral (
                select id from takeup.transfer
                where id = claim.id and (state = 'claimed' and holder = claim.holder and attempts = claim.attempt) is true
                for no key update
            ) as transfer
            """
    }
}

extension [Claim<Transfer.ID>] {
    var values: [Value] {
        [.numbers(map(\.id)), .names(map(\.holder)), .integers(map { Int64($0.attempt) })]
    }
}
