package import Postgres
package import Vocabulary

/// Which running database a session leads to: the same however it is reached, by socket, address, proxy or as another
/// user. Two servers do not start in the same microsecond, and within one a database has a number of its own. A server that
/// was started anew is another instance.
///
/// Not the system identifier: machines that were made from one image share it.
package struct DatabaseInstance: Hashable, Sendable {
    /// When the server was started.
    package let started: Instant
    /// The database's oid.
    package let number: Int64

    package init(started: Instant, number: Int64) {
        self.started = started
        self.number = number
    }

    package init(reading session: Session) throws {
        let row = try session.first(
            """
            select (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint as started, oid::bigint as number
            from pg_database where datname = current_database()
            """)
        started = Instant(microseconds: try row?.integer("started") ?? 0)
        number = try row?.integer("number") ?? 0
    }
}
