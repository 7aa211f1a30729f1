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
///
/// Files are gathered, and woken by name in one statement for a thousand of them. What is more than that at once (a
/// scan, a storm of events) wakes everything that waits for a file instead, in one statement: what it costs grows with
/// what waits, and never with what lies on the mount.
package actor WatchService {
    private let source: SourceLink
    private let replay: Replay
    private let mount: MountPath
    private let watcher: TreeWatcher
    private let keeper: KeeperService
    private let afterlooks: AfterlookService
    private let progress: Progress
    private let narrator: any Narrator
    private var isSourceTelling: Bool?
    package private(set) var words: WatchWords
    private let work = Wake()
    private var files = FileWakes()
    private let started = ContinuousClock.now

    package init(
        source: SourceLink, replay: Replay, mount: MountPath, watcher: TreeWatcher, keeper: KeeperService,
        afterlooks: AfterlookService, narrator: any Narrator, progress: Progress
    ) {
        self.source = source
        self.replay = replay
        self.mount = mount
        self.watcher = watcher
        self.keeper = keeper
        self.afterlooks = afterlooks
        self.narrator = narrator
        self.progress = progress
        words = WatchWords(mount: mount, source: source.name)
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [watcher] in await watcher.run() }
            group.addTask { await self.listen() }
            group.addTask { await self.wakeOthers() }
        }
    }

    private func listen() async {
        for await hints in watcher.hints {
            progress.advance("watch")
            gather(hints)
            work.wake()
        }
    }

    private func gather(_ hints: [WatchHint]) {
        for hint in hints {
            switch hint {
            case .file(let below): files.note(below)
            case .found(let found): files.note(found.count) { found[$0] }
            case .rescanned: files.noteAll()
            case .mountProven, .mountLost, .degraded, .covered, .mode, .eventsLost, .eventsComplete:
                words.take(hint, telling: narrator)
            }
        }
    }

    private func wakeOthers() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(1)
            do {
                pause = try await turn()
            } catch let error as PostgresError where error.isOutage {
                // A lost hint costs a wait, never a file: every waiting transfer comes due by itself.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("watch"), .source(source.name), .detail(error))
            }
            await work.wait(atMost: pause)
        }
    }

    /// One bounded turn. Gives the pause until the next is worth while.
    func turn() async throws -> Duration {
        let now = ContinuousClock.now - started
        let mount = mount
        switch files.next(at: now) {
        case .nothing: return files.due.map { max(.milliseconds(1), $0 - now) } ?? .seconds(60)
        case .all:
            do {
                let woken = try await replay.database.perform { session in
                    try Transfers.wakeMissing(mount: mount, in: session)
                }
                files.wokeAll(woken, at: ContinuousClock.now - started)
            } catch {
                // Files that are named are woken in vain at worst; all of them stay wanted.
                files.noteAll()
                throw error
            }
        case .named(let below):
            do {
                // The look first: a recording waits for it.
                try await hintLook()
                let paths = below.map(recorderPath)
                await afterlooks.hint(paths)
                // Mostly nothing waits for them: each statement for itself, as a wake may be lost.
                try await replay.database.perform { session in
                    try Transfers.wake(mount: mount, paths: paths, in: session)
                }
            } catch {
                for path in below { files.note(path) }
                throw error
            }
            return .zero
        }
        try await hintLook()
        return .zero
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

    /// The recorder's own absolute path of a file below this mount.
    private nonisolated func recorderPath(of below: FilePath) -> FilePath {
        let own = FilePath(mount.rawValue).relative(to: source.settings.mountPath) ?? FilePath("")
        return below.components.reduce(FilePath(bytes: Array("/".utf8) + own.bytes)) { $0.appending($1) }
    }
}
