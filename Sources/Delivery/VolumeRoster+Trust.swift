internal import Copying
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
package import Vocabulary

/// What writes showed of volumes, for all processes: limits, doubts and rests, and the trials that end them.
extension VolumeRoster {
    /// Of the last three writes.
    private static let doubtedFrom = 2
    private static let rest = Duration.seconds(60)
    private static let firstTrial = Duration.seconds(60)
    private static let lastTrial = Duration.seconds(15 * 60)
    /// More than a refused file needs, where space that shows is no contradiction yet.
    private static let slack: Int64 = 1 << 20

    /// Takes in how the copies of a group went. What the database can't take now the next group shows again.
    func note(_ verdict: WriteVerdict, on id: VolumeID, named name: VolumeName) async {
        let isClean = !(standings[id]?.recentWrites.contains("0") ?? false)
        if verdict.isQuiet && (isClean || verdict.writes.isEmpty) { return }
        if verdict.isReadOnly { readOnly.insert(name) }
        do {
            if verdict.hasFailed || !isClean { try await judge(verdict.writes, id, name) }
            if let bytes = verdict.quota {
                try await limit(id, name, bytes, .quota, "a quota is used up")
            } else if let bytes = verdict.refused, let proof = await probes[name]?.look().proof,
                proof.facts.availableBytes >= VolumeLevels.footprint(of: bytes) + VolumeRoster.slack
            {
                try await limit(id, name, bytes, .bytes, "it refuses to reserve \(bytes >> 10) KiB, and shows more")
            }
            if verdict.ranOut {
                try await database.perform { session in
                    try VolumeTrust.rest(id, for: VolumeRoster.rest, in: session)
                }
            }
        } catch {
            narrator.tell(.turnFailed, .service("volumes"), .detail(error))
        }
    }

    private func judge(_ writes: [Bool], _ id: VolumeID, _ name: VolumeName) async throws {
        let (recent, failed, moved) = try await database.transaction { session in
            let recent = try VolumeTrust.note(writes, on: id, in: session)
            let failed = recent.count { $0 == "0" }
            guard failed >= VolumeRoster.doubtedFrom else { return (recent, failed, KnownVolume?.none) }
            let reason = "\(failed) of its last three writes failed or came back differently"
            return (recent, failed, try VolumeRoster.suspect(id, reason, in: session))
        }
        standings[id]?.recentWrites = recent
        guard let moved else { return }
        standings[id] = moved
        try await tell(.volumeSuspect, .volumeSuspect, moved, name, [.count(failed)])
    }

    /// A scrub found bad copies there: so many of them that nothing new is placed there any more?
    package func note(badCopiesOn id: VolumeID, named name: VolumeName) async {
        do {
            let (bad, moved) = try await database.transaction { session in
                let record = try BadCopyList.record(of: id, in: session)
                guard record.makesSuspect else { return (record.bad, KnownVolume?.none) }
                let reason = "\(record.bad) copies were bad of \(record.read) that were read again within 30 days"
                return (record.bad, try VolumeRoster.suspect(id, reason, in: session))
            }
            guard let moved else { return }
            standings[id] = moved
            try await tell(.volumeSuspect, .volumeSuspect, moved, name, [.count(bad)])
        } catch {
            narrator.tell(.turnFailed, .service("volumes"), .detail(error))
        }
    }

    /// Nil where it was before.
    private static func suspect(_ id: VolumeID, _ reason: String, in session: Session) throws -> KnownVolume? {
        guard let known = try Volumes.find([id], in: session)[id],
            known.state != Planning.VolumeState.suspect.rawValue
        else { return nil }
        let moved = try Volumes.move(
            id, from: known.state, to: Planning.VolumeState.suspect.rawValue, reason: reason, raisesAlert: true,
            in: session)
        try VolumeTrust.plan(
            trialOf: id, bytes: 0, after: VolumeRoster.firstTrial, atMost: VolumeRoster.lastTrial, in: session)
        return moved?.after
    }

