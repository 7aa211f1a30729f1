internal import Postgres

/// Where the ids of a table's new rows come from.
enum IdentityMaker: Hashable, Sendable {
    /// The column makes them itself.
    case column
    /// An expression that gives the next one.
    case expression(String)

    /// - Parameter column: the table's primary key.
    /// - Throws: ``CatalogError`` `identities` where nothing is found that makes them.
    init(for table: String, column: String = "id", reading session: Session) throws {
        let own = try session.first(
            """
            select a.atthasdef or a.attidentity <> '' as makes from pg_attribute a
            join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relname = $1 and a.attname = $2
            """, [.text(table), .text(column)])
        if try own?.boolean("makes") == true {
            self = .column
            return
        }
        // Versions differ in the rest of the name: `get_next_couple_id`, `couples_id_seq`, `seq_couples`.
        let concept = String(table.dropLast())
        let found = try session.query(
            """
            select quote_ident(p.proname) || '()' as expression, 0 as rank
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'callrec' and p.proname like 'get\\_next\\_%' and p.pronargs = 0
                and p.proname ~ ('_' || $1::text || 's?(_|$)')
            union all
            select 'nextval(' || quote_literal('callrec.' || quote_ident(c.relname)) || ')', 1
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relkind = 'S' and c.relname ~ ('(^|_)' || $1::text || 's?(_|$)')
            order by rank, expression limit 1
            """, [.text(concept)])
        guard let row = found.first else {
            throw CatalogError(code: .identities, sentence: "Nothing gives ids for new rows of callrec.\(table).")
        }
        let expression = try row.text("expression")
        self = .expression(try row.integer("rank") == 0 ? "callrec." + expression : expression)
    }

    /// Begins the list of columns and the list of values of an insert.
    var column: [String] {
        switch self {
        case .column: []
        case .expression: ["id"]
        }
    }
    var value: [String] {
        switch self {
        case .column: []
        case .expression(let expression): [expression]
        }
    }
}
