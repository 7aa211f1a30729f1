package import Postgres
internal import Vocabulary

/// Results that lack screens, as these were refused. Such a job is done; a better copy of the screen makes a new one.
extension MuxJobs {
    /// So long after a look at what was left out it is due again at the earliest, however often workers start.
    package static let leftOutRest = Duration.seconds(3600)
    /// One becomes due so long after the other, the newest first: what is new waits for none of them.
    package static let leftOutPause = Duration.seconds(10)

    /// Makes jobs due again whose results lack screens, when they have rested: the worker that starts may have other keys,
    /// settings or tools than the last one. The result stays until there is a better one. Not those of RECD, which not every
    /// worker can make.
    ///
    /// - Returns: how many.
    @discardableResult
    package static func tryLeftOut(restedFor rest: Duration = leftOutRest, in session: Session) throws -> Int {
        try session.execute(
            """
            with chosen as (
                select job.id, row_number() over (order by job.id desc) - 1 as place from takeup.mux_job as job
                where left_out is not null and job.state = 'done' and not is_recd
                    and exists (select from takeup.replica where id = job.result_id and state = 'held')
            ), locked as (
                select id from takeup.mux_job where id = any(array(select id from chosen)) and state = 'done'
                order by id for no key update skip locked
            )
            update takeup.mux_job set state = 'waiting', failures = 0, killed_screen_ids = '{}', losses = 0,
                changed_at = statement_timestamp(),
                not_before = greatest(statement_timestamp(), mux_job.changed_at + $1::interval)
                    + chosen.place * $2::interval
            from chosen join locked on locked.id = chosen.id where mux_job.id = chosen.id
            """, [Value(rest), Value(leftOutPause)])
    }

    /// The same screens are refused as before: the result stands as it is, and the job is done.
    ///
    /// - Returns: whether the claim was still held, and the result stood; otherwise nothing changed.
    package static func keep(_ claim: Claim<MuxJob.ID>, in session: Session) throws -> Bool {
        let kept = try session.query(
            """
            with held as (\(heldClaims))
            update takeup.mux_job set state = 'done', holder = null, lease_until = null, failures = 0,
                killed_screen_ids = '{}', losses = 0, last_error = null, changed_at = statement_timestamp()
            from held where mux_job.id = held.id and left_out is not null and result_id is not null
            returning mux_job.id
            """, [claim].values)
        return !kept.isEmpty
    }
}
