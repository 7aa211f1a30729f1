internal import Postgres

/// Rows of values for one statement, however many they are: an array of texts for each column, which `unnest` makes rows
/// of, each value cast to its column's type as the server would cast a parameter.
struct TypedRows {
    /// Those that the table has and that some row has a value for.
    let names: [String]
    let values: [Value]
    private let types: [String]

    /// - Parameter rows: the same columns in each, in the same order; columns that the table lacks are left out.
    init(_ rows: [[(String, Value)]], of table: String, _ columns: CatalogColumns, keepsEmpty: Bool = false) {
        var names: [String] = []
        var values: [Value] = []
        var types: [String] = []
        for (place, column) in (rows.first ?? []).enumerated() {
            guard let type = columns.tables[table]?[column.0] else { continue }
            let column = column.0
            let cells = rows.map { $0[place].1 }
            guard keepsEmpty || cells.contains(where: { $0 != .null }) else { continue }
            names.append(column)
            values.append(.array(cells))
            // `character` alone means one character.
            types.append(type == "character" ? "bpchar" : type)
        }
        (self.names, self.values, self.types) = (names, values, types)
    }

    /// `unnest($1::bigint[], …, $2::text[], …) with ordinality as given(id, …, c0, …, place)`: all of a row from one source,
    /// as a join of two would go through one of them for each row of the other.
    /// - Parameter leading: names and types of the arrays that are the first parameters.
    func source(_ leading: [(name: String, type: String)] = []) -> String {
        let arrays = leading.map(\.type) + names.map { _ in "text" }
        let columns = leading.map(\.name) + names.indices.map { "c\($0)" } + ["place"]
        let values = arrays.enumerated().map { "$\($0 + 1)::\($1)[]" }
        return "unnest(\(values.joined(separator: ", "))) with ordinality as given(\(columns.joined(separator: ", ")))"
    }

    /// The value of a column, of its type.
    func value(_ place: Int) -> String { "given.c\(place)::\(types[place])" }
}

extension ReplayCatalog {
    /// Inserts rows of the values whose columns the replay has; where a row has no value, the column's default stands.
    ///
    /// - Returns: the ids, in the order of the rows: PostgreSQL returns what it inserts in the order that it is given.
    /// - Throws: ``CatalogError`` `ignored` where a trigger swallowed a row.
    func insert(
        into table: String, _ identity: IdentityMaker, _ rows: [[(String, Value)]], on session: Session
    ) throws -> [Int64] {
        if rows.isEmpty { return [] }
        let typed = TypedRows(rows, of: table, columns)
        let selected = typed.names.enumerated().map { place, name in
            defaults[table]?[name].map { "coalesce(\(typed.value(place)), \($0))" } ?? typed.value(place)
        }
        let made = try session.query(
            """
            insert into callrec.\(table) (\((identity.column + typed.names).joined(separator: ", ")))
            select \((identity.value + selected).joined(separator: ", "))
            from \(typed.source()) order by given.place returning id
            """, typed.values)
        guard made.count == rows.count else {
            throw CatalogError(code: .ignored, sentence: "The replay did not take new rows of callrec.\(table).")
        }
        return try made.map { try $0.integer("id") }
    }

    /// What the database writes into columns that an insert leaves out, by table and column.
    static func readDefaults(on session: Session) throws -> [String: [String: String]] {
        let generated = session.serverVersion >= 120_000 ? "and a.attgenerated = ''" : ""
        var defaults: [String: [String: String]] = [:]
        for row in try session.query(
            """
            select c.relname::text as tab, a.attname::text as col, pg_get_expr(d.adbin, d.adrelid) as expression
            from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
            join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relname in ('calls', 'couples', 'cfiles', 'couple_extdata') \(generated)
            """)
        { defaults[try row.text("tab"), default: [:]][try row.text("col")] = try row.text("expression") }
        return defaults
    }
}
