internal import Postgres
package import Vocabulary

/// What a worker is about to write on a volume, known before the first byte: the reservation of space, and the way to
/// find its leftovers. Its token proves at the commit that nobody else has taken the work over.
package struct Intent: Hashable, Identifiable, Sendable {
    /// What an intent is for.
    package enum Work: Hashable, Sendable {
        case transfer(Claim<Transfer.ID>)
        case muxJob(Claim<MuxJob.ID>)
    }

    package enum State: String, CaseIterable, Sendable {
        /// Its worker may commit. Goes to `superseded`, `condemned`; the commit removes the row.
        case open
        /// The work was given back, dropped, or taken over with an intent of its own. Goes to `condemned`.
        case superseded
        /// Its leftovers are being removed; nothing can be committed with it. Goes to `swept`.
        case condemned
        /// Nothing is left of it. Its final path stays taken for a while, so that a sweeper who comes late finds
        /// nobody else's file there.
        case swept
    }

    package var token: FencingToken
    package var transfer: Transfer.ID?
    package var muxJob: MuxJob.ID?
    package var holder: Holder
    package var leaseUntil: Instant
    package var volume: VolumeID
    /// A path in the directory of the staged file, where the final path does not say it; below the volume's root.
    package var stagedName: FilePath?
    /// Below the volume's root. Nil when an intent that took over writes to the same path, which is its care then.
    package var finalPath: FilePath?
    /// What is about to get, or has got, the final name. Nil: nothing of this intent ever had it.
    package var ready: Ready?
    package var reservedBytes: Int64
    package var allocatedBytes: Int64
    package var state: State

    /// A verified staged file.
    package struct Ready: Hashable, Sendable {
        /// Bytes.
        package let size: Int64
        package let digest: Digest
        package init(size: Int64, digest: Digest) {
            self.size = size
            self.digest = digest
        }
    }

    package var id: FencingToken { token }

    static let columns = ColumnList(
        plain: [
            "token", "transfer_id", "mux_job_id", "holder", "volume_id", "staged_name", "final_path", "ready_size",
            "ready_sha256", "reserved_bytes", "allocated_bytes", "state",
        ],
        times: ["lease_until"])

    init(_ row: Row) throws {
        token = FencingToken(rawValue: try row.integer("token"))
        transfer = try row.optionalNumber("transfer_id")
        muxJob = try row.optionalNumber("mux_job_id")
        holder = try row.name("holder")
        leaseUntil = try row.instant("lease_until")
        volume = try row.name("volume_id")
        stagedName = try row.optionalPath("staged_name")
        finalPath = try row.optionalPath("final_path")
        if let size = try row.optionalInteger("ready_size"),
            let digest = try row.optionalBytes("ready_sha256").flatMap(Digest.init(bytes:))
        {
            ready = Ready(size: size, digest: digest)
        }
        reservedBytes = try row.integer("reserved_bytes")
        allocatedBytes = try row.integer("allocated_bytes")
        state = try row.word("state")
    }
}

/// An intent to be opened.
package struct IntentRequest: Hashable, Sendable {
    package var work: Intent.Work
    package var volume: VolumeID
    /// Below the volume's root; nil where the staged file has no name.
    package var stagedName: FilePath?
    /// Below the volume's root.
    package var finalPath: FilePath
    package var reservedBytes: Int64
    package init(
        work: Intent.Work, volume: VolumeID, stagedName: FilePath?, finalPath: FilePath, reservedBytes: Int64
    ) {
        self.work = work
        self.volume = volume
        self.stagedName = stagedName
        self.finalPath = finalPath
        self.reservedBytes = reservedBytes
    }
}

/// What became of an ``IntentRequest``.
package enum IntentOutcome: Hashable, Sendable {
    case opened(Intent)
    /// A replica or another intent has this final path: choose another name.
    case pathTaken
    /// The claim is no longer held: leave the work alone.
    case notHeld
}
