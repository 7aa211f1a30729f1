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
}
