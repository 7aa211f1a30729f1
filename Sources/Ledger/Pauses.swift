package import Postgres
package import Vocabulary

/// A source that an operator told to rest: nothing is looked at, marked or begun there until it is resumed.
package struct Pause: Hashable, Sendable {
    package var source: SourceName
    package var since: Instant
    /// Why, in the operator's words.
    package var reason: String?

    package init(source: SourceName, since: Instant, reason: String?) {
        self.source = source
        self.since = since
        self.reason = reason
    }
}

/// Sources at rest. What stands here outlives every process.
package enum Pauses {
    package static func all(in session: Session) throws -> [Pause] {
        try session.query("select \(columns.text(of: "pause")) from takeup.pause order by source").map(pause)
    }

    package static func find(_ source: SourceName, in session: Session) throws -> Pause? {
        try session.first("select \(columns.text(of: "pause")) from takeup.pause where source = $1", [Value(source)])
            .map(pause)
    }

    /// Pauses sources. One that is paused stays so since when it was; a new reason takes the old one's place.
    ///
    /// - Returns: those that were not paused before.
    @discardableResult
    package static func pause(
        _ sources: [SourceName], reason: String?, in session: Session
    ) throws -> Set<SourceName> {
        let standing = Set(try all(in: session).map(\.source))
        try session.execute(
            """
            insert into takeup.pause as standing (source, reason)
            select source, $2 from unnest($1::text[]) as source order by source collate "C"
            on conflict (source) do update set reason = coalesce(excluded.reason, standing.reason)
            """, [.names(sources), Value(reason)])
        try WorkChannel.notify(pauseOf: sources, in: session)
        return Set(sources).subtracting(standing)
    }

    /// Lets sources go on.
    ///
    /// - Returns: those that were paused.
    @discardableResult
    package static func resume(_ sources: [SourceName], in session: Session) throws -> Set<SourceName> {
        let rows = try session.query(
            "delete from takeup.pause where source = any($1::text[]) returning source", [.names(sources)])
        try WorkChannel.notify(pauseOf: sources, in: session)
        return Set(try rows.map { try $0.name("source") })
    }

    private static let columns = ColumnList(plain: ["source", "reason"], times: ["since"])

    private static func pause(_ row: Row) throws -> Pause {
        Pause(
            source: try row.name("source"), since: try row.instant("since"), reason: try row.optionalText("reason"))
    }
}
