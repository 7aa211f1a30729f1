internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// The ledger's list of a mount's files without rows: read once, and written where it changes.
actor OrphanList {
    private let source: SourceSettings
    private let mount: MountPath
    private let replay: Replay
    /// Size and time of each, as the ledger has them; nil until it was read.
    private var written: [FilePath: OrphanBook.Sight]?

    /// Files in one statement.
    private static let batch = 2000

    init(source: SourceSettings, mount: MountPath, replay: Replay) {
        self.source = source
        self.mount = mount
        self.replay = replay
    }

    /// What an earlier process left, the first time; nil after that.
    func read() async throws -> [OrphanFile]? {
        guard written == nil else { return nil }
        let (mount, name, mounts) = (mount, source.name, source.mounts.map(\.path))
        let known = try await replay.database.transaction(isDurable: false) { session in
            try OrphanFiles.forget(source: name, except: mounts, in: session)
            return try OrphanFiles.find(mount: mount, in: session)
        }
        written = Dictionary(known.map { ($0.path, OrphanBook.Sight(size: $0.size, modified: $0.modified)) }) {
            one, _ in one
        }
        return known
    }

    func write(_ found: [FilePath: (age: Duration, sight: OrphanBook.Sight)]) async throws {
        let standing = written ?? [:]
        var sights = found.mapValues(\.sight)
        for path in sights.keys { sights[path]?.isOld = false }
        let changed = sights.filter { standing[$0.key] != $0.value }.map { path, sight in
            OrphanFile(path: path, size: sight.size, modified: sight.modified, age: found[path]?.age ?? .zero)
        }
        let gone = standing.keys.filter { sights[$0] == nil }
        if changed.isEmpty && gone.isEmpty { return }
        let (mount, name) = (mount, source.name)
        try await replay.database.transaction(isDurable: false) { session in
            try OrphanFiles.write(mount: mount, source: name, changed: [], gone: gone, in: session)
            for start in stride(from: 0, to: changed.count, by: OrphanList.batch) {
                let part = Array(changed[start..<min(start + OrphanList.batch, changed.count)])
                try OrphanFiles.write(mount: mount, source: name, changed: part, gone: [], in: session)
            }
        }
        written = sights
    }
}