    private func limit(
        _ id: VolumeID, _ name: VolumeName, _ bytes: Int64, _ resource: Telemetry.Resource, _ reason: String
    ) async throws {
        let moved = try await database.transaction { session in
            guard let known = try Volumes.find([id], in: session)[id] else { return KnownVolume?.none }
            switch Planning.VolumeState(rawValue: known.state) ?? .ok {
            case .limited, .suspect: return nil
            case .ok, .above, .floor, .readOnly, .absent, .hung, .drain: break
            }
            try VolumeTrust.plan(
                trialOf: id, bytes: bytes, after: VolumeRoster.firstTrial, atMost: VolumeRoster.lastTrial, in: session)
            return try Volumes.move(
                id, from: known.state, to: Planning.VolumeState.limited.rawValue, reason: reason, raisesAlert: true,
                in: session)?.after
        }
        guard let moved else { return }
        standings[id] = moved
        let available = moved.sample?.availableBytes ?? 0
        try await tell(
            .volumeLimited, .volumeLimited, moved, name, [.available(bytes: available), .resource(resource)])
    }

    private func tell(
        _ event: Event, _ kind: ProblemKind, _ volume: KnownVolume, _ name: VolumeName, _ more: [Fact]
    ) async throws {
        let reason = volume.reason ?? volume.state
        narrator.tell(
            event,
            facts: [
                .volume(name), .volumeID(volume.id), .volumePath(volume.path), .state(volume.state), .reason(reason),
            ] + (volume.incident.map { [.incident(String($0))] } ?? []) + more)
        try await problems.open(
            ProblemBook.Finding(
                kind, subject: "volume \(name)", place: replay.name,
                what: "Volume \(name) is \(volume.state): \(reason)."))
    }

    /// Tries volumes in trouble that are due, one process each, and lets those that pass be used again.
    func tryTroubled(_ samples: [VolumeSample]) async throws {
        for sample in samples where sample.condition == nil {
            guard let id = sample.proof?.id, let known = standings[id] else { continue }
            let state = Planning.VolumeState(rawValue: known.state) ?? .ok
            guard state == .limited || state == .suspect && (recovers || known.trusted != nil) else { continue }
            let due = try await database.perform { session in
                try VolumeTrust.take(trialOf: id, atMost: VolumeRoster.lastTrial, in: session)
            }
            guard let due else { continue }
            let hasPassed = await trial(of: sample.settings.name) { (trial) throws(FileError) in
                if state == .suspect { return try trial.keeps() }
                try trial.reserve(due)
                return true
            }
            if hasPassed { try await forgive(id, known, sample.settings) }
        }
    }

    private func forgive(_ id: VolumeID, _ known: KnownVolume, _ settings: VolumeSettings) async throws {
        let moved = try await database.transaction { session in
            try VolumeTrust.forgive(id, in: session)
            // What was told of its space before stands until that is over: it goes back to where it came from.
            let standing = try Alerts.all(in: session).filter { $0.subject == id.rawValue }.map(\.kind)
            let state = [Planning.VolumeState.floor, .above].first { state in
                VolumeRoster.alert(of: state).map { standing.contains($0.rawValue) } ?? false
            }
            return try Volumes.move(
                id, from: known.state, to: (state ?? .ok).rawValue, reason: nil, raisesAlert: state != nil,
                in: session)
        }
        guard let (before, after) = moved else { return }
        standings[id] = after
        narrator.tell(
            .volumeAvailable,
            facts: [
                .volume(settings.name), .volumeID(id), .volumePath(settings.path), .state(after.state),
                .previousState(before.state), .elapsed(after.since - before.since),
            ] + (before.incident.map { [.incident(String($0))] } ?? []))
        for kind in [ProblemKind.volumeLimited, .volumeSuspect] {
            try await problems.close(kind, subject: "volume \(settings.name)", place: replay.name)
        }
    }

    /// What is done when nothing else looks: samples, trials, predictions.
    package func turn() async throws {
        let samples = try await sample()
        try await tryTroubled(samples)
        try await followFilling(samples)
        try await endEpisodes(samples)
    }
}
