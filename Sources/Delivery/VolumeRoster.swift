package import Copying
package import Files
internal import Ledger
package import Planning
package import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// The volumes of the replay as this process knows them: probes them, keeps the ledger's view true, and tells of
/// changes.
///
/// What space decides (ok, above, floor) is one state for all processes, moved by whichever sees it first: one raise, one
/// clear. What a process meets (absent, hung, read-only) is its own: another host may reach the same volume.
package actor VolumeRoster {
    private let probes: [VolumeProbe]
    private let copiers: [VolumeName: @Sendable (VolumeID) -> Copier]
    private nonisolated let copying: [FileThreads]
    private let replay: ReplaySettings
    private let rules: LevelRules
    private let database: Database
    private let problems: ProblemBook
    private let narrator: any Narrator
    private var samples: [VolumeSample] = []
    private var registered: [VolumeName: Registration] = [:]
    private var calm: [VolumeID: SpaceCalm] = [:]
    /// When the ledger last got what the volumes showed.
    private var spaceFollowed: Duration?
    private let clock: @Sendable () -> Duration
    private var conditions: [VolumeName: Planning.VolumeState] = [:]
    /// Volumes that this process has looked at.
    private var seen: Set<VolumeName> = []
    /// Since when a volume has been away from this process.
    private var awaySince: [VolumeName: Duration] = [:]
    private var ready: [VolumeID: Copier] = [:]

    /// Deliveries come by the dozen a second; the ledger and the alerts need what they see once in this time.
    private static let followPeriod = Duration.seconds(1)

    private struct Registration: Hashable {
        let id: VolumeID
        let account: AccountID
    }

    package init(
        replay: ReplaySettings, rules: LevelRules = LevelRules(), copying: CopySettings, threadsPerVolume: Int,
        patience: Duration,
        ownership: Ownership, calls: any FileCalls = KernelFiles(), database: Database, problems: ProblemBook,
        narrator: any Narrator,
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic()
    ) {
        self.replay = replay
        self.rules = rules
        self.clock = clock
        self.database = database
        self.problems = problems
        self.narrator = narrator
        var copiers: [VolumeName: @Sendable (VolumeID) -> Copier] = [:]
        var pools: [FileThreads] = []
        probes = replay.allVolumes.map { volume in
            // Probing and copying have threads of their own: a look must not wait behind copies.
            let threads = FileThreads(name: "vol-\(volume.name)", count: threadsPerVolume)
            pools.append(threads)
            copiers[volume.name] = { id in
                Copier(
                    volume: CopyVolume(
                        root: volume.path, id: id, fileMode: replay.ownership.fileMode,
                        directoryMode: replay.ownership.directoryMode, user: ownership.user, group: ownership.group),
                    threads: threads, calls: calls, settings: copying)
            }
            return VolumeProbe(
                settings: volume, threads: FileThreads(name: "probe-\(volume.name)", count: 1), patience: patience,
                calls: calls)
        }
        self.copiers = copiers
        self.copying = pools
    }

    /// What is copied from was replaced: copies that stand still end now, and are made anew. One that only waits for a
    /// slow volume may be among them, which costs its repetition.
    package nonisolated func renounceSilentCopies() {
        for threads in copying { threads.renounce(silentFor: .seconds(2)) }
    }

    /// Looks at every volume at once, and brings the ledger up to date where it is older than a second. Throws only what
    /// the database throws, and `CancellationError`.
    @discardableResult
    package func sample() async throws -> [VolumeSample] {
        var looked = try await look()
        // What was promised before the space was read is known only of volumes that are.
        if try await register(looked) { looked = try await look() }
        // A process that stops learns nothing of its volumes any more.
        try Task.checkCancellation()
        samples = looked
        try await followConditions(looked)
        if spaceFollowed.map({ clock() - $0 >= VolumeRoster.followPeriod }) ?? true {
            spaceFollowed = clock()
            try await followSpace(looked)
        }
        return looked
    }

    private func look() async throws -> [VolumeSample] {
        let accounts = Set(registered.values.map(\.account))
        let promised = try await database.perform { session in try session.answer(Accounts.standing(accounts)) }
        return await withTaskGroup(of: (Int, VolumeSample).self) { group in
            for (place, probe) in probes.enumerated() { group.addTask { (place, await probe.look()) } }
            var found = [VolumeSample?](repeating: nil, count: probes.count)
            for await (place, sample) in group { found[place] = finished(sample, promised) }
            return found.compactMap { $0 }
        }
    }

    private func finished(_ sample: VolumeSample, _ promised: [AccountID: AccountStanding]) -> VolumeSample {
        var sample = sample
        sample.promised = registered[sample.settings.name].flatMap { promised[$0.account] }
        sample.cannotReserve = sample.proof.flatMap { ready[$0.id]?.space.cannotReserve } ?? false
        return sample
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

    /// Tells once when a volume goes away from this process, and once when it is back.
    private func followConditions(_ samples: [VolumeSample]) async throws {
        for sample in samples {
            let name = sample.settings.name
            let before = conditions[name]
            let subject = "volume \(name)"
            if seen.insert(name).inserted && sample.condition == nil {
                // An earlier process may have told of its absence, and ended before it was back.
                try await problems.close(.volumeUnavailable, subject: subject, place: replay.name)
            }
            guard before != sample.condition else { continue }
            conditions[name] = sample.condition
            let facts: [Fact] =
                [.volume(name), .volumePath(sample.settings.path)]
                + (sample.reason.map { [.reason($0)] } ?? [])
            if let condition = sample.condition {
                if awaySince[name] == nil { awaySince[name] = clock() }
                narrator.tell(condition == .readOnly ? .volumeReadonly : .volumeUnavailable, facts: facts)
                try await problems.open(
                    ProblemBook.Finding(
                        .volumeUnavailable, subject: subject, place: replay.name,
                        what: "Volume \(name) cannot be used: \(sample.reason ?? condition.rawValue)."))
            } else {
                let elapsed = awaySince.removeValue(forKey: name).map { clock() - $0 } ?? .zero
                narrator.tell(.volumeAvailable, facts: facts + [.elapsed(elapsed)])
                try await problems.close(.volumeUnavailable, subject: subject, place: replay.name)
            }
        }
    }

    private func followSpace(_ samples: [VolumeSample]) async throws {
        let proven = samples.compactMap { sample in sample.proof.map { (sample, $0) } }
        guard !proven.isEmpty else { return }
        let ids = proven.map(\.1.id)
        let known = try await database.perform { session in
            for (_, proof) in proven {
                try Volumes.saveSample(Ledger.KnownVolume.Sample(proof.facts), of: proof.id, in: session)
            }
            return try Volumes.find(ids, in: session)
        }
        for (sample, proof) in proven {
            guard let standing = known[proof.id] else { continue }
            try await follow(sample, proof, standing)
        }
    }

    private func follow(_ sample: VolumeSample, _ proof: VolumeSample.Proof, _ standing: KnownVolume) async throws {
        let settings = sample.settings
        let stored = Planning.VolumeState(rawValue: standing.state) ?? .ok
        let view = VolumeView(sample, proof, standing, sample.promised ?? AccountStanding())
        let levels = VolumeLevels(of: view, rules: rules)
        calm[proof.id, default: SpaceCalm()].see(view, levels, at: clock())
        let next = watermarkState(
            of: view, from: stored, levels: levels, calm: calm[proof.id] ?? SpaceCalm(), at: clock())
        guard next != stored else { return }
        let moved = try await database.transaction { session in
            try Volumes.move(
                proof.id, from: stored.rawValue, to: next.rawValue, reason: nil, raisesAlert: next != .ok, in: session)
        }
        guard let moved else { return }
        tell(stored, next, view, levels, settings, moved.before, moved.after)
    }

    private func tell(
        _ before: Planning.VolumeState, _ next: Planning.VolumeState, _ view: VolumeView, _ levels: VolumeLevels,
        _ settings: VolumeSettings, _ was: KnownVolume, _ now: KnownVolume
    ) {
        let event: Event =
            switch (before, next) {
            case (_, .floor): .floorReached
            case (.floor, .above): .floorCleared
            case (_, .above): .watermarkRaised
            case (.floor, _): .floorCleared
            default: .watermarkCleared
            }
        let incident = (now.incident ?? was.incident).map { [Fact.incident(String($0))] } ?? []
        let elapsed: [Fact] =
            event == .watermarkCleared || event == .floorCleared ? [.elapsed(now.since - was.since)] : []
        narrator.tell(event, facts: view.spaceFacts(levels, settings, next == .ok ? before : next) + incident + elapsed)
    }
}

extension VolumeView {
    /// What alerts about space say; of inodes where those are what is scarce.
    /// - Parameter state: that the alert is about.
    func spaceFacts(_ levels: VolumeLevels, _ settings: VolumeSettings, _ state: Planning.VolumeState) -> [Fact] {
        let isInodes = scarce(levels, state) == .inodes
        return [
            .volume(settings.name), .volumeID(id), .volumePath(settings.path),
            .used(percent: isInodes ? inodesUsedPercent ?? 0 : usedPercent),
            .watermark(percent: 100 * watermark.share(of: size)), .available(bytes: available),
            .reserved(bytes: reserved), .trigger(bytes: levels.trigger), .clear(bytes: levels.clear),
            .floor(bytes: levels.floor), .resource(isInodes ? .inodes : .bytes),
        ]
    }
}

extension KnownVolume.Sample {
    init(_ facts: FileSystemFacts) {
        self.init(
            totalBytes: facts.totalBytes, availableBytes: facts.availableBytes, usedBytes: facts.usedBytes,
            totalInodes: facts.totalInodes, availableInodes: facts.availableInodes)
    }
}
