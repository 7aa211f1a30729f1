internal import Ledger
internal import Settings
internal import Telemetry
internal import Vocabulary

/// Levels that are in no order. At its start an agent refuses them; a volume that shows up later with such levels is used all
/// the same, as its files have nowhere else to go, and that is told.
extension VolumeRoster {
    func followOrder(_ sample: VolumeSample, _ proof: VolumeSample.Proof, _ standing: KnownVolume) async throws {
        let disorder = DisorderedLevels(sample, rules: rules)
        guard areOrdered[proof.id] != (disorder == nil) else { return }
        let name = sample.settings.name
        let subject = "volume \(name)"
        if let disorder {
            let isNew = try await problems.opens(
                ProblemBook.Finding(
                    .volumeDisordered, subject: subject, place: replay.name, what: "Volume \(name): \(disorder.what)."))
            if isNew {
                narrator.tell(
                    .volumeDisordered,
                    facts: [
                        .volume(name), .volumeID(proof.id), .volumePath(standing.path), .state(standing.state),
                        .detail(disorder.what),
                    ])
            }
        } else {
            try await problems.close(.volumeDisordered, subject: subject, place: replay.name)
        }
        areOrdered[proof.id] = disorder == nil
    }
}
