package import Copying
package import Files
package import Ledger
package import Planning
package import Vocabulary

/// One file to be delivered: from where, to which name, and what its commit has to say.
package struct Consignment: Sendable {
    package let work: Intent.Work
    package let sid: Sid
    package let recording: RecordingReference
    /// `cfiles.id` at the source; of a result, the mux job's id. Only for texts.
    package let media: Int64
    package let kind: MediaKind
    package let source: CopySource
    /// Bytes, as the look that settled it showed.
    package let size: Int64
    package let observation: FileObservation?
    package let crc32: CRCExpectation
    /// Below a volume's root.
    package private(set) var path: FilePath
    package let attempt: Int
    package let commit: CommitPlan
    /// How its original is looked at again after the commit; nil for what was not copied from a source.
    package var afterlook: StandingAfterlook?
    /// Whether row and container vouch for all of it (``Planning/isVouched(rowSize:hasChecksum:look:container:)``): its mark
    /// need not wait for that look.
    package var isVouched = true
    /// The quiet time of its mount.
    package var quiet: Duration = .zero
    /// Volumes that cannot hold it.
    var excluded: Set<VolumeName> = []
    /// Volumes whose disks failed a copy of it a moment ago.
    var avoided: Set<VolumeName> = []

    package init(
        work: Intent.Work, sid: Sid, recording: RecordingReference, media: Int64, kind: MediaKind, source: CopySource,
        size: Int64, observation: FileObservation?, crc32: CRCExpectation, path: FilePath, attempt: Int,
        commit: CommitPlan
    ) {
        self.work = work
        self.sid = sid
        self.recording = recording
        self.media = media
        self.kind = kind
        self.source = source
        self.size = size
        self.observation = observation
        self.crc32 = crc32
        self.path = path
        self.attempt = attempt
        self.commit = commit
    }

    /// The same under a name beside the first, which no other attempt takes.
    func aside() -> Consignment {
        var aside = self
        aside.path = ReplicaPath.aside(path, mark: attemptMark)
        return aside
    }

    /// The same, not for a volume that cannot hold it.
    func elsewhere(than volume: VolumeName) -> Consignment {
        var elsewhere = self
        elsewhere.excluded.insert(volume)
        return elsewhere
    }

    /// The same, not for a volume whose disk failed it.
    func avoiding(_ volume: VolumeName) -> Consignment {
        var elsewhere = self
        elsewhere.avoided.insert(volume)
        return elsewhere
    }

    /// Tells this attempt's name from all others.
    private var attemptMark: String {
        switch work {
        case .transfer(let claim): "t\(claim.id.rawValue).\(claim.attempt)"
        case .muxJob(let claim): "m\(claim.id.rawValue).\(claim.attempt)"
        }
    }

    /// Names the file where ties are broken; the same in every attempt.
    var key: String { "\(recording)#\(media)" }
}

/// What the commit of a delivered file makes.
package enum CommitPlan: Sendable {
    /// A copy of a source's file: call and recording where they are not there yet, its media row, external data.
    case original(SourceRecording, SourceMedia, replaces: Int64?)
    /// The index file of a sound: a replica beside the sound's, without a row. The fingerprint is its transfer's.
    case index(SourceRecording, SourceMedia, fingerprint: [UInt8])
    /// A muxed file: a VIDEO row beside the originals, and `mixed`.
    case result(MuxJob, MadeResult)
}

/// What is known of a muxed file.
package struct MadeResult: Sendable {
    /// Of its sound.
    package let start: WallTime?
    package let stop: WallTime?
    /// What was encoded of it, and why.
    package let encoded: String
    /// What who plays it cannot see, and should know; nil where there is nothing.
    package let notes: String?
    /// The screens that it lacks, as they were refused.
    package let leftOut: [Replica.ID]
    /// What vouches for all that it was made of, besides our own digests.
    package let authenticity: Replica.Authenticity
    /// Of the key that it is encrypted for; nil: it is clear.
    package let keyID: String?
    package init(
        start: WallTime?, stop: WallTime?, encoded: String, notes: String? = nil, leftOut: [Replica.ID] = [],
        authenticity: Replica.Authenticity, keyID: String? = nil
    ) {
        self.start = start
        self.stop = stop
        self.encoded = encoded
        self.notes = notes
        self.leftOut = leftOut
        self.authenticity = authenticity
        self.keyID = keyID
    }
}

/// What became of a consignment.
package enum DeliveryOutcome: Sendable {
    case committed(Replica)
    /// No volume can take it now, and why each can't.
    case noRoom([VolumeName: Refusal])
    case failed(CopyError)
    /// The work was taken over, given back or dropped meanwhile: nothing was committed.
    case fenced
    /// The replay does not lack it any more as planned: its recording is looked at again.
    case stale
    /// The replay's database refused or was away; nothing was committed by this call, as far as anybody can tell.
    case uncommitted(any Error)

    /// Whether the volume refused it before anything could be published: another may take it.
    var isVolumeRefusal: Bool {
        guard case .failed(let error) = self, error.step < .publish else { return false }
        switch error.code {
        case .volumeFull, .inodes, .quota, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale: return true
        case .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes, .crcMismatch, .digestMismatch,
            .durability, .nameConflict, .unsupportedName, .notPermitted, .timeout, .inputOutput, .leaseLost, .cancelled,
            .exhausted:
            return false
        }
    }

    /// Whether the volume's disk may be to blame: another is tried before it.
    var blamesDisk: Bool {
        guard case .failed(let error) = self else { return false }
        return error.blamesVolume && error.isFromDisk
    }

    var isNameConflict: Bool { code == .nameConflict }

    /// What a failed copy failed with.
    var code: CopyError.Code? {
        switch self {
        case .failed(let error): error.code
        case .committed, .noRoom, .fenced, .stale, .uncommitted: nil
        }
    }
}
