package import Postgres

/// Problems about single copies: their subject is the replica.
package enum CopyProblems {
    private static let prefix = "copy "

    package static func subject(_ id: Replica.ID) -> String { "\(prefix)\(id.rawValue)" }

    /// Those of these copies are over. Gives what was open.
    package static func close(
        _ kinds: [String], of ids: some Collection<Replica.ID>, in session: Session
    ) throws -> [Problem] {
        if ids.isEmpty { return [] }
        return try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.problem
                where closed_at is null and kind = any($1::text[]) and subject = any($2::text[])
                order by id for no key update))
            returning \(Problem.columns.text(of: "problem"))
            """, [.texts(kinds), .texts(ids.map(subject))]
        ).map(Problem.init)
    }

    /// Those of copies that are held no more, as a better one took their place, or whose recording was let go.
    package static func closeReplaced(_ kinds: [String], limit: Int, in session: Session) throws -> [Problem] {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.problem
                where closed_at is null and kind = any($1::text[]) and starts_with(subject, $2) and exists (
                    select from takeup.replica
                    where replica.id = substr(problem.subject, length($2) + 1)::bigint
                        and (replica.state <> 'held' or replica.gone_at is not null))
                order by id limit $3 for no key update))
            returning \(Problem.columns.text(of: "problem"))
            """, [.texts(kinds), .text(prefix), Value(limit)]
        ).map(Problem.init)
    }
}
