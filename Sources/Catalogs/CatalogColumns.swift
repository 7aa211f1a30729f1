package import Postgres

/// Which columns a catalog has: they differ by the version that made it, so they are read when work begins.
package struct CatalogColumns: Hashable, Sendable {
    /// `format_type` of each column, by table and name.
    let tables: [String: [String: String]]
    /// Columns of `couples` that an index begins with.
    let indexed: Set<String>
    /// `server_encoding`.
    let encoding: String

    /// - Throws: ``CatalogError`` `tables` where something is missing that nothing works without.
    package init(reading session: Session) throws {
        var tables: [String: [String: String]] = [:]
        let rows = try session.query(
            """
            select c.relname::text as tab, a.attname::text as col, format_type(a.atttypid, null) as type
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relkind in ('r', 'v', 'p') and a.attnum > 0 and not a.attisdropped
            """)
        for row in rows { tables[try row.text("tab"), default: [:]][try row.text("col")] = try row.text("type") }
        self.tables = tables
        indexed = Set(
            try session.query(
                """
                select a.attname::text as col from pg_index i
                join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                where n.nspname = 'callrec' and c.relname = 'couples' and i.indisvalid and i.indpred is null
                """
            ).map { try $0.text("col") })
        encoding = try session.first("select current_setting('server_encoding') as name")?.text("name") ?? ""
        try check()
    }

    package func has(_ column: String, in table: String) -> Bool { tables[table]?[column] != nil }
    package func has(table: String) -> Bool { tables[table] != nil }

    /// Columns of `couples` that go to the replay as they stand.
    package var carriedOfRecording: [String] { Carried.ofRecording.filter { has($0, in: "couples") } }
    /// Columns of `cfiles` that go to the replay as they stand.
    package var carriedOfMedia: [String] { Carried.ofMedia.filter { has($0, in: "cfiles") } }
    /// Columns of `couples` that are of no version known: they stay where they are.
    package var unknownOfRecording: [String] {
        (tables["couples"] ?? [:]).keys.filter { !Carried.ofRecording.contains($0) && !Carried.own.contains($0) }
            .sorted()
    }

    /// Whether the bytes of any path can be stored.
    var takesAnyBytes: Bool { encoding == "SQL_ASCII" }

    private func check() throws {
        let needed = [
            "calls": ["id"], "couples": ["id", "callid", "sid", "stop_ts", "state", "synchronized"],
            "cfiles": ["id", "cplid", "cftype", "cfpath", "cfsize"], "couple_extdata": ["cplid", "key", "value"],
        ]
        for (table, columns) in needed.sorted(by: { $0.key < $1.key }) {
            guard has(table: table) else {
                throw CatalogError(code: .tables, sentence: "The database has no table callrec.\(table).")
            }
            for column in columns where !has(column, in: table) {
                throw CatalogError(code: .tables, sentence: "The table callrec.\(table) has no column \(column).")
            }
        }
        guard tables["couples"]?["stop_ts"] == "timestamp without time zone" else {
            throw CatalogError(
                code: .tables, sentence: "callrec.couples.stop_ts is not a timestamp without time zone.")
        }
    }
}

/// What becomes of the columns that are known of any version.
private enum Carried {
    /// What was said and by whom: true wherever it stands.
    static let ofRecording = [
        "created_ts", "callingip", "calledip", "callingnr", "originalcallednr", "finalcallednr", "callingpartyname",
        "calledpartyname", "cpltype", "description", "direction", "callingagent", "calledagent", "calling_domain",
        "called_domain", "original_domain", "dayofweek", "timeofday", "calling_pv_problemstatus",
        "called_pv_problemstatus",
    ]
    static let ofMedia = ["cktype", "ckvalue", "digest", "direction"]

    /// Columns that have a meaning of their own here, that the database keeps itself, or that are true only where
    /// they stand: marks, what a server's own tools did with its media, and evaluations, which live beside them.
    static let own: Set<String> = [
        "id", "callid", "sid", "start_ts", "stop_ts", "length", "state", "problemstatus", "protected", "synchronized",
        "cfcnt", "cftypes", "mixed", "deleted", "restored", "archived", "evaluated", "scorecard_use", "b_method",
        "b_location", "dirty", "updated_ts",
    ]
}
