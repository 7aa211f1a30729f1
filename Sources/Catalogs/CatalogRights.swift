package import Postgres
package import Vocabulary

/// What the role of a session may do with callrec tables. They must be there.
package enum CatalogRights {
    private static let tables = ["calls", "couples", "cfiles", "couple_extdata"]

    /// Tables that the role can't read, of those that every look needs.
    package static func unreadable(on session: Session) throws -> [String] {
        try lacking(["select"], on: session)
    }

    /// Tables that the role can't write, of those that every commit writes.
    package static func unwritable(on session: Session) throws -> [String] {
        try lacking(["select", "insert", "update"], on: session)
    }

    /// Whether the role may set marks.
    package static func maySetMarks(on session: Session) throws -> Bool {
        guard try mayUseSchema(session) else { return false }
        return try session.first(
            "select has_column_privilege('callrec.couples', 'synchronized', 'update') as may")?.boolean("may") == true
    }

    private static func mayUseSchema(_ session: Session) throws -> Bool {
        try session.first("select has_schema_privilege('callrec', 'usage') as may")?.boolean("may") == true
    }

    /// Tables that the role can't use as voice tags need it at the replay.
    package static func lackingForVoiceTags(on session: Session) throws -> [String] {
        try lacking(["select", "insert"], of: ["voice_tags"], on: session)
            + lacking(["select"], of: ["speech_phrases"], on: session)
    }

    /// Tables of a source that the role can't bring definitions to; none where there are no such tables.
    package static func lackingForDefinitions(_ columns: CatalogColumns, on session: Session) throws -> [String] {
        guard SpeechTables(columns) != nil else { return [] }
        let tables = ["speech_phrases", "speech_tags", "tag_to_phrases"].filter { columns.has(table: $0) }
        return try lacking(["select", "insert", "delete"], of: tables, on: session)
    }

    private static func lacking(_ rights: [String], on session: Session) throws -> [String] {
        try lacking(rights, of: tables, on: session)
    }

    static func lacking(_ rights: [String], of tables: [String], on session: Session) throws -> [String] {
        // Without the right to the schema, asking for a table in it is an error.
        guard try mayUseSchema(session) else { return tables.map { "callrec.\($0)" } }
        return try tables.filter { table in
            let has = rights.map { "has_table_privilege('callrec.\(table)', '\($0)')" }.joined(separator: " and ")
            return try session.first("select \(has) as may")?.boolean("may") != true
        }.map { "callrec.\($0)" }
    }
}

extension SourceCatalog {
    /// How many recordings that ended within `stops` have no mark, counted up to `limit`.
    package func unmarkedCount(within stops: Range<WallTime>, limit: Int, on session: Session) throws -> Int {
        let row = try session.first(
            """
            select count(*) as number from (
                select 1 from callrec.couples
                where synchronized is null and stop_ts >= $1::timestamp and stop_ts < $2::timestamp limit $3::bigint
            ) counted
            """, [Value(stops.lowerBound), Value(stops.upperBound), .integer(Int64(limit))])
        return Int(try row?.integer("number") ?? 0)
    }
}
