package import Postgres
internal import Vocabulary

/// Muxing again what went bad after it was committed.
extension MuxJobs {
    /// Makes the jobs of bad results due again, where sound and screens are all held and good; where a screen is not, a job of
    /// those that are. The bad one stays what it is until the commit of the new one retires it.
    ///
    /// - Returns: those of `results` that are made again, also where that was under way before.
    package static func makeAgain(_ results: [Replica], in session: Session) throws -> Set<Replica.ID> {
        if results.isEmpty { return [] }
        let sids = Set(results.map(\.content.sid))
        try Recordings.lock(sids, in: session)
        let bad: [Value] = [.sids(results.map(\.content.sid)), .numbers(results.map(\.id))]
        let rows = try session.query(
            """
            with chosen as (
                select job.id, job.state from unnest($1::text[], $2::bigint[]) as bad(sid, id)
                join takeup.mux_job as job on job.sid = bad.sid and job.result_id = bad.id
                where job.state <> 'superseded' and not \(hasBadHalf("job"))
                order by job.id for no key update of job
            ), due as (
                update takeup.mux_job set state = \(due), not_before = statement_timestamp(), failures = 0,
                    killed_screen_ids = '{}', losses = 0, last_error = null, left_out = null, changed_at = statement_timestamp()
                from chosen where mux_job.id = chosen.id and chosen.state = 'done'
                returning mux_job.id
            ), tried as (
                -- What they lack is tried again already: now they stand for nothing.
                update takeup.mux_job set left_out = null, not_before = least(not_before, statement_timestamp())
                from chosen where mux_job.id = chosen.id and chosen.state <> 'done' and left_out is not null
            )
            select mux_job.result_id, exists (select from due where due.id = mux_job.id) as is_due
            from chosen join takeup.mux_job on mux_job.id = chosen.id
            """, bad)
        let lesser = try endLacking(bad, in: session)
        try freeReplaced(sids, in: session)
        // What is left of them, and what was made before the screen that is lost had come.
        if !lesser.isEmpty { try ensure(sids, in: session) }
        if try rows.contains(where: { try $0.boolean("is_due") }) {
            try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session)
        }
        return lesser.union(try rows.map { try $0.number("result_id") })
    }

    /// Ends jobs of bad results that can't be made again, as a screen is not held and good, where others are: then these make
    /// one. Gives the results.
    private static func endLacking(_ bad: [Value], in session: Session) throws -> Set<Replica.ID> {
        let ended = try session.query(
            """
            with chosen as (
                select job.id from unnest($1::text[], $2::bigint[]) as bad(sid, id)
                join takeup.mux_job as job on job.sid = bad.sid and job.result_id = bad.id
                where job.state <> 'superseded' and \(hasBadHalf("job"))
                    and exists (select from takeup.replica as half where half.id = job.sound_id and \(isGood))
                    and exists (select from takeup.replica as half where half.id = any(job.screen_ids) and \(isGood))
                order by job.id for no key update of job
            )
            update takeup.mux_job set state = 'superseded', holder = null, lease_until = null, left_out = null,
                changed_at = statement_timestamp()
            from chosen where mux_job.id = chosen.id
            returning mux_job.id, result_id
            """, bad)
        try Intents.supersede(ofMuxJobs: ended.map { try $0.number("id") }, in: session)
        return Set(try ended.map { try $0.number("result_id") })
    }

    private static let isGood = "half.state = 'held' and not half.is_doubted and half.gone_at is null"

    /// Jobs whose results were replaced stand for nothing: their pairs may be wanted again.
    private static func freeReplaced(_ sids: Set<Sid>, in session: Session) throws {
        try session.execute(
            """
            update takeup.mux_job set state = 'superseded', left_out = null, changed_at = statement_timestamp()
            where id = any(array(
                select job.id from takeup.mux_job as job
                where sid = any($1::text[]) and job.state = 'done' and not exists (
                    select from takeup.replica where id = job.result_id and replica.state = 'held')
                order by job.id for no key update))
            """, [.sids(sids)])
    }
}
