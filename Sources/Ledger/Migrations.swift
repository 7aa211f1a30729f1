package import Postgres

/// The versions of the schema `takeup` in the replay database. Numbered from 1; none is ever changed once released.
package enum Migrations {
    /// In order; the version is the place in the list, counted from 1.
    private static let all: [(name: String, script: String)] = [
        ("first schema", first)
    ]

    /// The version that this program works with.
    package static var current: Int { all.count }

    /// What a process of any version can wait for: `takeup` as a number.
    private static let lockKey: Int64 = 0x74616b_657570

    /// The schema's version in this database; 0 where there is none.
    package static func version(in session: Session) throws -> Int {
        // Not `to_regclass`: it may remember that there was no such schema before another session made it.
        let known = try session.first(
            """
            select from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace
            where pg_namespace.nspname = 'takeup' and pg_class.relname = 'migration'
            """)
        guard known != nil else { return 0 }
        return try session.first("select coalesce(max(version), 0) as version from takeup.migration")?
            .count("version") ?? 0
    }

    /// Brings the schema to ``current``. Inside a *read committed* transaction; agents that start together wait for
    /// the first, and find its work done.
    ///
    /// Where nothing is missing it needs no right to create.
    /// - Parameter program: the program's version, for the record.
    /// - Returns: the versions that this call applied.
    /// - Throws: ``LedgerError`` `newerSchema`.
    @discardableResult
    package static func apply(program: String, in session: Session) throws -> [Int] {
        if try checked(version(in: session)) == current { return [] }
        try session.query("select pg_advisory_xact_lock($1::bigint)", [.integer(lockKey)])
        // A statement of its own, after the wait: it sees what others did meanwhile.
        let standing = try checked(version(in: session))
        if standing == 0 { try session.script(bookkeeping) }
        for version in standing..<current {
            try session.script(all[version].script)
            try session.execute(
                "insert into takeup.migration (version, name, program) values ($1, $2, $3)",
                [.integer(Int64(version + 1)), .text(all[version].name), .text(program)])
        }
        return Array(standing + 1..<current + 1)
    }

    /// For commands that only read: throws ``LedgerError`` unless the schema is just the one that this program knows.
    package static func confirm(in session: Session) throws {
        let standing = try checked(version(in: session))
        guard standing == current else {
            throw LedgerError(
                code: .olderSchema,
                sentence: "The ledger in the replay database has schema version \(standing), this program works with "
                    + "\(current): start an agent of this version once, which brings it up to date.")
        }
    }

    private static func checked(_ version: Int) throws -> Int {
        guard version <= current else {
            throw LedgerError(
                code: .newerSchema,
                sentence: "The ledger in the replay database has schema version \(version), but this program knows "
                    + "only up to \(current): install the version of Takeup that the other agents run.")
        }
        return version
    }

    private static let bookkeeping = """
        create schema if not exists takeup;
        create table takeup.migration (
            version integer primary key,
            name text not null,
            program text not null,
            applied_at timestamptz not null default clock_timestamp()
        );
        """
}
