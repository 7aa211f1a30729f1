package import Delivery
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
package import Vocabulary
internal import Watching

/// Looks at originals again after their copies were committed (``Afterlook``): what changed is copied anew, also after its
/// mark, and what no row vouches for gets its mark only when such a look has agreed.
///
/// What needs to survive stands in the ledger. Copies that every witness vouched for are looked at once, as this process
/// remembers them: that costs no row, and is lost with it.
package actor AfterlookService {
    private let source: SourceLink
    private let replay: Replay
    private let mount: MountGuard
    private let looker: OriginalLooker
    private let window: SettleWindow
    private let keeper: KeeperService
    private let narrator: any Narrator
    private let progress: Progress
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let started: ContinuousClock.Instant
    /// Vouched for, in the order of their commits.
    private var vouched: [(due: Duration, item: StandingAfterlook)] = []
    /// How often those that are to be looked at once more were.
    private var tries: [Transfer.ID: Int] = [:]
    /// Paths where something was seen, by the recorder's names.
    private var hinted: Set<FilePath> = []
    /// Whether the ledger has any for this mount: without, hints are nothing to ask about.
    private var hasStanding = true
    private let wake = Wake()
    private var isResting = false

    private static let limit = 200
    private static let looksAtOnce = 4
    private static let triesAtMost = 8
    private static let vouchedLimit = 20_000
    private static let hintLimit = 10_000
    private static let longestPause = Duration.seconds(2)
    /// Where nothing stands: what comes is of this process, and wakes.
    private static let rest = Duration.seconds(30)

    package init(
        source: SourceLink, replay: Replay, mount: MountGuard, looker: OriginalLooker, watching: WatchingSettings,
        keeper: KeeperService, narrator: any Narrator, progress: Progress,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.source = source
        self.replay = replay
        self.mount = mount
        self.looker = looker
        self.clock = clock
        started = clock()
        window = SettleWindow(quiet: watching.quiet, atMost: watching.graceMissing)
        self.keeper = keeper
        self.narrator = narrator
        self.progress = progress
    }

    /// These were committed.
    package func remember(_ consignments: [Consignment]) {
        let due = elapsed + max(window.quiet, .milliseconds(50))
        for item in consignments.filter(\.isVouched).compactMap(\.afterlook)
        where vouched.count < AfterlookService.vouchedLimit {
            vouched.append((due, item))
        }
        // What is not vouched for stands in the ledger now.
        if consignments.contains(where: { !$0.isVouched }) { hasStanding = true }
        if isResting { wake.wake() }
    }

    /// Something was seen at these files; recorder's paths.
    package func hint(_ paths: [FilePath]) {
        guard hasStanding else { return }
        hinted.formUnion(paths.prefix(max(0, AfterlookService.hintLimit - hinted.count)))
    }

    package func run() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(1)
            do {
                pause = try await turn()
            } catch is CancellationError {
                return
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch {
                narrator.tell(.turnFailed, .service("afterlooks"), .source(source.name), .detail(error))
            }
            progress.advance("afterlooks")
            isResting = pause > AfterlookService.longestPause
            await wake.wait(atMost: pause)
            isResting = false
        }
    }

    private var elapsed: Duration { clock() - started }

    /// One bounded turn. Gives the pause until the next.
    func turn() async throws -> Duration {
        if try await source.gate.isPaused() { return .seconds(1) }
        let ripe = vouched.prefix(AfterlookService.limit).prefix { $0.due <= elapsed }.map(\.item)
        let paths = Array(hinted)
        hinted = []
        let name = mount.mount
        let (standing, next) = try await replay.database.perform { session in
            try Afterlooks.wake(mount: name, paths: paths, in: session)
            let due = try Afterlooks.due(mount: name, limit: AfterlookService.limit, in: session)
            return (due, try Afterlooks.nextDue(mount: name, in: session))
        }
        hasStanding = next != nil
        if ripe.isEmpty && standing.isEmpty { return pause(next) }
        guard let proven = await mount.proven() else { return .seconds(1) }
        var verdicts = Verdicts()
        for (item, sight) in await look(at: standing, on: proven.root) {
            await judge(item, sight, on: proven.root, &verdicts)
        }
        for (item, sight) in await look(at: ripe, on: proven.root) {
            await judge(item, sight, on: proven.root, isVouched: true, &verdicts)
        }
        // What was not there was so on a mount that still proves itself; otherwise nothing is concluded.
        if verdicts.hasAbsent || !verdicts.changed.isEmpty, await mount.prove() != proven { return .seconds(1) }
        try await write(verdicts)
        // Only now: what could not be written down is judged again.
        vouched.removeFirst(ripe.count)
        lookAgain(verdicts.again, of: ripe)
        return standing.count < AfterlookService.limit ? pause(nil) : .zero
    }

    /// Each a few times, ever more rarely.
    private func lookAgain(_ items: [StandingAfterlook], of ripe: [StandingAfterlook]) {
        let wanted = Set(items.map(\.transfer))
        for item in ripe {
            let count = tries[item.transfer, default: 0] + 1
            guard wanted.contains(item.transfer), count <= AfterlookService.triesAtMost else {
                tries[item.transfer] = nil
                continue
            }
            tries[item.transfer] = count
            vouched.append((elapsed + max(window.quiet, .seconds(2)) * (1 << count), item))
        }
        vouched.sort { $0.due < $1.due }
    }

    private func pause(_ next: Duration?) -> Duration {
        let soonest = [next, vouched.first.map { $0.due - elapsed }].compactMap { $0 }.min()
        guard let soonest else { return hasStanding ? AfterlookService.longestPause : AfterlookService.rest }
        return min(max(soonest, .milliseconds(50)), AfterlookService.longestPause)
    }

    private struct Verdicts {
        var notes: [Afterlooks.Note] = []
        var over: [Transfer.ID] = []
        var changed: [StandingAfterlook] = []
        /// Vouched for, and to be looked at once more.
        var again: [StandingAfterlook] = []
        var hasAbsent = false
    }

    private func look(
        at items: [StandingAfterlook], on place: MountRoot
    ) async -> [(StandingAfterlook, Afterlook.Sight)] {
        await withTaskGroup(of: (StandingAfterlook, Afterlook.Sight).self) { group in
            var waiting = items[...]
            func add() {
                guard let item = waiting.popFirst() else { return }
                group.addTask { [looker] in
                    guard let path = await self.below(item.path) else { return (item, .unreadable) }
                    return (item, await looker.look(at: path, on: place))
                }
            }
            for _ in 0..<AfterlookService.looksAtOnce { add() }
            var seen: [(StandingAfterlook, Afterlook.Sight)] = []
            while let next = await group.next() {
                seen.append(next)
                add()
            }
            return seen
        }
    }

    private func below(_ path: FilePath) -> FilePath? {
        guard case .on(_, let below) = source.mounts.place(of: path) else { return nil }
        return below
    }

    private func judge(
        _ item: StandingAfterlook, _ sight: Afterlook.Sight, on place: MountRoot, isVouched: Bool = false,
        _ verdicts: inout Verdicts
    ) async {
        if sight == .absent { verdicts.hasAbsent = true }
        // What is vouched for is looked at when its time has come.
        let age = isVouched ? max(window.quiet, .seconds(2)) : item.age
        switch item.look.decide(sight, age: age, within: window) {
        case .same(let confirms, let again?):
            verdicts.notes.append(
                // When it was committed is only known of those that stand in the ledger.
                Afterlooks.Note(
                    transfer: item.transfer, look: item.look, confirms: confirms && !isVouched, again: again))
        case .same(_, again: nil), .gone: verdicts.over.append(item.transfer)
        case .later(let again):
            verdicts.notes.append(
                Afterlooks.Note(transfer: item.transfer, look: item.look, confirms: false, again: again))
            if isVouched { verdicts.again.append(item) }
        case .changed: verdicts.changed.append(item)
        case .compare(let again, let later):
            let held: Digest?
            do {
                held = try await copy(of: item)
            } catch {
                verdicts.again.append(item)
                return
            }
            guard let copy = held else {
                // Another copy has taken its place.
                verdicts.over.append(item.transfer)
                return
            }
            guard let path = below(item.path), let found = await looker.digest(of: path, on: place) else {
                // It is being written, or cannot be read: the next look tells.
                verdicts.notes.append(
                    Afterlooks.Note(transfer: item.transfer, look: item.look, confirms: false, again: later))
                if isVouched { verdicts.again.append(item) }
                return
            }
            if found.digest == copy {
                verdicts.notes.append(
                    Afterlooks.Note(
                        transfer: item.transfer, look: Afterlook(copied: found.look), confirms: false, again: again))
            } else {
                verdicts.changed.append(item)
            }
        }
    }

    private func copy(of item: StandingAfterlook) async throws -> Digest? {
        try await replay.database.perform { session in try Replicas.held(of: item.transfer, in: session)?.content.digest
        }
    }

    private func write(_ verdicts: Verdicts) async throws {
        let (notes, over, changed) = (verdicts.notes, verdicts.over, verdicts.changed)
        try await replay.database.transaction { session in
            try Afterlooks.reopen(changed.map { ($0.transfer, $0.recording, $0.sid) }, in: session)
            try Afterlooks.note(notes, in: session)
            try Afterlooks.end(over, in: session)
        }
        for item in changed {
            narrator.tell(.copyOutdated, .source(source.name), .recording(item.recording), .mount(mount.mount))
        }
        if !changed.isEmpty { await keeper.hintLook() }
    }
}
