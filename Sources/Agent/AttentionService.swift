internal import Catalogs
package import Delivery
package import Files
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
package import Vocabulary
internal import Watching

/// Rows whose file stays away, and files whose row stays away: problems after their grace time, and only while the mount
/// proves itself. Both close by themselves.
package actor AttentionService {
    private let source: SourceLink
    private let replay: Replay
    private let mount: MountGuard
    private let threads: FileThreads
    private let watching: WatchingSettings
    private let problems: ProblemBook
    private let narrator: any Narrator
    private let progress: Progress
    /// Files without a row so far, which are asked for again each turn.
    private var orphans: Set<FilePath> = []
    /// Whether an earlier process may have told of orphans that are none any more.
    private var mayStandOpen = true
    /// Files that changed before this were asked for already.
    private var askedUntil: Instant
    private let now: @Sendable () -> Instant

    private static let period = Duration.seconds(15)
    /// Missing files told of one by one in a turn.
    private static let missingLimit = 200
    /// Orphans remembered; more are counted with the next turn.
    private static let orphanLimit = 10_000

    package init(
        source: SourceLink, replay: Replay, mount: MountGuard, threads: FileThreads, watching: WatchingSettings,
        problems: ProblemBook, narrator: any Narrator, progress: Progress, now: @escaping @Sendable () -> Instant
    ) {
        self.source = source
        self.replay = replay
        self.mount = mount
        self.threads = threads
        self.watching = watching
        self.problems = problems
        self.narrator = narrator
        self.progress = progress
        self.now = now
        // What lay there before is the audit's; a start must not ask for the rows of years.
        askedUntil = now() + (.zero - watching.graceOrphan - .seconds(2 * 86_400))
    }

    package func run() async {
        while !Task.isCancelled {
            do {
                try await turn()
            } catch let error as PostgresError where error.isOutage {
                // Told by the keeper and by the process's presence.
            } catch is SharedDatabase {
                // Told by the guard of the source's database.
            } catch is FileError {
                // A mount that fails to list is told by its guard.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("attention"), .source(source.name), .detail(error))
            }
            progress.advance("attention")
            try? await Task.sleep(for: min(AttentionService.period, max(.seconds(1), watching.graceMissing / 4)))
        }
    }

    func turn() async throws {
        try await problems.closeReplacedDamage(of: source.name)
        if try await source.gate.isPaused() { return }
        guard let proven = await mount.prove() else { return }
        try await tellMissing()
        try await tellOrphans(on: proven)
    }

    private func tellMissing() async throws {
        let name = mount.mount
        let grace = watching.graceMissing
        let missing = try await replay.database.perform { session in
            try Transfers.missing(
                mount: name, longerThan: grace, limit: AttentionService.missingLimit, in: session)
        }
        for transfer in missing {
            try await problems.open(
                ProblemBook.Finding(
                    .missingFile, recording: transfer.recording, media: transfer.mediaID,
                    what: "The file of media \(transfer.mediaID) of \(transfer.recording) is not on mount \(name)."))
        }
    }

    private func tellOrphans(on proven: MountIdentity) async throws {
        let until = now() + (.zero - watching.graceOrphan)
        let fresh = try await files(changedAfter: askedUntil, until: until)
        // The listing is worth something only if the mount was there all the while.
        guard await mount.prove() == proven else { return }
        let subject = "mount \(mount.mount)"
        let asked = orphans.union(fresh.keys).filter { !mayBeIndexFile($0) }
        if asked.isEmpty && !mayStandOpen {
            askedUntil = until
            return
        }
        let known = try await withRows(asked, fresh: fresh)
        let standing = try await existing(asked.subtracting(known))
        guard await mount.prove() == proven else { return }
        let correlation = correlate(
            rows: Dictionary(uniqueKeysWithValues: known.map { ($0, Duration.zero) }),
            files: Dictionary(
                uniqueKeysWithValues: standing.union(known).map { ($0, watching.graceOrphan + .seconds(1)) }),
            grace: watching.graceOrphan, isProven: true)
        orphans = Set(correlation.orphans.prefix(AttentionService.orphanLimit))
        // Not before they were asked for: what an outage of the source kept from being asked comes with the next turn.
        askedUntil = until
        if orphans.isEmpty {
            try await problems.close(.orphanFiles, subject: subject, place: source.name.rawValue)
            mayStandOpen = false
        } else {
            mayStandOpen = true
            let count = orphans.count == 1 ? "1 file" : "\(orphans.count) files"
            try await problems.open(
                ProblemBook.Finding(
                    .orphanFiles, subject: subject, place: source.name.rawValue,
                    what: "\(count) on mount \(mount.mount) without a row in the recorder's database."))
        }
    }

    /// Files of hot directories that came to rest in this span, with when.
    private func files(changedAfter lower: Instant, until upper: Instant) async throws -> [FilePath: Instant] {
        let root = FilePath(mount.mount.rawValue)
        let days = HotDays(at: now(), utcOffset: RecorderClock.utcOffset(at:))
        return try await threads.run(timeout: watching.callPatience) { pulse in
            let calls = KernelFiles()
            let directory = try calls.openRoot(root)
            var found: [FilePath: Instant] = [:]
            for day in [days.today, days.yesterday] {
                let opened: OpenFile
                do {
                    opened = try calls.openDirectory(FilePath(day), beneath: directory.descriptor)
                } catch let error as FileError where error.code == .notFound {
                    continue
                }
                for entry in try DirectoryListing.entries(in: opened.descriptor) where entry.kind != .directory {
                    try pulse.beat()
                    guard let observation = try? calls.observe(FilePath(bytes: entry.name), in: opened.descriptor),
                        observation.isRegular
                    else { continue }
                    let at = observation.modified.instant
                    if lower < at, at <= upper { found[FilePath(day).appending(entry.name)] = at }
                }
            }
            return found
        }
    }

    /// Those that a row of the source names, by one indexed window of the times at which they came to rest.
    private func withRows(_ asked: Set<FilePath>, fresh: [FilePath: Instant]) async throws -> Set<FilePath> {
        let prefix = FilePath(mount.mount.rawValue).relative(to: source.settings.mountPath) ?? FilePath("")
        var recorderPaths: [FilePath: FilePath] = [:]
        for path in asked {
            let whole = path.components.reduce(FilePath(bytes: Array("/".utf8) + prefix.bytes)) { $0.appending($1) }
            recorderPaths[whole] = path
        }
        let wanted = Array(recorderPaths.keys)
        let catalog = try await source.catalog()
        let named = try await source.database.perform { session in
            try catalog.namedPaths(of: wanted, within: .seconds(3 * 86_400), on: session)
        }
        return Set(named.compactMap { recorderPaths[$0] })
    }

    /// No row names an index file: it is no orphan.
    private func mayBeIndexFile(_ path: FilePath) -> Bool {
        let patterns = source.settings.indexFiles
        if patterns.isEmpty { return false }
        let prefix = FilePath(mount.mount.rawValue).relative(to: source.settings.mountPath) ?? FilePath("")
        let whole = path.components.reduce(FilePath(bytes: Array("/".utf8) + prefix.bytes)) { $0.appending($1) }
        return patterns.contains { $0.mayName(whole) }
    }

    private func existing(_ paths: Set<FilePath>) async throws -> Set<FilePath> {
        if paths.isEmpty { return [] }
        let root = FilePath(mount.mount.rawValue)
        return try await threads.run(timeout: watching.callPatience) { pulse in
            let calls = KernelFiles()
            let directory = try calls.openRoot(root)
            var standing: Set<FilePath> = []
            for path in paths {
                try pulse.beat()
                if (try? calls.openRegularFile(path, beneath: directory.descriptor)) != nil { standing.insert(path) }
            }
            return standing
        }
    }
}
