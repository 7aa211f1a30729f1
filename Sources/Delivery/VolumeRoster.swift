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
    /// Run by whoever stands there, who may have fewer rights than the service: what that hides says nothing of a volume.
    let isByHand: Bool
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
    private var ready: [VolumeName: (id: VolumeID, copier: Copier)] = [:]
    /// Which disk is each volume's, as the ledger said.
    private var bound: [VolumeName: VolumeID] = [:]
    /// Disks that are not what their names say.
    private var refused: [VolumeName: (id: VolumeID, reason: String, at: Duration)] = [:]
    /// Which were registered as sharing a file system.
    private var sharing: Set<Set<VolumeID>> = []
    private var samples: [VolumeSample] = []

    // How looks stand.
    private var underWay: Set<VolumeName> = []
    /// Those whose last look was not answered in time: nobody waits for them.
    private var late: Set<VolumeName> = []
    private var answers: [VolumeName: (sample: VolumeSample, at: Duration, wasLate: Bool)] = [:]
    private var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 0
    /// What was promised when looks were last begun: earlier is as good, and counts more.
    private var lastPromised: [VolumeID: (account: AccountID, standing: AccountStanding)] = [:]

    // What this process can reach.
    /// Those that did not answer; since when they answer again.
    var hung: [VolumeName: Duration?] = [:]
    var readOnly: Set<VolumeName> = []
    var readOnlyTried: [VolumeName: Duration] = [:]
    var reachNoted: [VolumeName: (state: Planning.VolumeState, at: Duration)] = [:]
    /// What processes of this host last said.
    var sights: [VolumeSight]?
    /// When that was asked.
    var sightsAsked = Duration.zero
    /// When an outage was last tried to be ended.
    var backTried: [VolumeName: Duration] = [:]

    // What space and writes decide.
    var calm: [VolumeID: SpaceCalm] = [:]
    var standings: [VolumeID: KnownVolume] = [:]
    /// When the ledger last got what the volumes showed.
    private var spaceFollowed: Duration?
    var reminded: Duration?
    /// Whether the levels of a volume were found in order, as they were seen last.
    var areOrdered: [VolumeID: Bool] = [:]
    /// When the ledger was told last that an episode goes on.
    var episodesMet: [String: Duration] = [:]

    /// Deliveries come by the dozen a second; the ledger and the alerts need what they see once in this time.
    private static let followPeriod = Duration.seconds(1)
    /// How long a decision waits for looks, and how old an answer may be that came in between.
    private static let lateness = Duration.milliseconds(400)
    private static let freshness = Duration.seconds(2)
    /// Without an answer for so long a volume hangs.
    package static let hangs = Duration.seconds(10)

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
        ownership: Ownership, isByHand: Bool = false,
        calls: any FileCalls = KernelFiles(), holder: Holder = Holder("roster"),
        host: String = ReplayBase.hostName(), database: Database, problems: ProblemBook, narrator: any Narrator,
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic(),
        now: @escaping @Sendable () -> Instant = VolumeRoster.wallClock
    ) {
        self.replay = replay
        self.rules = rules
        self.recovers = recovers
        self.isByHand = isByHand
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
        let workspaces = Workspaces()
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
                    threads: threads, calls: calls, settings: copying, pace: pace, finder: widths,
                    workspaces: workspaces)
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
        try await hearOthers()
        var looked = try await look()
        try await register(looked)
        // What was promised before the space was read is known only of volumes that are. Whoever comes beside the first
        // look finds them registered, and has looked before they were.
        if looked.contains(where: { $0.promised == nil && isBound($0) }) { looked = try await look() }
        // A process that stops learns nothing of its volumes any more.
        try Task.checkCancellation()
        looked = await tryReadOnly(looked.map(identified))
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
        // Another disk can have come to the name.
        if let known = ready[name], known.id == id { return known.copier }
        guard let make = copiers[name] else { return nil }
        let copier = make(id)
        ready[name] = (id, copier)
        return copier
    }

    // MARK: - Looks

    private func look() async throws -> [VolumeSample] {
        let ids = Set(bound.values)
        let promised =
            ids.isEmpty ? [:] : try await database.perform { session in try session.answer(Accounts.standing(of: ids)) }
        lastPromised = promised
        let began = clock()
        let names = replay.allVolumes.map(\.name)
        for name in names where !underWay.contains(name) { begin(name, promised) }
        await wait(for: underWay.subtracting(late), takingAny: false, atMost: VolumeRoster.lateness)
        late = underWay
        if !names.contains(where: { answers[$0]?.sample.condition == nil && refused[$0] == nil && !late.contains($0) })
        {
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

    private func begin(
        _ name: VolumeName, _ promised: [VolumeID: (account: AccountID, standing: AccountStanding)]
    ) {
        guard let probe = probes[name] else { return }
        underWay.insert(name)
        Task { self.took(await probe.look(), promised) }
    }

    private func took(
        _ sample: VolumeSample, _ promised: [VolumeID: (account: AccountID, standing: AccountStanding)]
    ) {
        let name = sample.settings.name
        underWay.remove(name)
        let wasLate = late.remove(name) != nil
        var sample = settled(sample)
        if let id = sample.proof?.id {
            sample.promised = promised[id]?.standing
            sample.account = promised[id]?.account
            if let known = ready[name], known.id == id { sample.cannotReserve = known.copier.space.cannotReserve }
        }
        answers[name] = (sample, clock(), wasLate)
        for (id, waiter) in waiters where waiter.pending.contains(name) {
            waiters[id]?.pending.remove(name)
            let isEnough = waiter.takesAny && sample.condition == nil && refused[name] == nil
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

    private func register(_ samples: [VolumeSample]) async throws {
        let proven = samples.compactMap { sample in sample.proof.map { (name: sample.settings.name, proof: $0) } }
        let groups = Set(Dictionary(grouping: proven, by: \.proof.device).values.map { Set($0.map(\.proof.id)) })
        let isKnown = proven.allSatisfy { name, proof in
            if bound[name] == proof.id { return true }
            // An operator's word can have made it right.
            return refused[name].map { $0.id == proof.id && clock() - $0.at < VolumeRoster.againPeriod } ?? false
        }
        if isKnown && groups.allSatisfy({ group in sharing.contains { $0.isSuperset(of: group) } }) { return }
        let registration = VolumeRegistration(replay: replay)
        // Two hosts may meet a new name at the same moment.
        let outcome = try await database.transaction(rerunsUniqueViolations: true) { session in
            try registration.run(samples, in: session)
        }
        sharing.formUnion(groups)
        for (name, proof) in proven {
            if let reason = outcome.refused[name] {
                refused[name] = (proof.id, reason, clock())
                bound[name] = nil
            } else {
                refused[name] = nil
                bound[name] = outcome.bound[name]
            }
        }
    }

    /// Its name may belong to another disk by now: the next look asks the ledger.
    func unbind(_ name: VolumeName) { bound[name] = nil }

    private func isBound(_ sample: VolumeSample) -> Bool {
        sample.proof.map { bound[sample.settings.name] == $0.id } ?? false
    }

    /// A disk that is not the volume of its name is as good as none.
    private func identified(_ sample: VolumeSample) -> VolumeSample {
        if sample.proof == nil || isBound(sample) { return sample }
        let reason = refused[sample.settings.name]?.reason ?? "its disk is not known yet"
        return VolumeSample(settings: sample.settings, proof: nil, condition: .absent, reason: reason)
    }
}
