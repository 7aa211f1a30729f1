package import Postgres

/// How long recordings took from *complete at the recorder* to *everything committed at the replay*.
package struct Delays: Hashable, Sendable {
    package var recordings: Int
    package var median: Duration
    /// 99 of 100 were faster.
    package var high: Duration
    package var worst: Duration

    /// Over recordings that converged within the last `span`, and whose completion was known; what came after its mark
    /// is late for reasons of its own, and that there is no index file is nothing that came. Nil where there is none.
    package static func take(over span: Duration, in session: Session) throws -> Delays? {
        let row = try session.first(
            """
            select count(*) as recordings, percentile_cont(0.5) within group (order by took)::bigint as median,
                percentile_cont(0.99) within group (order by took)::bigint as high, max(took)::bigint as worst
            from (
                select extract(epoch from coalesce(came.last_at, converged_at) - finished_at) * 1000000 as took
                from takeup.sighting
                left join lateral (
                    select max(changed_at) filter (where not found_absent) as last_at from takeup.transfer
                    where transfer.source = sighting.source and transfer.source_id = sighting.source_id
                        and transfer.state = 'done'
                    having bool_or(found_absent)) came on true
                where converged_at > statement_timestamp() - $1::interval and finished_at is not null
                    and (marked_at is null or marked_at >= converged_at)
            ) as delays
            """, [Value(span)])
        guard let row, try row.count("recordings") > 0 else { return nil }
        return Delays(
            recordings: try row.count("recordings"), median: try row.optionalSpan("median") ?? .zero,
            high: try row.optionalSpan("high") ?? .zero, worst: try row.optionalSpan("worst") ?? .zero)
    }
}
