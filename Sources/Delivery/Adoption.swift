internal import Catalogs
package import Copying
internal import Ledger
internal import Planning
internal import Postgres
package import Vocabulary

/// A file that stands on a volume under the name that a copy of a source's media would have, and was examined.
package struct StandingCopy: Sendable {
    package let media: SourceMedia
    package let replaces: Int64?
    package let mount: MountPath
    package let volume: VolumeID
    package let volumeName: VolumeName
    package let root: FilePath
    package let copied: Copied

    package init(
        _ media: SourceMedia, replaces: Int64?, mount: MountPath, volume: VolumeID, volumeName: VolumeName,
        root: FilePath, copied: Copied
    ) {
        self.media = media
        self.replaces = replaces
        self.mount = mount
        self.volume = volume
        self.volumeName = volumeName
        self.root = root
        self.copied = copied
    }
}

/// Commits files that stand already, whose ledger rows were lost with a restored database, as the copies that they are.
///
/// The same plan, intent and commit as of any copy; only nothing is written. An intent of an adoption never says that it
/// is ready, so no sweep ever removes the file.
package struct Adoption: Sendable {
    private let replay: Replay
    private let lease: Duration

    package init(replay: Replay, lease: Duration = ReplayBase.lease) {
        self.replay = replay
        self.lease = lease
    }

    /// Adopts copies of one recording. Its sighting ends converged where these were all that it promised.
    ///
    /// - Parameter mark: what stands at the source and stays; nil where more has to be brought before one may stand.
    /// - Returns: how many count now. A name that another replica or intent has is not taken.
    package func adopt(
        _ copies: [StandingCopy], of recording: SourceRecording, mark: Mark?
    ) async throws -> Int {
        let plan = SightingPlan(
            reference: recording.reference, sid: recording.sid, stopped: recording.stopInstant,
            outcome: .transfer(
                copies.map { TransferPlan($0, of: recording) }, mark: mark,
                fingerprint: Fingerprint(of: recording).bytes))
        let replay = replay
        let lease = lease
        let (claims, outcomes) = try await replay.database.transaction { session in
            try Plans.record([plan], in: session)
            let claimed = try Transfers.seize(
                recording.reference, holder: replay.holder, lease: lease, in: session)
            let claims = claimed.compactMap { transfer -> (StandingCopy, Claim<Transfer.ID>)? in
                guard let claim = transfer.claim, let copy = copies.first(where: { $0.media.id == transfer.mediaID })
                else { return nil }
                return (copy, claim)
            }
            let requests = claims.map { copy, claim in
                IntentRequest(
                    work: .transfer(claim), volume: copy.volume, stagedName: nil, finalPath: copy.copied.path,
                    reservedBytes: 0)
            }
            try Intents.giveUp(claims.map { copy, _ in (copy.volume, copy.copied.path) }, in: session)
            return (claims, try Intents.open(requests, lease: lease, in: session))
        }
        var arrivals: [Arrival] = []
        var back: [TransferRelease] = []
        for ((copy, claim), outcome) in zip(claims, outcomes) {
            switch outcome {
            case .opened(let intent): arrivals.append(Arrival(copy, intent, claim, of: recording))
            case .pathTaken:
                back.append(TransferRelease(claim: claim, delay: .zero, error: "its name belongs to another copy"))
            case .notHeld: break
            }
        }
        let given = back
        try await replay.database.transaction { session in try Transfers.release(given, in: session) }
        if arrivals.isEmpty { return 0 }
        return try await Commit(replay: replay).run(arrivals).replicas.count { $0 != nil }
    }
}

extension Arrival {
    fileprivate init(
        _ copy: StandingCopy, _ intent: Intent, _ claim: Claim<Transfer.ID>, of recording: SourceRecording
    ) {
        let path = copy.copied.path
        self.init(
            consignment: Consignment(
                work: .transfer(claim), sid: recording.sid, recording: recording.reference, media: copy.media.id,
                kind: copy.media.kind, source: .own(copy.root.appending(path.bytes)), size: copy.copied.size,
                observation: nil, crc32: .none, path: path, attempt: claim.attempt,
                commit: .original(recording, copy.media, replaces: copy.replaces)),
            intent: intent, copied: copy.copied, volumeName: copy.volumeName, root: copy.root, began: .now)
    }
}

extension TransferPlan {
    fileprivate init(_ copy: StandingCopy, of recording: SourceRecording) {
        let media = copy.media
        self.init(
            mediaID: media.id, fingerprint: Fingerprint(of: media).bytes, mount: copy.mount, kind: media.kind,
            path: media.path, expectedSize: media.size, crc32: media.crc32, keyID: media.keyID,
            properties: media.properties, recordingStart: recording.start ?? recording.stop,
            replacesMediaID: copy.replaces)
    }
}
