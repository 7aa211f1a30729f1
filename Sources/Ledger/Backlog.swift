package import Postgres
package import Vocabulary

/// What waits at a source for its first try. What was tried and did not go has a cause that is told of by itself.
package struct Backlog: Hashable, Sendable {
    package var source: SourceName
    package var files: Int
    package var bytes: Int64
    /// Since the one was planned that waits longest.
    package var oldest: Duration

    /// Of sources that do not rest by an operator's word. Counts what is open: for once a minute.
    package static func all(in session: Session) throws -> [Backlog] {
        try session.query(
            """
            select source, count(*) as files, coalesce(sum(coalesce(expected_size, 0)), 0)::bigint as bytes,
                (extract(epoch from statement_timestamp() - min(planned_at)) * 1000000)::bigint as oldest
            from takeup.transfer
            where state = 'waiting' and attempts = 0 and missing_since is null
                and not exists (select from takeup.pause where pause.source = transfer.source)
            group by source order by source
            """
        ).map { row in
            Backlog(
                source: try row.name("source"), files: try row.count("files"), bytes: try row.integer("bytes"),
                oldest: try row.optionalSpan("oldest") ?? .zero)
        }
    }
}
