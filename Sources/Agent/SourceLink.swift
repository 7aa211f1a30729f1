package import Catalogs
internal import Delivery
package import Planning
package import Postgres
package import Settings
package import Vocabulary

/// A source as an agent works with it: its settings, its database, and what was read of its tables.
package actor SourceLink {
    package nonisolated let settings: SourceSettings
    package nonisolated let database: Database
    package nonisolated let mounts: ServedMounts
    private let collectsVoiceTags: Bool
    /// Asked before anything is begun at the source.
    package nonisolated let gate: PauseGate
    private let guardian: DatabaseGuard
    private var read: SourceCatalog?

    /// - Parameter guardian: asked before anything is done at the source.
    package init(
        settings: SourceSettings, database: Database, gate: PauseGate, guardian: DatabaseGuard,
        collectsVoiceTags: Bool = true
    ) {
        self.gate = gate
        self.guardian = guardian
        self.settings = settings
        self.database = database
        self.collectsVoiceTags = collectsVoiceTags && settings.synchronize.index
        mounts = ServedMounts(
            prefix: settings.mountPath, recorderPrefix: settings.recorderPrefix, mounts: settings.mounts.map(\.path))
    }

    package nonisolated var name: SourceName { settings.name }

    /// Whether the source is known to be the replay's or another source's database.
    package var isRefused: Bool {
        get async { await guardian.isRefusing }
    }

    /// Asks again and again, so that agents that do not look at the source know, too.
    package func keepConfirming() async {
        while !Task.isCancelled {
            // A paused source is asked nothing.
            if (try? await gate.isPaused()) == false { try? await guardian.confirm() }
            // Who is refused may be let in any moment; who is not is asked about before each look as well.
            await Wake.rest(.seconds(await isRefused ? 5 : 20))
        }
    }

    /// The tables, read once and anew after ``forget()``: an upgrade of the recorder can change them.
    /// - Throws: ``SharedDatabase`` where the database is another's.
    package func catalog() async throws -> SourceCatalog {
        try await guardian.confirm()
        if let read { return read }
        let name = settings.name
        let zone = settings.timeZone
        let voiceTags = collectsVoiceTags
        let catalog = try await database.perform { session in
            try SourceCatalog(source: name, timeZone: zone, collectsVoiceTags: voiceTags, reading: session)
        }
        read = catalog
        return catalog
    }

    /// After an error that says that the tables are not what was read.
    package func forget() { read = nil }
}
