package import Catalogs
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
    private var read: SourceCatalog?

    package init(settings: SourceSettings, database: Database, gate: PauseGate, collectsVoiceTags: Bool = true) {
        self.gate = gate
        self.settings = settings
        self.database = database
        self.collectsVoiceTags = collectsVoiceTags && settings.synchronize.index
        mounts = ServedMounts(
            prefix: settings.mountPath, recorderPrefix: settings.recorderPrefix, mounts: settings.mounts.map(\.path))
    }

    package nonisolated var name: SourceName { settings.name }

    /// The tables, read once and anew after ``forget()``: an upgrade of the recorder can change them.
    package func catalog() async throws -> SourceCatalog {
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

extension SourceSwitches {
    package init(_ source: SourceSettings, _ synchro: SynchroSettings) {
        self.init(
            kinds: Set(MediaKind.allCases.filter(source.synchronize.takes)), copyFiles: source.copyFiles,
            onlyMixed: source.onlyMixed, onlyFinished: synchro.onlyFinished,
            allowMarkWithoutCopy: source.allowMarkWithoutCopy, withoutStreams: synchro.couplesWithoutStreams)
    }
}
