internal import Files
internal import Ledger
package import Planning
internal import Postgres
package import Settings
internal import Vocabulary

/// The volumes while files are placed: every decision sees what the ones before it took.
struct VolumeBoard {
    private(set) var views: [VolumeView] = []
    private let samples: [VolumeID: VolumeSample]
    /// Why volumes that did not prove themselves can't be used.
    private let conditions: [VolumeName: Refusal]
    private let rules: LevelRules
    /// What decisions made of credits and promises.
    private(set) var credits: [VolumeID: Double] = [:]
    private(set) var promises: [AccountID: AccountPromise] = [:]
    private var largest: Int64 = 0

    /// Locks the volumes' accounts, and reads credits and promises: what it decides holds until the transaction ends.
    init(locking samples: [VolumeSample], rules: LevelRules, in session: Session) throws {
        let ids = samples.compactMap(\.proof?.id)
        while true {
            let (locked, known, standings) = try session.ask(
                Accounts.lock(of: ids), Volumes.find(ids), Accounts.standing(of: ids))
            // While the lock was waited for, volumes may have come to share an account.
            guard locked.isSuperset(of: known.values.map(\.account)) else { continue }
            self.init(samples, known: known, standings: standings.mapValues(\.standing), rules: rules)
            return
        }
    }

    init(
        _ samples: [VolumeSample], known: [VolumeID: KnownVolume], standings: [VolumeID: AccountStanding],
        rules: LevelRules
    ) {
        var byID: [VolumeID: VolumeSample] = [:]
        var conditions: [VolumeName: Refusal] = [:]
        for sample in samples {
            if let condition = sample.condition { conditions[sample.settings.name] = .state(condition) }
            guard let proof = sample.proof, let volume = known[proof.id] else { continue }
            if volume.replaced != nil {
                // On another host somebody gave its name to another disk.
                conditions[sample.settings.name] = .state(.absent)
                continue
            }
            byID[proof.id] = sample
            views.append(VolumeView(sample, proof, volume, standings[proof.id] ?? AccountStanding()))
        }
        self.samples = byID
        self.conditions = conditions
        self.rules = rules
    }

    struct Decision {
        let placement: Placement
        /// Nil: it waits.
        let volume: VolumeID?
        let isOverflow: Bool
        /// By name, of all that it could have gone to.
        let refusals: [VolumeName: Refusal]
    }

    mutating func place(size: Int64, key: String, among names: Set<VolumeName>) -> Decision {
        largest = max(largest, size)
        let placement = Planning.place(
            size: size, key: key, among: views.filter { names.contains($0.name) }, rules: rules, largest: largest)
        for place in views.indices {
            if let credit = placement.credits[views[place].id] { views[place].credit = credit }
        }
        credits.merge(placement.credits) { $1 }
        var refusals = conditions.filter { names.contains($0.key) }
        for (volume, refusal) in placement.refusals {
            if let sample = samples[volume] { refusals[sample.settings.name] = refusal }
        }
        switch placement.outcome {
        case .wait: return Decision(placement: placement, volume: nil, isOverflow: false, refusals: refusals)
        case .place(let volume, let isOverflow):
            promise(size, on: volume)
            return Decision(placement: placement, volume: volume, isOverflow: isOverflow, refusals: refusals)
        }
    }

    private mutating func promise(_ size: Int64, on volume: VolumeID) {
        guard let account = views.first(where: { $0.id == volume })?.account else { return }
        let footprint = VolumeLevels.footprint(of: size)
        var promise = promises[account] ?? AccountPromise()
        promise.bytes += footprint
        promise.files += 1
        promise.largest = max(promise.largest, size)
        promises[account] = promise
        for place in views.indices where views[place].account == account {
            views[place].reserved += footprint
            views[place].inodesReserved += 1
            views[place].largestUnderWay = max(views[place].largestUnderWay, size)
            views[place].largestEver = max(views[place].largestEver, size)
        }
    }

    func sample(_ volume: VolumeID) -> VolumeSample? { samples[volume] }
}

extension VolumeView {
    /// - Parameter standing: of its account, read now.
    init(_ sample: VolumeSample, _ proof: VolumeSample.Proof, _ volume: KnownVolume, _ standing: AccountStanding) {
        let settings = sample.settings
        let isSameAccount = sample.account.map { $0 == volume.account } ?? true
        let reserved = standing.reserved(since: sample.promised ?? standing, isSameAccount: isSameAccount)
        let stored = Planning.VolumeState(rawValue: volume.state) ?? .ok
        self.init(
            id: proof.id, name: settings.name, account: volume.account, priority: settings.priority,
            balance: settings.balance, watermark: VolumeWatermark(settings.watermark),
            state: sample.condition ?? stored, used: proof.facts.usedBytes, available: proof.facts.availableBytes,
            reserved: reserved.bytes, inodesTotal: proof.facts.usedInodes + proof.facts.availableInodes,
            inodesAvailable: proof.facts.availableInodes, inodesReserved: reserved.files, credit: volume.credit,
            largestUnderWay: standing.largestUnderWay, largestEver: standing.largestEver,
            cannotReserve: sample.cannotReserve,
            rests: volume.restsUntil.map { $0 > VolumeRoster.wallClock() } ?? false)
        // Chunks for metadata, twice: a tenth of a small one, 256 MiB of others.
        if proof.facts.kind == .btrfs { keptBack = min(size / 5, 512 << 20) }
    }
}

extension VolumeWatermark {
    package init(_ setting: Watermark) {
        self =
            switch setting {
            case .used(let percent): .used(percent.fraction)
            case .free(let bytes): .free(bytes)
            }
    }
}

extension LevelRules {
    package init(_ settings: PlacementSettings) {
        self.init(
            hysteresis: settings.hysteresis.fraction, floor: settings.floor.fraction,
            floorAtMost: settings.floorAtMost, largestFile: settings.largestFile)
    }
}
