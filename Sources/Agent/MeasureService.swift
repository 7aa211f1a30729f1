internal import Catalogs
package import Delivery
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Measures files that compete with what the replay holds, one after the other, beside the copies: decoding takes as
/// long as a recording is, and nothing else shall wait for it.
package actor MeasureService {
    private let source: SourceLink
    private let mount: MountGuard
    private let replay: Replay
    private let roster: VolumeRoster
    private let measurer: MediaMeasurer
    private let problems: ProblemBook
    private let wake = Wake()
    private var queue: [Candidate] = []

    /// More are given back, to be claimed again by whoever has time.
    private static let longest = 32
    private static let lease = TransferService.lease

    struct Candidate: Sendable {
        let transfer: Transfer
        let recording: SourceRecording
        /// Below the mount.
        let path: FilePath
        let observation: FileObservation
    }

    package init(
        source: SourceLink, mount: MountGuard, replay: Replay, roster: VolumeRoster, measurer: MediaMeasurer,
        problems: ProblemBook
    ) {
        self.source = source
        self.mount = mount
        self.replay = replay
        self.roster = roster
        self.measurer = measurer
        self.problems = problems
    }

    /// Takes a claimed transfer over, whose file has settled. False: there are enough already.
    func take(_ candidate: Candidate) -> Bool {
        guard queue.count < MeasureService.longest else { return false }
        queue.append(candidate)
        wake.wake()
        return true
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepLeases() }
            group.addTask { await self.work() }
        }
    }

    private func work() async {
        while !Task.isCancelled {
            guard let next = queue.first else {
                await wake.wait(atMost: .seconds(60))
                continue
            }
            do {
                try await turn(next)
            } catch  where Task.isCancelled {
                // The lease runs out, and nothing was written down.
                return
            } catch {
                await giveBack(next, error)
            }
            if !queue.isEmpty { queue.removeFirst() }
        }
    }

    /// What waits in line stays ours.
    private func keepLeases() async {
        while !Task.isCancelled {
            await Wake.rest(MeasureService.lease / 3)
            let claims = queue.compactMap(\.transfer.claim)
            if claims.isEmpty { continue }
            // What is lost is measured for nothing: finishing it changes nothing then.
            _ = try? await replay.database.perform { session in
                try Transfers.renew(claims, lease: MeasureService.lease, in: session)
            }
        }
    }

    /// One contest: both files are measured as they are now, and both measures written down together.
    func turn(_ candidate: Candidate) async throws {
        let transfer = candidate.transfer
        guard let claim = transfer.claim, let rival = transfer.replacesMediaID,
            let media = candidate.recording.media.first(where: { $0.id == transfer.mediaID })
        else { return }
        let offered = try await measurer.measure(
            candidate.path, below: FilePath(mount.mount.rawValue), kind: transfer.kind)
        guard FileLook(offered.observation) == FileLook(candidate.observation) else {
            throw FileError(.busy, doing: "measure a file that changes")
        }
        var measurements = [
            Measurement(
                subject: .source(MediaOrigin(source: source.name, mediaID: media.id)),
                fingerprint: Fingerprint(of: media).bytes, measure: offered.measure)
        ]
        if let standing = try await standing(rival, of: transfer.sid) { measurements.append(standing) }
        let found = measurements
        try await replay.database.transaction { session in
            try Measurements.record(found, in: session)
            try Measurements.finish([claim], in: session)
        }
        if transfer.failures > 0 {
            try await problems.close(
                [.notMeasured], subjects: [ProblemBook.Finding.subject(transfer.recording, media: transfer.mediaID)],
                place: source.name.rawValue)
        }
    }

    /// The measure of what the replay holds in this media row; nil where the row is gone: the recording is planned anew.
    private func standing(_ mediaID: Int64, of sid: Sid) async throws -> Measurement? {
        let catalog = replay.catalog
        let (media, replicas) = try await replay.database.perform { session in
            (
                try catalog.find(sids: [sid], on: session)[sid]?.media.first { $0.id == mediaID },
                try Replicas.held([sid], in: session)[sid] ?? []
            )
        }
        guard let media else { return nil }
        let replica = replicas.first { $0.content.replayMediaID == mediaID }
        var measure = MediaMeasure.unknown
        // Of ciphertext nothing can be measured, whatever its name says.
        if media.keyID == nil, let place = try await place(of: media, replica) {
            do {
                measure = try await measurer.measure(place.path, below: place.root, kind: media.kind).measure
            } catch let error as FileError where error.code == .notFound || error.code == .notDirectory {
                // The replay's row names a file that is not there: anything is better.
                measure = MediaMeasure(integrity: .damaged)
            }
        }
        return Measurement(subject: .replay(mediaID), fingerprint: Fingerprint(of: media).bytes, measure: measure)
    }

    /// Where a file of the replay lies on a volume that is proven; nil where it lies elsewhere.
    private func place(of media: ReplayMedia, _ replica: Replica?) async throws -> (root: FilePath, path: FilePath)? {
        let proven = try await roster.current().compactMap { sample in
            sample.proof.map { ($0.id, sample.settings.path) }
        }
        if let replica {
            guard let root = proven.first(where: { $0.0 == replica.content.volume })?.1 else {
                // Its volume is away: whether the copy is good cannot be told now, and is asked again.
                throw FileError(.stale, doing: "measure a copy whose volume is away")
            }
            return (root, replica.content.path)
        }
        for (_, root) in proven {
            if let path = media.path.relative(to: root) { return (root, path) }
        }
        return nil
    }

    private func giveBack(_ candidate: Candidate, _ error: any Error) async {
        guard let claim = candidate.transfer.claim else { return }
        if error is FileError, await !mount.isSteady() {
            let back = TransferRelease(unlooked: claim, delay: .seconds(2))
            try? await replay.database.perform { session in try Transfers.release([back], in: session) }
            return
        }
        var chance = SystemRandomNumberGenerator()
        let delay = Retry.work.wait(afterAttempts: candidate.transfer.failures + 1, using: &chance)
        let isOutage = (error as? PostgresError)?.isOutage ?? ((error as? FileError)?.code == .stale)
        if !isOutage, candidate.transfer.failures >= 2 {
            let transfer = candidate.transfer
            try? await problems.open(
                ProblemBook.Finding(
                    .notMeasured, recording: transfer.recording, media: transfer.mediaID,
                    what: "Media \(transfer.mediaID) of \(transfer.recording) cannot be compared with what is held: "
                        + "\(error)."))
        }
        let release = TransferRelease(
            claim: claim, delay: delay, error: "it could not be measured: \(error)", isFailure: !isOutage)
        // Where the ledger is away, the lease runs out by itself.
        try? await replay.database.perform { session in try Transfers.release([release], in: session) }
    }
}
