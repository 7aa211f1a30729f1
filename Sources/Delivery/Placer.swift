internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Decides where files go, and opens their intents: one short transaction while the accounts are locked, so that all
/// processes and hosts share credits and reservations. No file is touched meanwhile.
struct Placer: Sendable {
    let replay: ReplaySettings
    let lease: Duration

    enum Outcome: Sendable {
        case placed(Intent, VolumeSample, isOverflow: Bool)
        case noRoom([VolumeName: Refusal])
        case notHeld
    }

    /// An outcome for each consignment, in their order.
    func place(_ consignments: [Consignment], among samples: [VolumeSample], in session: Session) throws -> [Outcome] {
        let accounts = VolumeRoster.accounts(of: samples)
        try Accounts.lock(accounts.values, in: session)
        var board = try Board(samples, accounts: accounts, in: session)
        var outcomes: [Outcome] = consignments.map { board.place($0, replay: replay) }
        var names = consignments.map(\.path)
        // A name that others hold gets a second one beside it, once: it is never overwritten.
        for pass in 0..<2 {
            let open = outcomes.indices.filter { if case .noRoom = outcomes[$0] { false } else { true } }
            let wanted = pass == 0 ? open : open.filter { board.isNameless($0) }
            if wanted.isEmpty { break }
            let requests = wanted.compactMap { board.request(for: consignments[$0], at: $0, path: names[$0]) }
            for (place, outcome) in zip(wanted, try Intents.open(requests, lease: lease, in: session)) {
                switch outcome {
                case .opened(let intent): outcomes[place] = board.placed(place, intent)
                case .notHeld: outcomes[place] = .notHeld
                case .pathTaken:
                    names[place] = consignments[place].aside().path
                    outcomes[place] = .notHeld
                    board.setNameless(place)
                }
            }
        }
        try Volumes.saveCredits(board.credits, in: session)
        return outcomes
    }
}

/// The volumes while a batch is placed: every decision sees what the ones before it took.
private struct Board {
    private var views: [VolumeView] = []
    private let samples: [VolumeID: VolumeSample]
    private let conditions: [VolumeName: Refusal]
    /// By place in the batch; nil where there is no room.
    private var pending: [(VolumeID, isOverflow: Bool)?] = []
    private var nameless: Set<Int> = []
    private var largest: Int64 = 0
    private(set) var credits: [VolumeID: Double] = [:]

    init(_ samples: [VolumeSample], accounts: [VolumeID: AccountID], in session: Session) throws {
        let (known, reserved) = try session.ask(Volumes.find(accounts.keys), Accounts.reserved(accounts.values))
        var byID: [VolumeID: VolumeSample] = [:]
        var conditions: [VolumeName: Refusal] = [:]
        for sample in samples {
            if let condition = sample.condition { conditions[sample.settings.name] = .state(condition) }
            guard let proof = sample.proof, let standing = known[proof.id] else { continue }
            byID[proof.id] = sample
            let stored = Planning.VolumeState(rawValue: standing.state) ?? .ok
            views.append(
                VolumeView(
                    sample.settings, proof, standing, state: sample.condition ?? stored,
                    reserved: reserved[standing.account] ?? 0))
        }
        self.samples = byID
        self.conditions = conditions
    }

    mutating func place(_ consignment: Consignment, replay: ReplaySettings) -> Placer.Outcome {
        largest = max(largest, consignment.size)
        let names = Set(replay.volumes(taking: consignment.kind).map(\.name))
        let candidates = views.filter { names.contains($0.name) }
        let placement = Planning.place(
            size: consignment.size, key: consignment.key, among: candidates, largest: largest)
        for place in views.indices {
            if let credit = placement.credits[views[place].id] { views[place].credit = credit }
        }
        credits.merge(placement.credits) { $1 }
        switch placement.outcome {
        case .place(let volume, let isOverflow):
            guard let account = views.first(where: { $0.id == volume })?.account else { return .notHeld }
            for place in views.indices where views[place].account == account {
                views[place].reserved += consignment.size
            }
            pending.append((volume, isOverflow))
            return .notHeld
        case .wait:
            pending.append(nil)
            var refusals = conditions.filter { names.contains($0.key) }
            for (volume, refusal) in placement.refusals {
                if let sample = samples[volume] { refusals[sample.settings.name] = refusal }
            }
            return .noRoom(refusals)
        }
    }

    func request(for consignment: Consignment, at place: Int, path: FilePath) -> IntentRequest? {
        guard let volume = pending[place]?.0 else { return nil }
        return IntentRequest(
            work: consignment.work, volume: volume, stagedName: nil, finalPath: path, reservedBytes: consignment.size)
    }

    func placed(_ place: Int, _ intent: Intent) -> Placer.Outcome {
        guard let (volume, isOverflow) = pending[place], let sample = samples[volume] else { return .notHeld }
        return .placed(intent, sample, isOverflow: isOverflow)
    }

    func isNameless(_ place: Int) -> Bool { nameless.contains(place) }
    mutating func setNameless(_ place: Int) { nameless.insert(place) }
}
