package import Files
package import Planning
package import Vocabulary

/// How a mount is watched.
package struct WatchSettings: Sendable {
    /// Nil: chosen by the file system's type and by what polls find.
    package var mode: WatchMode?
    package var poll: PollSettings
    /// Between two proofs of the mount.
    package var proofPeriod: Duration
    /// How long a call may show no life before the mount is ``MountState/unresponsive``.
    package var timeout: Duration
    /// Seconds east of Greenwich that the recorder's clock shows at an instant: the source's `time_zone`.
    package var utcOffset: @Sendable (Instant) -> Int

    package init(
        mode: WatchMode? = nil, poll: PollSettings = PollSettings(), proofPeriod: Duration = .seconds(1),
        timeout: Duration = .seconds(5), utcOffset: @escaping @Sendable (Instant) -> Int = { _ in 0 }
    ) {
        self.mode = mode
        self.poll = poll
        self.proofPeriod = proofPeriod
        self.timeout = timeout
        self.utcOffset = utcOffset
    }
}

/// Watches the tree of one mount and tells what may have changed, for as long as it runs and whatever the mount does.
///
/// Scans are the authority and events shorten the wait. Each directory is watched first and listed then, so that
/// nothing falls between; what is found in it is told as if an event had come. Lost events bring one rescan.
/// A directory that can get no watch is polled. The mount is proven before and after each scan, and each single look
/// begins at the very directory that was proven.
///
///     lost -proven-> scanning -tree looked at, still proven-> watching
///     scanning, watching -not proven, or another mount-> lost
package actor TreeWatcher {
    /// What may have changed. For one consumer; a slow one slows scans down, and loses nothing but detail.
    package nonisolated let hints: AsyncStream<[WatchHint]>
    package nonisolated let settings: WatchSettings

    private let proof: MountProof
    private let threads: FileThreads
    private let calls: any FileCalls
    private let clock: WatchClock
    private let makeEvents: @Sendable () throws -> any DirectoryEvents
    private let queue: HintQueue
    private let bell = Doorbell()

    private var watch: MountWatch?
    private var lastLoss: MountState?
    private var lastCoverage = WatchCoverage()
    private var nextCoverage: Duration = .zero
    private var nextProof: Duration = .zero
    /// Of the proof, when it was last asked.
    private var changes = 0
    private var nextInstance: Duration = .zero
    /// When the reason of a mode is told anew, where it has changed.
    private var nextReason: Duration = .zero

    /// - Parameters:
    ///   - threads: of this mount alone.
    ///   - makeEvents: a new source of events for each time that the mount comes; throws where the kernel has none.
    package init(
        proof: MountProof, threads: FileThreads, settings: WatchSettings = WatchSettings(),
        calls: any FileCalls = KernelFiles(), clock: WatchClock = .system(),
        makeEvents: @escaping @Sendable () throws -> any DirectoryEvents = { try startedReader() }
    ) {
        self.proof = proof
        self.threads = threads
        self.settings = settings
        self.calls = calls
        self.clock = clock
        self.makeEvents = makeEvents
        let queue = HintQueue()
        self.queue = queue
        hints = AsyncStream { await queue.next() }
        let bell = bell
        proof.onChange { bell.ring() }
    }

    /// How blind the events of this mount are, since it was last proven.
    package var blindCount: BlindCount { watch?.blind.count ?? BlindCount() }

    /// Watches until the task is cancelled; then the stream of hints ends.
    package func run() async {
        while !Task.isCancelled {
            let next = await turn()
            let now = clock.now()
            if next > now { await bell.wait(atMost: next - now) }
        }
        watch?.events?.stop()
        watch = nil
        queue.finish()
    }

    /// Does what is due, and returns when something will be due again; `clock.now()` or earlier when more is to do.
    package func turn() async -> Duration {
        if clock.now() >= nextProof || watch == nil || changes != proof.changes { await prove(isFresh: false) }
        guard watch != nil else { return nextProof }
        await takeEvents()
        watch?.beginRescanIfDue(at: clock.now())
        await step()
        await pollIfDue()
        await tellCoverage()
        if let over = watch?.takeEndedStorm(at: clock.now()) { await queue.put([over]) }
        guard let watch else { return nextProof }
        return watch.isWalking ? clock.now() : min(nextProof, watch.nextDue)
    }

    // MARK: The mount

    /// - Parameter isFresh: what others found since the last proof was due is not enough.
    private func prove(isFresh: Bool = true) async {
        changes = proof.changes
        let state = isFresh ? await proof.look() : await proof.verdict(within: settings.proofPeriod).state
        if Task.isCancelled { return }
        nextProof = clock.now() + settings.proofPeriod
        switch state {
        case .proven(let identity):
            if let watch, watch.identity == identity {
                await retryInstance()
            } else {
                await begin(identity)
            }
        case .absent, .wrong, .unresponsive: await lose(state)
        case .unknown: nextProof = clock.now() + min(settings.proofPeriod, .seconds(1))
        }
    }

    private func begin(_ identity: MountIdentity, with given: (any DirectoryEvents)? = nil) async {
        watch?.events?.stop()
        var mode = decide(identity, blind: BlindCount(), hasInstance: true)
        let events = mode.mode == .polling ? nil : given ?? newEvents()
        if mode.mode != .polling && events == nil { mode = decide(identity, blind: BlindCount(), hasInstance: false) }
        watch = MountWatch(identity: identity, mode: mode, events: events, poll: settings.poll)
        watch?.refreshHeat(at: clock.now(), days: hotDays())
        watch?.beginFirstScan(at: clock.now())
        lastLoss = nil
        lastCoverage = WatchCoverage()
        await queue.put([.mountProven(identity), .mode(mode)])
    }

    private func lose(_ state: MountState) async {
        watch?.events?.stop()
        watch = nil
        if lastLoss != state {
            lastLoss = state
            await queue.put([.mountLost(state)])
        }
    }

    private func newEvents() -> (any DirectoryEvents)? {
        let events = try? makeEvents()
        let bell = bell
        events?.onArrival { bell.ring() }
        if events == nil { nextInstance = clock.now() + .seconds(60) }
        return events
    }

    /// Where the kernel refused an instance, it is asked again from time to time.
    private func retryInstance() async {
        guard let watch, watch.mode.reason == .noInstance, clock.now() >= nextInstance else { return }
        if let events = newEvents() { await begin(watch.identity, with: events) }
    }

    private func decide(_ identity: MountIdentity, blind: BlindCount, hasInstance: Bool) -> WatchModeDecision {
        chooseWatchMode(
            setting: settings.mode, fileSystem: identity.fileSystem.type, blind: blind, hasInstance: hasInstance)
    }

    // MARK: Events

    private func takeEvents() async {
        guard let batch = watch?.events?.take() else { return }
        if batch.hasEnded, let identity = watch?.identity { return await begin(identity) }
        guard let outcome = watch?.handle(batch, at: clock.now()) else { return }
        if outcome.doubtsMount { proof.doubt() }
        if outcome.beginsStorm { await queue.put([.eventsLost]) }
        for start in stride(from: 0, to: outcome.files.count, by: 4096) {
            await queue.put(outcome.files[start..<min(start + 4096, outcome.files.count)].map { .file($0) })
        }
    }

    // MARK: Looks

    /// One step of the walk, and the end of a scan after the last one.
    private func step() async {
        guard let visits = watch?.nextVisits(atMost: 64, at: clock.instant()), !visits.isEmpty else {
            return await endScan()
        }
        guard await look(visits, isPoll: false) else { return }
        if watch?.isWalking == false { await endScan() }
    }

    private func endScan() async {
        guard watch?.isScanning == true, watch?.isWalking == false, let identity = watch?.identity else { return }
        await prove()
        guard watch?.identity == identity, watch?.isWalking == false else { return }
        watch?.endScan(at: clock.now())
        await queue.put([.rescanned])
    }

    private func pollIfDue() async {
        let now = clock.now()
        guard let decision = watch?.mode, watch?.nextPoll ?? now <= now else { return }
        var visits = watch?.pollVisits(at: now, days: hotDays()) ?? []
        while !visits.isEmpty {
            let part = Array(visits.prefix(64))
            guard await look(part, isPoll: true) else { return }
            visits.removeFirst(part.count)
        }
        watch?.endPoll(at: clock.now())
        guard let watch else { return }
        let newer = decide(watch.identity, blind: watch.blind.count, hasInstance: decision.reason != .noInstance)
        // Counts go on all the time; that they do is worth saying from time to time.
        if newer.mode != decision.mode || newer != decision && now >= nextReason { await change(to: newer) }
    }

    private func hotDays() -> HotDays { HotDays(at: clock.instant(), utcOffset: settings.utcOffset) }

    private func change(to decision: WatchModeDecision) async {
        watch?.mode = decision
        nextReason = clock.now() + .seconds(15)
        await queue.put([.mode(decision)])
    }

    /// Looks at directories and takes in what they show. False when the mount turned out to be lost or another.
    private func look(_ visits: [DirectoryVisit], isPoll: Bool) async -> Bool {
        guard let identity = watch?.identity else { return false }
        let events = watch?.events
        let calls = calls
        let mount = proof.expectation.path
        var rest = visits
        while !rest.isEmpty {
            let part = rest
            let reports: [DirectoryReport]
            do {
                reports = try await threads.run(timeout: settings.timeout) { pulse in
                    try visitDirectories(
                        part, of: mount, root: identity.root, events: events, calls: calls,
                        budget: .milliseconds(50), pulse: pulse)
                }
            } catch let error as FileError where error.code == .timeout {
                await lose(.unresponsive)
                proof.doubt()
                return false
            } catch {
                // The mount went away or changed under the look: the proof says which.
                await prove()
                if watch?.identity == identity { watch?.abandonLook(part, at: clock.now()) }
                return false
            }
            rest.removeFirst(min(reports.count, rest.count))
            for report in reports {
                guard let files = watch?.take(report, at: clock.now(), instant: clock.instant(), isPoll: isPoll)
                else { return false }
                if files.count > 0 { await queue.put([.found(files)]) }
            }
            // A walk gives way to events after each part; a poll is short.
            if !isPoll { break }
        }
        if !rest.isEmpty { watch?.putBack(rest.map(\.directory)) }
        return true
    }

    // MARK: Telling

    private func tellCoverage() async {
        guard let watch, !watch.isWalking else { return }
        let coverage = watch.coverage
        guard coverage != lastCoverage else { return }
        // How many are watched is said from time to time, what is not watched at once.
        let isUrgent = coverage.polled != lastCoverage.polled || coverage.unreadable != lastCoverage.unreadable
        guard isUrgent || clock.now() >= nextCoverage else { return }
        nextCoverage = clock.now() + .seconds(5)
        lastCoverage = coverage
        await queue.put([coverage.isDegraded ? .degraded(coverage) : .covered(coverage)])
    }
}

/// A reader whose thread runs.
package func startedReader() throws -> any DirectoryEvents {
    let reader = try InotifyReader()
    try reader.start()
    return reader
}
