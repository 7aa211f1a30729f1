package import Postgres

/// A database of a test's own, in the shared cluster unless another is given. It is dropped with the object.
package final class ScratchDatabase: Sendable {
    package let cluster: ScratchCluster
    package let name: String

    /// Takes well under 100 ms once the template was made.
    package init(_ template: ScratchTemplate = .empty, in cluster: ScratchCluster? = nil) async throws {
        let chosen = try cluster ?? ScratchCluster.shared()
        self.cluster = chosen
        name = try await chosen.makeDatabase(template)
    }

    deinit {
        let (cluster, name) = (cluster, name)
        // A server that a test stopped has nothing to drop: the whole cluster goes at the end.
        Task { try? await cluster.retire(name) }
    }

    /// For libpq, without password.
    package var connectionString: String { settings().connectionString }

    package func settings(label: String = "scratch") -> ConnectionSettings {
        cluster.settings(database: name, label: label)
    }

    /// Connections to this database.
    package func connect(label: String = "scratch", connections: Int = 2) -> Database {
        Database(settings(label: label), connections: connections)
    }
}
