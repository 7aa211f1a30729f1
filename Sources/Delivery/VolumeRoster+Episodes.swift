internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
internal import Vocabulary

/// How one file was placed.
struct PlacementNote: Sendable {
    let kind: MediaKind
    /// Nil where no volume could take it.
    let volume: VolumeSample?
    let isOverflow: Bool
    let refusals: [VolumeName: Refusal]
}

/// Episodes that placements make: a lower tier is used, all are past their watermarks, none can take anything. They begin
/// with a file that meets them, and end when none has for a while and a volume can take again: single files that still fit
/// end nothing.
extension VolumeRoster {
    /// Between two tellings of the ledger that one goes on.
    private static let metPeriod = Duration.seconds(10)
    private static let calmAfter = Duration.seconds(600)
    private static let roomAfter = Duration.seconds(60)

    private enum Episode {
        case spilled(VolumeSample)
        case overflow(VolumeSample)
        case allFull([VolumeName: Refusal])

        var kind: AlertKind {
            switch self {
            case .spilled: .spilled
            case .overflow: .overflow
            case .allFull: .allFull
            }
        }
    }

    /// Where the ledger can't be told, the next file meets the same.
    func note(_ placements: [PlacementNote]) async {
        for placement in placements {
            guard let episode = episode(of: placement) else { continue }
            let subject = subject(for: placement.kind)
            let key = episode.kind.rawValue + " " + subject
            if let at = episodesMet[key], clock() - at < VolumeRoster.metPeriod { continue }
            episodesMet[key] = clock()
            do { try await meet(episode, subject) } catch { episodesMet[key] = nil }
        }
    }

    private func subject(for kind: MediaKind) -> String {
        !replay.videoVolumes.isEmpty && replay.volumes(taking: kind) == replay.videoVolumes ? "screens" : "replay"
    }

    private func volumes(of subject: String) -> [VolumeSettings] {
        subject == "screens" ? replay.videoVolumes : replay.volumes
    }

    private func episode(of placement: PlacementNote) -> Episode? {
        guard let volume = placement.volume else {
            // One that fits nowhere even empty says nothing of the others.
            return placement.refusals.values.allSatisfy(\.isForGood) ? nil : .allFull(placement.refusals)
        }
        if placement.isOverflow { return .overflow(volume) }
        let preferred = replay.volumes(taking: placement.kind).filter { $0.balance > 0 }.map(\.priority).min()
        return volume.settings.priority > preferred ?? 0 ? .spilled(volume) : nil
    }

    private func meet(_ episode: Episode, _ subject: String) async throws {
        let at = now()
        let kind = episode.kind
        let (telling, alert) = try await database.perform { session in
            try Alerts.meet(kind.rawValue, subject, at: at, reminder: kind.reminder, in: session)
        }
        if telling == .nothing { return }
        let incident = Fact.incident(String(alert.incident))
        switch episode {
        case .spilled(let sample):
            narrator.tell(
                .placementSpilled,
                facts: [.volume(sample.settings.name), .volumePath(sample.settings.path), incident]
                    + (sample.proof.map { [.volumeID($0.id)] } ?? []))
        case .overflow(let sample):
            guard let proof = sample.proof, let standing = standings[proof.id] else { return }
            let view = VolumeView(sample, proof, standing, sample.promised ?? AccountStanding())
            let facts = view.spaceFacts(VolumeLevels(of: view, rules: rules), sample.settings, .above).filter {
                ![Fact.Name.reserved, .trigger, .clear].contains($0.name)
            }
            narrator.tell(.overflow, facts: facts + [incident, .since(alert.since)])
        case .allFull(let refusals): try await tellFull(refusals, alert, subject)
        }
    }

    private func tellFull(_ refusals: [VolumeName: Refusal], _ alert: Alert, _ subject: String) async throws {
        let held = try await database.perform { session in try HeldQueue.count(in: session) }
        let isInodes = refusals.values.contains(.outOfInodes) && !refusals.values.contains(.underFloor)
        narrator.tell(
            .allFull,
            facts: [
                .count(held.files), .waiting(bytes: held.bytes), .oldest(held.oldest ?? .zero),
                .incident(String(alert.incident)), .since(alert.since), .resource(isInodes ? .inodes : .bytes),
            ])
        let reasons = refusals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        try await problems.open(
            ProblemBook.Finding(
                .noRoom, subject: subject, place: replay.name,
                what: "No volume can take recordings: \(reasons.joined(separator: "; "))."))
    }

    /// Ends what has not been met for a while, where a volume can take again.
    func endEpisodes(_ samples: [VolumeSample]) async throws {
        let alerts = try await database.perform { session in try Alerts.all(in: session) }
        let at = now()
        for alert in alerts {
            guard let kind = AlertKind(rawValue: alert.kind) else { continue }
            let after: Duration
            let taker: VolumeSample?
            switch kind {
            case .spilled:
                let preferred = volumes(of: alert.subject).filter { $0.balance > 0 }.map(\.priority).min()
                (after, taker) = (VolumeRoster.calmAfter, open(samples, alert.subject) { $0.priority == preferred })
            case .overflow: (after, taker) = (VolumeRoster.calmAfter, open(samples, alert.subject) { _ in true })
            case .allFull: (after, taker) = (VolumeRoster.roomAfter, roomy(samples, alert.subject))
            case .watermark, .floor, .unavailable, .filling, .fillingAhead, .backlog: continue
            }
            guard let taker, at - alert.met >= after else { continue }
            let cleared = try await database.perform { session in
                try Alerts.clear(alert.kind, alert.subject, notMetAfter: at + (.zero - after), in: session)
            }
            guard let cleared, kind == .allFull else { continue }
            let held = try await database.perform { session in try HeldQueue.count(in: session) }
            narrator.tell(
                .allFullCleared,
                facts: [
                    .volume(taker.settings.name), .volumePath(taker.settings.path), .count(held.files),
                    .waiting(bytes: held.bytes), .elapsed(at - cleared.since), .incident(String(cleared.incident)),
                ] + (taker.proof.map { [.volumeID($0.id)] } ?? []))
            try await problems.close(.noRoom, subject: alert.subject, place: replay.name)
        }
    }

    /// A volume that is below its watermark.
    private func open(
        _ samples: [VolumeSample], _ subject: String, _ suits: (VolumeSettings) -> Bool
    ) -> VolumeSample? {
        usable(samples, subject).first { sample, view in
            suits(sample.settings) && view.state == .ok
                && view.projected >= VolumeLevels(of: view, rules: rules).trigger
        }?.0
    }

    /// One that is above its floor.
    private func roomy(_ samples: [VolumeSample], _ subject: String) -> VolumeSample? {
        usable(samples, subject).first { _, view in
            (view.state == .ok || view.state == .above)
                && view.projected > VolumeLevels(of: view, rules: rules).floor + view.largestUnderWay
        }?.0
    }

    private func usable(_ samples: [VolumeSample], _ subject: String) -> [(VolumeSample, VolumeView)] {
        let names = Set(volumes(of: subject).filter { $0.balance > 0 }.map(\.name))
        return samples.compactMap { sample in
            guard names.contains(sample.settings.name), sample.condition == nil, let proof = sample.proof,
                let standing = standings[proof.id]
            else { return nil }
            return (sample, VolumeView(sample, proof, standing, sample.promised ?? AccountStanding()))
        }
    }
}
