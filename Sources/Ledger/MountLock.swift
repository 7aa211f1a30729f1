package import Postgres
package import Vocabulary

/// One agent's exclusive right to serve a mount, as a session lock of the replay database on a connection of its own.
/// The connection's end is the lock's end, whatever ends it; so it needs a direct connection, or a pooler that gives
/// each client a session.
package final class MountLock: Sendable {
    package let mount: MountPath
    private let database: Database

    private init(mount: MountPath, database: Database) {
        self.mount = mount
        self.database = database
    }

    /// Nil: another agent serves this mount.
    package static func take(_ mount: MountPath, _ settings: ConnectionSettings) async throws -> MountLock? {
        let lock = MountLock(mount: mount, database: Database(settings, connections: 1))
        return try await lock.retake() ? lock : nil
    }

    /// Whether the lock still stands; asks the server. Throws what ``Database`` throws when it cannot be asked: then
    /// it has to be taken for lost.
    package func isHeld() async throws -> Bool {
        try await database.perform { [mount] session in
            // A connection that was made anew holds nothing.
            try session.first(
                """
                select from pg_locks
                where locktype = 'advisory' and pid = pg_backend_pid() and granted and objsubid = 1
                    and database = (select oid from pg_database where datname = current_database())
                    and (classid::bigint << 32 | objid::bigint) = \(MountLock.key)
                """, [Value(mount)]) != nil
        }
    }

    /// Takes the lock again after it was lost, or confirms it. False: another agent has it now.
    package func retake() async throws -> Bool {
        if try await isHeld() { return true }
        return try await database.perform { [mount] session in
            // A host that died without closing its connection must not keep its mount for the hours that TCP waits.
            try session.execute("set tcp_keepalives_idle = 10")
            try session.execute("set tcp_keepalives_interval = 5")
            try session.execute("set tcp_keepalives_count = 3")
            if session.serverVersion >= 140_000 { try session.execute("set idle_session_timeout = 0") }
            return try session.first("select pg_try_advisory_lock(\(MountLock.key)) as taken", [Value(mount)])?
                .boolean("taken") == true
        }
    }

    /// Gives the lock up, as its connection may outlive the process's work: one that is stuck in a call of its mount keeps
    /// what it has open until that call returns.
    package func release() async throws {
        try await database.perform { [mount] session in
            try session.execute("select pg_advisory_unlock(\(MountLock.key))", [Value(mount)])
        }
    }

    /// 64 bits, so that two mounts do not meet by chance.
    private static let key = "hashtextextended('takeup mount ' || $1::text, 0)"
}
