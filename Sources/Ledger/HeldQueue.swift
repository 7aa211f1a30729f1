package import Postgres
internal import Vocabulary

/// What waits at the recorders for its copy.
package struct HeldQueue: Hashable, Sendable {
    package var files: Int
    package var bytes: Int64
    /// How long the oldest has been waiting here; nil where nothing waits.
    package var oldest: Duration?

    /// Counts it: not for every turn.
    package static func count(in session: Session) throws -> HeldQueue {
        let row = try session.first(
            """
            select count(*) as files, coalesce(sum(coalesce(seen_size, expected_size, 0)), 0)::bigint as bytes,
                (extract(epoch from statement_timestamp() - min(planned_at)) * 1000000)::bigint as oldest
            from takeup.transfer where state in ('waiting', 'claimed') and missing_since is null
            """)
        guard let row else { preconditionFailure("a count returned no row") }
        return HeldQueue(
            files: try row.count("files"), bytes: try row.integer("bytes"), oldest: try row.optionalSpan("oldest"))
    }
}
