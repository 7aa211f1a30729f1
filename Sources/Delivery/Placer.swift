internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Decides where files go, and opens their intents: one short transaction while the accounts are locked, so that all
/// processes and hosts share credits and reservations. No file is touched meanwhile.
struct Placer: Sendable {
    let replay: ReplaySettings
    var rules = LevelRules()
    let lease: Duration

    enum Outcome: Sendable {
        case placed(Intent, VolumeSample, isOverflow: Bool)
        case noRoom([VolumeName: Refusal])
        case notHeld
    }

    /// An outcome for each consignment, in their order.
    func place(_ consignments: [Consignment], among samples: [VolumeSample], in session: Session) throws -> [Outcome] {
        var batch = Batch(try VolumeBoard(locking: samples, rules: rules, in: session))
        var outcomes: [Outcome] = consignments.map { batch.place($0, replay: replay) }
        var names = consignments.map(\.path)
        // A name that others hold gets a second one beside it, once: it is never overwritten.
        for pass in 0..<2 {
            let open = outcomes.indices.filter { if case .noRoom = outcomes[$0] { false } else { true } }
            let wanted = pass == 0 ? open : open.filter { batch.isNameless($0) }
            if wanted.isEmpty { break }
            let requests = wanted.compactMap { batch.request(for: consignments[$0], at: $0, path: names[$0]) }
            for (place, outcome) in zip(wanted, try Intents.open(requests, lease: lease, in: session)) {
                switch outcome {
                case .opened(let intent): outcomes[place] = batch.placed(place, intent)
                case .notHeld: outcomes[place] = .notHeld
                case .pathTaken:
                    names[place] = consignments[place].aside().path
                    outcomes[place] = .notHeld
                    batch.setNameless(place)
                }
            }
        }
        try Volumes.saveCredits(batch.board.credits, in: session)
        try Accounts.promise(batch.board.promises, in: session)
        return outcomes
    }
}

/// Consignments and where they go, while they are placed.
private struct Batch {
    private(set) var board: VolumeBoard
    /// By place in the batch; nil where there is no room.
    private var pending: [(VolumeID, isOverflow: Bool)?] = []
    private var nameless: Set<Int> = []

    init(_ board: VolumeBoard) { self.board = board }

    mutating func place(_ consignment: Consignment, replay: ReplaySettings) -> Placer.Outcome {
        let names = Set(replay.volumes(taking: consignment.kind).map(\.name))
        let decision = board.place(
            size: consignment.size, key: consignment.key,
            among: names.subtracting(consignment.excluded).subtracting(consignment.avoided))
        pending.append(decision.volume.map { ($0, decision.isOverflow) })
        if decision.volume != nil { return .notHeld }
        let failed = consignment.avoided.intersection(names).map { ($0, Refusal.failed) }
        let unfit = consignment.excluded.intersection(names).map { ($0, Refusal.unfit) }
        return .noRoom(decision.refusals.merging(failed + unfit) { $1 })
    }

    func request(for consignment: Consignment, at place: Int, path: FilePath) -> IntentRequest? {
        guard let volume = pending[place]?.0 else { return nil }
        return IntentRequest(
            work: consignment.work, volume: volume, stagedName: nil, finalPath: path,
            reservedBytes: VolumeLevels.footprint(of: consignment.size))
    }

    func placed(_ place: Int, _ intent: Intent) -> Placer.Outcome {
        guard let (volume, isOverflow) = pending[place], let sample = board.sample(volume) else { return .notHeld }
        return .placed(intent, sample, isOverflow: isOverflow)
    }

    func isNameless(_ place: Int) -> Bool { nameless.contains(place) }
    mutating func setNameless(_ place: Int) { nameless.insert(place) }
}
