package import Postgres

/// Which database this is, as far as the server can tell.
package struct DatabaseIdentity: Hashable, Sendable {
    /// Made once by `initdb`; a physical copy keeps it.
    package var systemIdentifier: Int64
    /// Grows with every promotion and point-in-time recovery.
    package var timeline: Int64
    /// Another one when a dump was restored into a new database.
    package var databaseNumber: Int64

    /// The timeline comes from the name of the WAL file: the control file shows a new one only after a checkpoint.
    static func current(in session: Session) throws -> DatabaseIdentity {
        let row = try session.first(
            """
            select system_identifier,
                ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint as timeline,
                (select oid::bigint from pg_database where datname = current_database()) as database_oid
            from pg_control_system()
            """)
        guard let row else { preconditionFailure("pg_control_system() returned no row") }
        return DatabaseIdentity(
            systemIdentifier: try row.integer("system_identifier"), timeline: try row.integer("timeline"),
            databaseNumber: try row.integer("database_oid"))
    }
}

/// Whether marks may be set. A ledger that went back in time, or is another database's, would promise what is not held.
package enum Marking {
    /// Compares the database with the one that was seen last, and stops marking where it is another one. The first call
    /// ever only takes note. At start and after every reconnect; in a transaction.
    ///
    /// - Returns: why marking is stopped; nil when it is not.
    package static func check(in session: Session) throws -> String? {
        let current = try DatabaseIdentity.current(in: session)
        let row = try session.first(
            "select system_identifier, timeline, database_oid, marking_stopped from takeup.meta for update")
        guard let row else { preconditionFailure("the ledger's table meta has no row") }
        if let reason = try row.optionalText("marking_stopped") { return reason }
        guard let system = try row.optionalInteger("system_identifier"),
            let timeline = try row.optionalInteger("timeline"),
            let number = try row.optionalInteger("database_oid")
        else {
            try adopt(current, in: session)
            return nil
        }
        let reason: String
        if system != current.systemIdentifier {
            reason = "The replay database runs on another cluster than before."
        } else if timeline != current.timeline {
            reason =
                "The replay database went over to timeline \(current.timeline) from \(timeline): it was promoted "
                + "or recovered, and its last transactions may be lost."
        } else if number != current.databaseNumber {
            reason = "The replay database was restored from a dump into a new database."
        } else {
            return nil
        }
        try stop(reason: reason, in: session)
        return reason
    }

    /// Stops marking until ``resume(in:)``. The first reason stays.
    package static func stop(reason: String, in session: Session) throws {
        try session.execute(
            """
            update takeup.meta set marking_stopped = $1, marking_stopped_at = statement_timestamp()
            where marking_stopped is null
            """, [.text(reason)])
        try Intents.spareNames(in: session)
    }

    /// Why marking is stopped; nil when it is not.
    package static func stopped(in session: Session) throws -> String? {
        try session.first("select marking_stopped from takeup.meta")?.optionalText("marking_stopped")
    }

    /// An audit has passed: this database is the one to go on with.
    package static func resume(in session: Session) throws {
        try Intents.spareNames(in: session)
        try adopt(DatabaseIdentity.current(in: session), in: session)
        try session.execute(
            """
            update takeup.meta set marking_stopped = null, marking_stopped_at = null, resumed_at = statement_timestamp()
            """)
    }

    private static func adopt(_ identity: DatabaseIdentity, in session: Session) throws {
        try session.execute(
            "update takeup.meta set system_identifier = $1, timeline = $2, database_oid = $3",
            [.integer(identity.systemIdentifier), .integer(identity.timeline), .integer(identity.databaseNumber)])
    }
}
