package import Copying
package import Files
internal import Glibc
internal import Ledger
package import Planning
package import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// The volumes of the replay as this process knows them: looks at them, keeps the ledger's view true, and tells of
/// changes.
///
/// What space decides (ok, above, floor) and what writes showed (limited, suspect) is one state for all processes, moved
/// by whichever sees it first: one raise, one clear. What a process meets (absent, hung, read-only) is its own: another
/// host may reach the same volume.
package actor VolumeRoster {
    let replay: ReplaySettings
    let rules: LevelRules
    let recovers: Bool
    let holder: Holder
    let host: String
    let database: Database
    let problems: ProblemBook
    let narrator: any Narrator
    let calls: any FileCalls
    let clock: @Sendable () -> Duration
    let now: @Sendable () -> Instant
    let probes: [VolumeName: VolumeProbe]
    private let copiers: [VolumeName: @Sendable (VolumeID) -> Copier]
    private nonisolated let copying: [FileThreads]
    private nonisolated let finders: [VolumeName: WidthFinder]
    private var ready: [VolumeID: Copier] = [:]
    var registered: [VolumeName: Registration] = [:]
    private var samples: [VolumeSample] = []

    // How looks stand.
    private var underWay: Set<VolumeName> = []
    /// Those whose last look was not answered in time: nobody waits for them.
    private var late: Set<VolumeName> = []
    private var answers: [VolumeName: (sample: VolumeSample, at: Duration, wasLate: Bool)] = [:]
    private var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 0
    /// What was promised when looks were last begun: earlier is as good, and counts more.
    private var lastPromised: [AccountID: AccountStanding] = [:]

    // What this process can reach.
    /// Those that did not answer; since when they answer again.
    var hung: [VolumeName: Duration?] = [:]
    var readOnly: Set<VolumeName> = []
    var readOnlyTried: [VolumeName: Duration] = [:]
    var reachNoted: [VolumeName: (state: Planning.VolumeState, at: Duration)] = [:]
    /// What processes of this host last said.
    var sights: [VolumeSight]?

    // What space and writes decide.
    var calm: [VolumeID: SpaceCalm] = [:]
    var standings: [VolumeID: KnownVolume] = [:]
    /// When the ledger last got what the volumes showed.
    private var spaceFollowed: Duration?
    var reminded: Duration?
    /// When the ledger was told last that an episode goes on.
    var episodesMet: [String: Duration] = [:]

    /// Deliveries come by the dozen a second; the ledger and the alerts need what they see once in this time.
    private static let followPeriod = Duration.seconds(1)
    /// How long a decision waits for looks, and how old an answer may be that came in between.
    private static let lateness = Duration.milliseconds(400)
    private static let freshness = Duration.seconds(2)
    /// Without an answer for so long a volume hangs.
    package static let hangs = Duration.seconds(10)

    struct Registration: Hashable {
        let id: VolumeID
        let account: AccountID
    }

    private struct Waiter {
        var pending: Set<VolumeName>
        /// Any volume that can be used is enough.
        let takesAny: Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    package init(
        replay: ReplaySettings, rules: LevelRules = LevelRules(), recovers: Bool = false, copying: CopySettings,
        concurrency: CopyingSettings.Concurrency, patience: Duration = VolumeRoster.hangs,
        pace: SourcePace = SourcePace(),
        ownership: Ownership,
        calls: any FileCalls = KernelFiles(), holder: Holder = Holder("roster"),
        host: String = ReplayBase.hostName(), database: Database, problems: ProblemBook, narrator: any Narrator,
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic(),
        now: @escaping @Sendable () -> Instant = VolumeRoster.wallClock
    ) {
        self.replay = replay
        self.rules = rules
        self.recovers = recovers
        self.holder = holder
        self.host = host
        self.calls = calls
        self.clock = clock
        self.now = now
        self.database = database
        self.problems = problems
        self.narrator = narrator
        var copiers: [VolumeName: @Sendable (VolumeID) -> Copier] = [:]
        var pools: [FileThreads] = []
        var finders: [VolumeName: WidthFinder] = [:]
        var probes: [VolumeName: VolumeProbe] = [:]
        for volume in replay.allVolumes {
            // Probing and copying have threads of their own: a look must not wait behind copies.
            let threads: FileThreads
            var finder: WidthFinder?
            switch concurrency {
            case .fixed(let count): threads = FileThreads(name: "vol-\(volume.name)", count: count)
            case .found:
                threads = FileThreads(name: "vol-\(volume.name)", count: 1)
                finder = WidthFinder(threads: threads, pace: pace)
            }
            finders[volume.name] = finder
            let widths = finder
            pools.append(threads)
            copiers[volume.name] = { id in
                Copier(
                    volume: CopyVolume(
                        root: volume.path, id: id, fileMode: replay.ownership.fileMode,
                        directoryMode: replay.ownership.directoryMode, user: ownership.user, group: ownership.group),
                    threads: threads, calls: calls, settings: copying, pace: pace, finder: widths)
            }
            probes[volume.name] = VolumeProbe(
                settings: volume, threads: FileThreads(name: "probe-\(volume.name)", count: 1),
                patience: min(patience, VolumeRoster.hangs), calls: calls)
        }
        self.probes = probes
        self.copiers = copiers
        self.copying = pools
        self.finders = finders
    }

    /// What is copied from was replaced: copies that stand still end now, and are made anew. One that only waits for a
    /// slow volume may be among them, which costs its repetition.
    package nonisolated func renounceSilentCopies() {
        for threads in copying { threads.renounce(silentFor: .seconds(2)) }
    }

    /// How many files are copied at once to each volume, where that is found by measuring and is found by now.
    package nonisolated var foundWidths: [VolumeName: Int] {
        finders.compactMapValues { finder in
            let found = finder.found
            return found.isFound ? found.width : nil
        }
    }

    /// Looks at every volume at once, and brings the ledger up to date where it is older than a second. Waits half a
    /// second for those that are late, and longer only where no other can be used. Throws only what the database throws,
    /// and `CancellationError`.
    @discardableResult
    package func sample() async throws -> [VolumeSample] {
        if sights == nil { try await recall() }
        var looked = try await look()
        // What was promised before the space was read is known only of volumes that are.
        if try await register(looked) { looked = try await look() }
        // A process that stops learns nothing of its volumes any more.
        try Task.checkCancellation()
        looked = await tryReadOnly(looked)
        samples = looked
        try await followReach(looked)
        if spaceFollowed.map({ clock() - $0 >= VolumeRoster.followPeriod }) ?? true {
            spaceFollowed = clock()
            try await followSpace(looked)
        }
        return looked
    }

    /// The last look, made now where there is none yet.
    package func current() async throws -> [VolumeSample] {
        if samples.isEmpty { try await sample() }
        return samples
    }

    /// A clock that only goes forward, from zero.
    package static func monotonic() -> @Sendable () -> Duration {
        let started = ContinuousClock.now
        return { ContinuousClock.now - started }
    }

    package static let wallClock: @Sendable () -> Instant = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec / 1000))
    }

    /// The proven volumes of the last look.
    package func names() -> [VolumeID: VolumeName] {
        Dictionary(
            samples.compactMap { sample in sample.proof.map { ($0.id, sample.settings.name) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The same with their roots here, looked at now where they never were.
    func roots() async throws -> [VolumeID: (name: VolumeName, path: FilePath)] {
        Dictionary(
            try await current().compactMap { sample in
                sample.proof.map { ($0.id, (sample.settings.name, sample.settings.path)) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Where to copy to a proven volume with.
    package func copier(of id: VolumeID, named name: VolumeName) -> Copier? {
        if let copier = ready[id] { return copier }
        guard let make = copiers[name] else { return nil }
        let copier = make(id)
        ready[id] = copier
        return copier
    }

    /// The account of each proven volume: its own setting, or the smallest id on its file system.
    package static func accounts(of samples: [VolumeSample]) -> [VolumeID: AccountID] {
        let proven = samples.compactMap { sample in sample.proof.map { (sample.settings, $0) } }
        var accounts: [VolumeID: AccountID] = [:]
        for (settings, proof) in proven {
            let sharing = proven.filter { $0.1.device == proof.device }.map(\.1.id)
            accounts[proof.id] = settings.account ?? AccountID((sharing.min() ?? proof.id).rawValue)
        }
        return accounts
    }

    // MARK: - Looks

    private func look() async throws -> [VolumeSample] {
        let accounts = Set(registered.values.map(\.account))
        let promised =
            accounts.isEmpty
            ? [:] : try await database.perform { session in try session.answer(Accounts.standing(accounts)) }
        lastPromised = promised
        let began = clock()
        let names = replay.allVolumes.map(\.name)
        for name in names where !underWay.contains(name) { begin(name, promised) }
        await wait(for: underWay.subtracting(late), takingAny: false, atMost: VolumeRoster.lateness)
        late = underWay
        if !names.contains(where: { answers[$0]?.sample.condition == nil && !late.contains($0) }) {
            await wait(for: underWay, takingAny: true, atMost: VolumeRoster.hangs)
        }
        return replay.allVolumes.map { answer(of: $0, since: began) }
    }

    /// Looks whether a volume does not answer now that is not said to hang yet. Asks no database.
    func isAnySilent() async -> Bool {
        for volume in replay.allVolumes where !underWay.contains(volume.name) { begin(volume.name, lastPromised) }
        let asked = underWay.filter { hung[$0] == nil }
        await wait(for: asked.subtracting(late), takingAny: false, atMost: VolumeRoster.lateness)
        late = underWay
        return !late.intersection(asked).isEmpty
    }

    private func begin(_ name: VolumeName, _ promised: [AccountID: AccountStanding]) {
        guard let probe = probes[name] else { return }
        underWay.insert(name)
        Task { self.took(await probe.look(), promised) }
    }

    private func took(_ sample: VolumeSample, _ promised: [AccountID: AccountStanding]) {
        let name = sample.settings.name
        underWay.remove(name)
        let wasLate = late.remove(name) != nil
        var sample = settled(sample)
        sample.promised = registered[name].flatMap { promised[$0.account] }
        sample.cannotReserve = sample.proof.flatMap { ready[$0.id]?.space.cannotReserve } ?? false
        answers[name] = (sample, clock(), wasLate)
        for (id, waiter) in waiters where waiter.pending.contains(name) {
            waiters[id]?.pending.remove(name)
            let isEnough = waiter.takesAny && sample.condition == nil
            if isEnough || waiters[id]?.pending.isEmpty == true { endWait(id) }
        }
    }

    private func answer(of volume: VolumeSettings, since began: Duration) -> VolumeSample {
        if let (sample, at, wasLate) = answers[volume.name] {
            if at >= began && !underWay.contains(volume.name) { return sample }
            // One that is slow each time; one that was not, and does not answer now, may be gone.
            if wasLate && clock() - at <= VolumeRoster.freshness { return sample }
        }
        var late = VolumeSample(settings: volume, proof: nil, condition: .hung, reason: "does not answer in time")
        // Only when its look has ended is it said to hang.
        late.isLate = answers[volume.name]?.sample.condition != .hung
        return late
    }

    private func wait(for names: Set<VolumeName>, takingAny: Bool, atMost span: Duration) async {
        if names.isEmpty { return }
        nextWaiter += 1
        let id = nextWaiter
        let timer = Task {
            try? await Task.sleep(for: span)
            self.endWait(id)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters[id] = Waiter(pending: names, takesAny: takingAny, continuation: continuation)
            }
        } onCancel: {
            Task { await self.endWait(id) }
        }
        timer.cancel()
    }

    private func endWait(_ id: Int) {
        waiters.removeValue(forKey: id)?.continuation.resume()
    }

    /// Gives whether there was something new.
    private func register(_ samples: [VolumeSample]) async throws -> Bool {
        let accounts = VolumeRoster.accounts(of: samples)
        var fresh: [(id: VolumeID, name: VolumeName, path: FilePath, account: AccountID)] = []
        var registrations: [VolumeName: Registration] = [:]
        for sample in samples {
            guard let proof = sample.proof, let account = accounts[proof.id] else { continue }
            let registration = Registration(id: proof.id, account: account)
            registrations[sample.settings.name] = registration
            if registered[sample.settings.name] != registration {
                fresh.append((proof.id, sample.settings.name, sample.settings.path, account))
            }
        }
        if fresh.isEmpty { return false }
        let known = fresh
        let name = replay.name
        try await database.transaction { session in
            try Volumes.register(known, credit: { initialCredit(of: $0, replay: name) }, in: session)
        }
        registered.merge(registrations) { $1 }
        return true
    }
}
