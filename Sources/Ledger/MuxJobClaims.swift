package import Postgres
package import Vocabulary

/// Claiming mux jobs, and giving them back.
extension MuxJobs {
    /// So often a job is taken over at once from a worker that was lost with it. After that it may be what its workers die of:
    /// it is taken last, and after pauses that double from a minute to an hour, so that the others are done meanwhile.
    package static let mostQuickTakeOvers = 3

    /// Claims at most `limit` jobs for `holder`: those whose lease ended, then up to `newest` of the newest, then those
    /// longest due, then those that lost their workers again and again. Several workers never get one row twice. Whoever had
    /// one before can publish nothing more.
    package static func claim(
        holder: Holder, limit: Int, newest: Int, lease: Duration, in session: Session
    ) throws -> [MuxJob] {
        let jobs = try session.query(
            claimStatement, [Value(holder), Value(limit), Value(min(newest, limit)), Value(lease)]
        ).map(MuxJob.init)
        try Intents.supersede(ofMuxJobs: jobs.filter { $0.attempts > 1 }.map(\.id), in: session)
        return jobs
    }

    /// When a job whose lease ends may be taken over.
    private static let takeOver = "lease_until + \(pauseAfterLosses)"

    /// How long what was lost with its workers waits for the next.
    static let pauseAfterLosses = """
        case when losses < \(mostQuickTakeOvers) then interval '0'
            else least(interval '1 hour', interval '1 minute' * (1 << least(losses - \(mostQuickTakeOvers), 6))) end
        """

    /// The state of a job that waits: of RECD it is for workers with a converter alone, whatever was tried before.
    static let due = "case when is_recd then 'not_muxable' else 'waiting' end"

    static let claimStatement = """
        with expired as (
            select id, losses from takeup.mux_job
            where state = 'claimed' and lease_until < statement_timestamp() and \(takeOver) < statement_timestamp()
            order by losses >= \(mostQuickTakeOvers), id limit $2::bigint for no key update skip locked
        ), newest as (
            select id from takeup.mux_job where state = 'waiting' and not_before <= statement_timestamp()
            order by id desc limit $3::bigint for no key update skip locked
        ), due as (
            select id from takeup.mux_job where state = 'waiting' and not_before <= statement_timestamp()
            order by not_before, id limit $2::bigint for no key update skip locked
        ), chosen as (
            select id, min(lane) as lane from (
                select id, case when losses < \(mostQuickTakeOvers) then 1 else 4 end as lane from expired
                union all select id, 2 from newest
                union all select id, 3 from due
            ) as lanes
            group by id order by min(lane), id limit $2::bigint
        )
        update takeup.mux_job set state = 'claimed', holder = $1, attempts = attempts + 1,
            losses = losses + case when state = 'claimed' then 1 else 0 end,
            lease_until = statement_timestamp() + $4::interval, changed_at = statement_timestamp()
        where id = any (array(select id from chosen))
        returning \(MuxJob.columns.text(of: "mux_job"))
        """

    /// Lengthens the lease of jobs that no intent stands for yet.
    ///
    /// - Returns: those that are still held. Work on any other must stop.
    package static func renew(
        _ claims: [Claim<MuxJob.ID>], lease: Duration, in session: Session
    ) throws -> Set<MuxJob.ID> {
        let rows = try session.query(
            """
            with held as (\(heldClaims))
            update takeup.mux_job set lease_until = statement_timestamp() + $4::interval
            from held where mux_job.id = held.id
            returning mux_job.id
            """, claims.values + [Value(lease)])
        return Set(try rows.map { try $0.number("id") })
    }

    /// The attempt failed: again after `delay`, or, where only a person can help, not until one says so.
    ///
    /// - Parameters:
    ///   - delay: nil makes it `failed`.
    ///   - killedAt: the screen at which a tool was killed, where that was the failure.
    /// - Returns: whether the claim was still held; otherwise nothing changed.
    @discardableResult
    package static func fail(
        _ claim: Claim<MuxJob.ID>, delay: Duration?, error: String, killedAt: Replica.ID? = nil, in session: Session
    ) throws -> Bool {
        try release(claim, delay: delay, error: error, isFailure: true, killedAt: killedAt, in: session)
    }

    /// Gives the job back unharmed, due at once: the worker stops, or cannot place the result now.
    @discardableResult
    package static func release(
        _ claim: Claim<MuxJob.ID>, delay: Duration = .zero, in session: Session
    ) throws -> Bool {
        try release(claim, delay: delay, error: nil, isFailure: false, in: session)
    }

    private static func release(
        _ claim: Claim<MuxJob.ID>, delay: Duration?, error: String?, isFailure: Bool, killedAt: Replica.ID? = nil,
        in session: Session
    ) throws -> Bool {
        let released = try session.query(
            """
            with held as (\(heldClaims))
            update takeup.mux_job set state = case when $4::text = 'failed' then $4::text else \(due) end,
                holder = null, lease_until = null,
                not_before = statement_timestamp() + $5::interval, failures = failures + $6::integer,
                killed_screen_ids = killed_screen_ids || $8::bigint[],
                losses = case when $6::integer > 0 then 0 else losses end,
                last_error = coalesce($7::text, last_error), changed_at = statement_timestamp()
            from held where mux_job.id = held.id
            returning mux_job.id
            """,
            [claim].values + [
                .text((delay == nil ? MuxJob.State.failed : .waiting).rawValue), Value(delay ?? .zero),
                isFailure ? 1 : 0, Value(error), .numbers(killedAt.map { [$0] } ?? []),
            ])
        try Intents.supersede(ofMuxJobs: released.map { try $0.number("id") }, in: session)
        return !released.isEmpty
    }

    /// How long until a job is due or its lease ends; zero or less: one is. Nil where there is none.
    package static func nextDue(in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from least(
                (select min(not_before) from takeup.mux_job where state = 'waiting'),
                (select min(\(takeOver)) from takeup.mux_job where state = 'claimed')
            ) - statement_timestamp()) * 1000000)::bigint as span
            """)?.optionalSpan("span")
    }

    /// The rows of the claims `$1`, `$2`, `$3` that are still held, locked in order.
    static let heldClaims = """
        select mux_job.id from takeup.mux_job
        join unnest($1::bigint[], $2::text[], $3::bigint[]) as claim(id, holder, attempt)
            on mux_job.id = claim.id and mux_job.holder = claim.holder and mux_job.attempts = claim.attempt
        where mux_job.state = 'claimed' order by mux_job.id for no key update of mux_job
        """
}

extension [Claim<MuxJob.ID>] {
    var values: [Value] {
        [.numbers(map(\.id)), .names(map(\.holder)), .integers(map { Int64($0.attempt) })]
    }
}
