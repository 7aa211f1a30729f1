internal import Catalogs
internal import Delivery
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Asks every source whether it could bring media of a recording again: one source's copy is as good as another's.
actor Bringers {
    /// One kind of media of one recording.
    struct Wanted: Hashable, Sendable {
        let sid: Sid
        let kind: MediaKind
    }

    /// What the sources have of it.
    struct Found: Hashable, Sendable {
        /// Who has its file, or may have it: what cannot be seen is not taken for gone.
        var recordings: [RecordingReference] = []
        /// Recordings that carry a mark which promises it, whether they have it or not.
        var marked: [RecordingReference] = []
        /// Sources that could not be asked.
        var unseen: [SourceName] = []
    }

    private struct Source {
        let settings: SourceSettings
        let database: Database
        let mounts: ServedMounts
        let files: [MountPath: RecorderFiles]
    }

    private let settings: Settings
    private let environment: SettingsEnvironment
    private var sources: [Source]?
    private static let asked = Duration.seconds(30)

    init(settings: Settings, environment: SettingsEnvironment) {
        self.settings = settings
        self.environment = environment
    }

    /// - Parameter left: a source that is not asked.
    func find(_ wanted: Set<Wanted>, besides left: SourceName? = nil) async throws -> [Wanted: Found] {
        var found = Dictionary(uniqueKeysWithValues: wanted.map { ($0, Found()) })
        if wanted.isEmpty { return found }
        let sids = Set(wanted.map(\.sid))
        for source in try opened() where source.settings.name != left {
            let (name, zone) = (source.settings.name, source.settings.timeZone)
            let rows: [SourceRow]
            do {
                rows = try await source.database.perform { session in
                    try SourceCatalog(source: name, timeZone: zone, reading: session).recordings(
                        sids: sids, on: session)
                }
            } catch is PostgresError {
                for one in wanted { found[one]?.unseen.append(name) }
                continue
            }
            for recording in rows.compactMap(\.recording) { await note(recording, at: source, in: &found) }
        }
        return found
    }

    private func note(_ recording: SourceRecording, at source: Source, in found: inout [Wanted: Found]) async {
        for kind in Set(recording.media.map(\.kind)) {
            let wanted = Wanted(sid: recording.sid, kind: kind)
            guard found[wanted] != nil else { continue }
            switch recording.mark {
            case .synchronized, .notUsed: found[wanted]?.marked.append(recording.reference)
            case .erroneous, .failed, nil: break
            }
            for media in recording.media where media.kind == kind {
                guard await isThere(media, at: source) else { continue }
                found[wanted]?.recordings.append(recording.reference)
                break
            }
        }
    }

    private func isThere(_ media: SourceMedia, at source: Source) async -> Bool {
        guard case .on(let mount, let below) = source.mounts.place(of: media.path), let files = source.files[mount]
        else { return true }
        return switch await files.look(at: below) {
        case .present, .unknown: true
        case .absent: false
        }
    }

    /// Takes their marks back, so that nobody deletes what is to be brought again.
    func takeBack(_ references: some Collection<RecordingReference>) async throws {
        let bySource = Dictionary(grouping: references, by: \.source)
        for source in try opened() {
            guard let ids = bySource[source.settings.name]?.map(\.id) else { continue }
            let (name, zone) = (source.settings.name, source.settings.timeZone)
            _ = try await source.database.transaction { session in
                try SourceCatalog(source: name, timeZone: zone, reading: session).takeBack(
                    [.synchronized, .notUsed], of: ids, on: session)
            }
        }
    }

    private func opened() throws -> [Source] {
        if let sources { return sources }
        let made = try settings.sources.filter(\.isEnabled).map { source in
            Source(
                settings: source,
                database: Database(
                    try ConnectionSettings(
                        source.database, label: "source \(source.name)", applicationName: "takeup audit",
                        environment: environment, statementTimeout: Bringers.asked), connections: 1),
                mounts: ServedMounts(
                    prefix: source.mountPath, recorderPrefix: source.recorderPrefix,
                    mounts: source.mounts.map(\.path)),
                files: Dictionary(
                    source.mounts.map { ($0.path, RecorderFiles($0, patience: settings.watching.callPatience)) },
                    uniquingKeysWith: { one, _ in one }))
        }
        sources = made
        return made
    }
}
