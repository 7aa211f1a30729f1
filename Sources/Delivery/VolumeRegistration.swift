internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Tells the ledger which volumes this host sees, and learns from it which of them are what their names say.
struct VolumeRegistration: Sendable {
    let replay: ReplaySettings

    struct Outcome: Sendable {
        var bound: [VolumeName: VolumeID] = [:]
        /// Disks that are not the volumes of their names, and why, for people.
        var refused: [VolumeName: String] = [:]
    }

    /// All accounts are locked meanwhile, as placements lock them: none decides while volumes come to share one.
    func run(_ samples: [VolumeSample], in session: Session) throws -> Outcome {
        try Accounts.lockAll(in: session)
        let known = try Volumes.all(in: session)
        var bound = Dictionary(
            known.filter { $0.replaced == nil }.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
        let names = Set(replay.allVolumes.map(\.name))
        var outcome = Outcome()
        var right: [(VolumeSample, VolumeSample.Proof)] = []
        for sample in samples {
            guard let proof = sample.proof else { continue }
            let name = sample.settings.name
            let identity = VolumeIdentity(proof.id, as: name, bound: bound, names: names)
            if let reason = identity.reason {
                outcome.refused[name] = reason
                continue
            }
            bound = bound.filter { $0.value != proof.id }
            bound[name] = proof.id
            outcome.bound[name] = proof.id
            right.append((sample, proof))
        }
        let shared = SharedAccounts(
            right.map {
                SharedAccounts.Volume(id: $0.1.id, device: $0.1.device, setting: $0.0.settings.account)
            },
            known: Dictionary(known.map { ($0.id, $0.account) }, uniquingKeysWith: { first, _ in first }))
        let volumes = right.compactMap { sample, proof in
            shared.accounts[proof.id].map { (proof.id, sample.settings.name, sample.settings.path, $0) }
        }
        let name = replay.name
        try Volumes.register(volumes, credit: { initialCredit(of: $0, replay: name) }, in: session)
        try Accounts.join(shared.joined, in: session)
        return outcome
    }
}
