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
    private var read: SourceCatalog?

    package init(settings: SourceSettings, database: Database) {
        self.settings = settings
        self.database = database
        mounts = ServedMounts(
            prefix: settings.mountPath, recorderPrefix: settings.recorderPrefix, mounts: settings.mounts.map(\.path))
    }

    package nonisolated var name: SourceName { settings.name }

    /// The tables, read once and anew after ``forget()``: an upgrade of the recorder can change them.
    package func catalog() async throws -> SourceCatalog {
        if let read { return read }
        let name = settings.name
        let zone = settings.timeZone
        let catalog = try await database.perform { session in
            try SourceCatalog(source: name, timeZone: zone, reading: session)
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

extension Interval {
    /// The window of `stop` times, by the recorder's clock.
    package func window(at now: WallTime) -> (lower: WallTime, upper: WallTime) {
        let day: Int64 = 86_400_000_000
        let midnight = now.microseconds - ((now.microseconds % day) + day) % day
        // A row can claim a stop after now: a clock that is ahead must not hide a recording.
        let open = WallTime(microseconds: now.microseconds + day)
        switch self {
        case .yesterday: return (WallTime(microseconds: midnight - day), open)
        case .lastWeek: return (WallTime(microseconds: midnight - 7 * day), open)
        case .lastMonth: return (WallTime(microseconds: midnight - 31 * day), open)
        case .floating(let days, let before):
            let end = now.microseconds - before.wholeMicroseconds
            return (WallTime(microseconds: end - Int64(days) * day), WallTime(microseconds: end))
        }
    }
}
