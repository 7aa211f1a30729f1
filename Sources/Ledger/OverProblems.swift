package import Postgres
package import Vocabulary

extension Problems {
    /// Problems of a kind about media of a source whose damaged copy serves no more: a better one took its place, or it
    /// was never taken. Those whose transfer is still under way stay open.
    @discardableResult
    package static func closeReplaced(
        kind: String, of source: SourceName, limit: Int, in session: Session
    ) throws -> [Problem] {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.problem
                where kind = $1 and closed_at is null and starts_with(reference, $2) and subject ~ '#[0-9]+$'
                    and not exists (
                        select from takeup.transfer
                        left join takeup.replica on replica.transfer_id = transfer.id and replica.state = 'held'
                        where transfer.source = $3 and transfer.source_media_id = substring(subject from '[0-9]+$')::bigint
                            and (replica.id is not null or transfer.state in ('waiting', 'claimed')))
                order by id limit $4 for no key update of problem))
            returning \(Problem.columns.text(of: "problem"))
            """, [.text(kind), .text("\(source)/"), Value(source), Value(limit)]
        ).map(Problem.init)
    }

    /// Problems of this kind about results that lack screens: the job's result lacks none now, another's took its place, or
    /// the job has lost its point.
    @discardableResult
    package static func closeCompletedMuxes(kind: String, subjectPrefix prefix: String, in session: Session) throws
        -> [Problem]
    {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select problem.id from takeup.problem
                join takeup.mux_job as job on job.id = substring(problem.subject from '[0-9]+$')::bigint
                where problem.kind = $1 and problem.closed_at is null
                    and starts_with(problem.subject, $2) and problem.subject ~ '[0-9]+$'
                    and (job.state = 'superseded' or job.state = 'done' and (job.left_out is null
                        or not exists (select from takeup.replica where id = job.result_id and state = 'held')))
                order by problem.id for no key update of problem))
            returning \(Problem.columns.text(of: "problem"))
            """, [.text(kind), .text(prefix)]
        ).map(Problem.init)
    }

    /// Problems of these kinds about mux jobs that are over: done after all, superseded by a better half, or for nobody to
    /// mux. Not those of RECD that wait for the next worker with a converter, after one failed at them.
    @discardableResult
    package static func closeOverMuxJobs(kinds: [String], subjectPrefix prefix: String, in session: Session) throws
        -> [Problem]
    {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select problem.id from takeup.problem
                join takeup.mux_job on mux_job.id = substring(problem.subject from '[0-9]+$')::bigint
                where problem.kind = any($1::text[]) and problem.closed_at is null
                    and starts_with(problem.subject, $2) and problem.subject ~ '[0-9]+$'
                    and (mux_job.state in ('done', 'superseded')
                        or mux_job.state = 'not_muxable' and mux_job.failures = 0 and mux_job.losses = 0)
                order by problem.id for no key update of problem))
            returning \(Problem.columns.text(of: "problem"))
            """, [.texts(kinds), .text(prefix)]
        ).map(Problem.init)
    }
}
