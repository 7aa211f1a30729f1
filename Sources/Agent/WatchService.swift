internal import Catalogs
package import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
package import Telemetry
package import Vocabulary
package import Watching

/// Turns what is seen on the mount into wakes: transfers that wait for a file look at once, and a source that tells
/// nothing by itself is looked at.
package actor WatchService {
    private let source: SourceLink
    private let replay: Replay
    private let mount: MountPath
    private let watcher: TreeWatcher
    private let keeper: KeeperService
    private let narrator: any Narrator
    private let progress: Progress
    private var isSourceTelling: Bool?
    private(set) var mode: String = "starting"
    private(set) var coverage = WatchCoverage()
    private var degradedSince: ContinuousClock.Instant?

    /// Paths in one statement.
    private static let pathsAtOnce = 1000

    package init(
        source: SourceLink, replay: Replay, mount: MountPath, watcher: TreeWatcher, keeper: KeeperService,
        narrator: any Narrator, progress: Progress
    ) {
        self.source = source
        self.replay = replay
        self.mount = mount
        self.watcher = watcher
        self.keeper = keeper
        self.narrator = narrator
        self.progress = progress
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [watcher] in await watcher.run() }
            group.addTask { await self.consume() }
        }
    }

    private func consume() async {
        for await hints in watcher.hints {
            progress.advance("watch")
            do {
                try await turn(hints)
            } catch let error as PostgresError where error.isOutage {
                // A lost hint costs a wait, never a file: every waiting transfer comes due by itself.
            } catch {
                narrator.tell(.turnFailed, .service("watch"), .source(source.name), .detail(error))
            }
        }
    }

    func turn(_ hints: [WatchHint]) async throws {
        var paths: [FilePath] = []
        for hint in hints {
            switch hint {
            case .file(let below): paths.append(recorderPath(of: below))
            case .rescanned: try await wakeMissing()
            case .mountProven, .mountLost: break
            case .degraded(let coverage): degraded(coverage)
            case .covered(let coverage): covered(coverage)
            case .mode(let decision): mode = decision.mode.rawValue
            }
        }
        if paths.isEmpty { return }
        for start in stride(from: 0, to: paths.count, by: WatchService.pathsAtOnce) {
            let part = Array(paths[start..<min(start + WatchService.pathsAtOnce, paths.count)])
            let mount = mount
            // Mostly nothing waits for them: each statement for itself, as a wake may be lost.
            try await replay.database.perform { session in
                try Transfers.wake(mount: mount, paths: part, in: session)
            }
        }
        try await hintLook()
    }

    /// A file may mean a row. A source with the trigger says so itself, and better.
    private func hintLook() async throws {
        if try await source.gate.isPaused() { return }
        if isSourceTelling == nil {
            isSourceTelling = try? await source.database.perform { session in
                try SourceNotification.isInstalled(on: session)
            }
        }
        guard isSourceTelling != true else { return }
        if await keeper.isKeeper {
            await keeper.hintLook()
        } else {
            let name = source.name
            try await replay.database.perform { session in try WorkChannel.notify(look: name, in: session) }
        }
    }

    private func wakeMissing() async throws {
        let mount = mount
        try await replay.database.transaction(isDurable: false) { session in
            try Transfers.wake(mount: mount, onlyMissing: true, in: session)
        }
    }

    /// The recorder's own absolute path of a file below this mount.
    private func recorderPath(of below: FilePath) -> FilePath {
        let own = FilePath(mount.rawValue).relative(to: source.settings.mountPath) ?? FilePath("")
        return below.components.reduce(FilePath(bytes: Array("/".utf8) + own.bytes)) { $0.appending($1) }
    }

    private func degraded(_ now: WatchCoverage) {
        coverage = now
        if degradedSince == nil { degradedSince = .now }
        narrator.tell(
            .watchDegraded,
            facts: [
                .mount(mount), .source(source.name), .count(now.polled + now.unreadable),
                .reason(now.polled > 0 ? "the kernel's limit on watches is reached" : "directories cannot be read"),
            ])
    }

    private func covered(_ now: WatchCoverage) {
        coverage = now
        guard let since = degradedSince else { return }
        degradedSince = nil
        narrator.tell(
            .watchRecovered, .mount(mount), .source(source.name), .elapsed(ContinuousClock.now - since))
    }
}
