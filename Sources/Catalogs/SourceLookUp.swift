package import Postgres
package import Vocabulary

extension SourceCatalog {
    /// The recordings of a `sid`, whatever their mark and state: one, as a rule. By the index on `sid`.
    package func recordings(sid: Sid, on session: Session) throws -> [SourceRow] {
        try recordings(sids: [sid], on: session)
    }

    /// The same of several.
    package func recordings(sids: some Sequence<Sid>, on session: Session) throws -> [SourceRow] {
        let rows = try session.query(
            "select id from callrec.couples where sid = any($1::text[])", [.texts(sids.map(\.rawValue))])
        return try recordings(ids: try rows.map { try $0.integer("id") }, on: session)
    }
}
