package import Delivery
package import Files
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
    private let watching: WatchingSettings
    private let problems: ProblemBook
    private let narrator: any Narrator
    private let progress: Progress
    private let search: OrphanSearch
    private var missing: MissingFiles
    private var unreadable: UnreadableFiles
    private let list: OrphanList
    /// Whether an earlier process may have told of orphans that are none any more.
    private var mayStandOpen = true
    /// What was said last of orphans, so that nothing is written twice.
    private var told: String?

    private static let period = Duration.seconds(15)
    /// Directories that the text of a problem names.
    private static let placeLimit = 5

    package init(
        source: SourceLink, replay: Replay, mount: MountGuard, threads: FileThreads, watching: WatchingSettings,
        problems: ProblemBook, narrator: any Narrator, progress: Progress, now: @escaping @Sendable () -> Instant
    ) {
        self.source = source
        self.replay = replay
        self.mount = mount
        self.watching = watching
        self.problems = problems
        self.narrator = narrator
        self.progress = progress
        search = OrphanSearch(source: source, mount: mount, threads: threads, watching: watching, now: now)
        missing = MissingFiles(source: source.name, mount: mount.mount, replay: replay, problems: problems)
        unreadable = UnreadableFiles(source: source.name, mount: mount.mount, replay: replay, problems: problems)
        list = OrphanList(source: source.settings, mount: mount.mount, replay: replay)
    }

    package func run() async {
        while !Task.isCancelled {
            do {
                try await turn()
            } catch let error as PostgresError where error.isOutage {
                // Told by the keeper and by the process's presence.
            } catch is SharedDatabase {
                // Told by the guard of the source's database.
            } catch is MountChanged {
                // The same.
            } catch is FileError {
                // A mount that fails to list is told by its guard.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("attention"), .source(source.name), .detail(error))
            }
            progress.advance("attention")
            await Wake.rest(period)
        }
    }

    private var period: Duration { min(AttentionService.period, max(.seconds(1), watching.graceMissing / 4)) }

    func turn() async throws {
        try await problems.closeReplacedDamage(of: source.name)
        if try await source.gate.isPaused() { return }
        guard await mount.prove() != nil else { return }
        try await tellMissing()
        try await tellUnreadable()
        try await tellOrphans()
    }

    private func tellUnreadable() async throws {
        var teller = unreadable
        defer { unreadable = teller }
        try await teller.tell()
    }

    private func tellMissing() async throws {
        var teller = missing
        defer { missing = teller }
        try await teller.tell(longerThan: watching.graceMissing)
    }

    private func tellOrphans() async throws {
        if let known = try await list.read() { await search.remember(known) }
        guard let found = try await search.turn(period: period) else { return }
        try await list.write(found.orphans)
        let subject = "mount \(mount.mount)"
        let total = found.orphans.count
        if total == 0 {
            // An earlier process may have told of some that this one has not come to yet.
            guard mayStandOpen, found.isSure else { return }
            try await problems.close(.orphanFiles, subject: subject, place: source.name.rawValue)
            mayStandOpen = false
            told = nil
            return
        }
        mayStandOpen = true
        var counts: [FilePath: Int] = [:]
        for path in found.orphans.keys { counts[path.parent, default: 0] += 1 }
        let places = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let named = places.prefix(AttentionService.placeLimit).map { directory, count in
            "\(directory.isEmpty ? "its root" : directory.displayText) (\(count))"
        }
        let more = places.count > named.count ? " and \(places.count - named.count) more directories" : ""
        let count = (found.isFull ? "At least " : "") + (total == 1 ? "1 file" : "\(total) files")
        let what =
            "\(count) on mount \(mount.mount) without a row in the recorder's database, in "
            + named.joined(separator: ", ") + more + "."
        if what == told { return }
        try await problems.open(
            ProblemBook.Finding(.orphanFiles, subject: subject, place: source.name.rawValue, what: what))
        told = what
    }
}
