package import Postgres
internal import Vocabulary

/// Muxing again what went bad after it was committed.
extension MuxJobs {
    /// Makes the jobs of bad results due again, where sound and screen are both held and good. The bad one stays what it is
    /// until the commit of the new one retires it.
    ///
    /// - Returns: those of `results` that are made again, also where that was under way before.
    package static func makeAgain(_ results: [Replica], in session: Session) throws -> Set<Replica.ID> {
        if results.isEmpty { return [] }
        let rows = try session.query(
            """
            with chosen as (
                select job.id, job.state from unnest($1::text[], $2::bigint[]) as bad(sid, id)
                join takeup.mux_job as job on job.sid = bad.sid and job.result_id = bad.id
                where job.state <> 'superseded' and not exists (
                    select from takeup.replica as half where half.id = any(job.screen_ids || job.sound_id)
                        and (half.state <> 'held' or half.is_doubted or half.gone_at is not null))
                order by job.id for no key update of job
            ), due as (
                update takeup.mux_job set state = 'waiting', not_before = statement_timestamp(), failures = 0,
                    losses = 0, last_error = null, left_out = null, changed_at = statement_timestamp()
                from chosen where mux_job.id = chosen.id and chosen.state = 'done'
                returning mux_job.id
            ), tried as (
                -- What they lack is tried again already: now they stand for nothing.
                update takeup.mux_job set left_out = null, not_before = least(not_before, statement_timestamp())
                from chosen where mux_job.id = chosen.id and chosen.state <> 'done' and left_out is not null
            )
            select mux_job.result_id, exists (select from due where due.id = mux_job.id) as is_due
            from chosen join takeup.mux_job on mux_job.id = chosen.id
            """, [.sids(results.map(\.content.sid)), .numbers(results.map(\.id))])
        if try rows.contains(where: { try $0.boolean("is_due") }) {
            try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session)
        }
        return Set(try rows.map { try $0.number("result_id") })
    }
}
