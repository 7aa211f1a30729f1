package import Postgres

/// Whether two ways to a database lead to one: by address they can look different, and a source that is also the replay
/// would be synchronized with itself.
package enum SameDatabase {
    /// One side takes an advisory lock with a random key, which the other can take only in another database.
    /// - Throws: ``PostgresError`` where either can't be reached.
    package static func isReached(by one: ConnectionSettings, and other: ConnectionSettings) async throws -> Bool {
        let key = Int64.random(in: .min ... .max)
        // One connection each, so that what locks is what later looks.
        let holder = Database(one, connections: 1)
        let seeker = Database(other, connections: 1)
        try await holder.perform { session in _ = try session.query("select pg_advisory_lock($1)", [.integer(key)]) }
        let isTaken = try await seeker.perform { session in
            try session.first("select pg_try_advisory_lock($1) as got", [.integer(key)])?.boolean("got") == false
        }
        let isHeld = try await holder.perform { session in
            try session.first("select pg_advisory_unlock($1) as held", [.integer(key)])?.boolean("held") == true
        }
        guard isHeld else {
            throw PostgresError(
                code: .connectionLost, doing: "compare \(one.label) with \(other.label)",
                message: "the connection broke meanwhile")
        }
        return isTaken
    }
}
