package import Vocabulary

/// What was decided about a recording of a source, for the ledger to hold.
package struct SightingPlan: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// Not yet. What was promised before is dropped.
        case wait(why: String, delay: Duration)
        /// These transfers, and then the mark. What was promised before and is not among them is dropped.
        case transfer([TransferPlan], mark: Mark?, fingerprint: [UInt8])
        /// Nothing to bring: everything is durable already.
        case keep(mark: Mark?, fingerprint: [UInt8])
        /// Nothing is left to do here: it is gone, or others have marked it. What was promised before is dropped.
        case rest(why: String)
        /// A person has to look. What was promised before is dropped.
        case refuse(why: String, delay: Duration)
    }

    package var reference: RecordingReference
    package var sid: Sid
    package var stopped: Instant?
    /// When it was complete at the recorder, where that is known; the first that was told stays.
    package var finished: Instant?
    package var outcome: Outcome
    /// The mark that the source's row has: one that an operator re-opened is not ours.
    package var standing: Mark?
    /// What the commit needs of the recording, as the planner writes it down; opaque here. Nil where nothing is to be
    /// copied.
    package var detail: [UInt8]?
    /// What failed by its rows, or why it is given up; nil where nothing did.
    package var failure: String?
    /// What a person has to bring before it can go on.
    package var awaits: Set<Awaited>

    package init(
        reference: RecordingReference, sid: Sid, stopped: Instant? = nil, finished: Instant? = nil, outcome: Outcome,
        standing: Mark? = nil, detail: [UInt8]? = nil, failure: String? = nil, awaits: Set<Awaited> = []
    ) {
        self.awaits = awaits
        self.failure = failure
        self.reference = reference
        self.sid = sid
        self.stopped = stopped
        self.finished = finished
        self.outcome = outcome
        self.standing = standing
        self.detail = detail
    }

    var transfers: [TransferPlan] {
        switch outcome {
        case .transfer(let transfers, mark: _, fingerprint: _): transfers
        case .wait, .keep, .rest, .refuse: []
        }
    }
    var state: Sighting.State {
        switch outcome {
        case .wait: .waiting
        case .transfer(let transfers, mark: _, fingerprint: _): transfers.isEmpty ? .converged : .transferring
        case .keep, .rest: .converged
        case .refuse: .refused
        }
    }
    var mark: Mark? {
        switch outcome {
        case .transfer(_, let mark, fingerprint: _), .keep(let mark, fingerprint: _): mark
        case .wait, .rest, .refuse: nil
        }
    }
    var fingerprint: [UInt8]? {
        switch outcome {
        case .transfer(_, mark: _, let fingerprint), .keep(mark: _, let fingerprint): fingerprint
        case .wait, .rest, .refuse: nil
        }
    }
    var why: String? {
        switch outcome {
        case .wait(let why, delay: _), .refuse(let why, delay: _), .rest(let why): why
        case .transfer, .keep: nil
        }
    }
    var delay: Duration {
        switch outcome {
        case .wait(why: _, let delay), .refuse(why: _, let delay): delay
        case .transfer, .keep, .rest: .zero
        }
    }
}

/// One media file that a plan promises to bring.
package struct TransferPlan: Hashable, Sendable {
    /// `cfiles.id` at the source.
    package var mediaID: Int64
    /// Of what the source's row says of this file: another one is another transfer. 1 to 64 bytes.
    package var fingerprint: [UInt8]
    package var mount: MountPath
    package var kind: MediaKind
    /// The recorder's own absolute path.
    package var path: FilePath
    package var expectedSize: Int64?
    package var crc32: UInt32?
    package var keyID: String?
    package var properties: String?
    /// By the recorder's clock; its day names the day folder, and newer ones may go first.
    package var recordingStart: WallTime?
    /// `cfiles.id` at the replay of the row to update in place, or to be measured against.
    package var replacesMediaID: Int64?
    package var purpose: Transfer.Purpose

    package init(
        mediaID: Int64, fingerprint: [UInt8], mount: MountPath, kind: MediaKind, path: FilePath,
        expectedSize: Int64? = nil, crc32: UInt32? = nil, keyID: String? = nil, properties: String? = nil,
        recordingStart: WallTime? = nil, replacesMediaID: Int64? = nil, purpose: Transfer.Purpose = .copy
    ) {
        self.mediaID = mediaID
        self.fingerprint = fingerprint
        self.mount = mount
        self.kind = kind
        self.path = path
        self.expectedSize = expectedSize
        self.crc32 = crc32
        self.keyID = keyID
        self.properties = properties
        self.recordingStart = recordingStart
        self.replacesMediaID = replacesMediaID
        self.purpose = purpose
    }
}
