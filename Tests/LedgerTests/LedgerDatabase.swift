import Ledger
import Postgres
import Support
import Vocabulary

/// A scratch database with the ledger in it, and things that tests ask it for again and again.
struct LedgerDatabase {
    let scratch: ScratchDatabase
    let database: Database

    init(connections: Int = 2) async throws {
        scratch = try await ScratchDatabase()
        database = scratch.connect(connections: connections)
        try await database.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
    }

    @discardableResult
    func transaction<Outcome: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Outcome
    ) async throws -> Outcome {
        try await database.transaction(isDurable: false, body)
    }

    /// Plans one recording for each id, with one transfer for each media id `10 * id + n`.
    @discardableResult
    func plan(
        ids: some Sequence<Int64> & Sendable, transfersEach: Int = 1, mount: MountPath = Sample.mount
    ) async throws -> [Sighting] {
        try await transaction { session in
            try Plans.record(
                ids.map { Sample.plan(id: $0, transfers: transfersEach, mount: mount) }, in: session)
        }
    }

    func claim(
        _ limit: Int = 1, holder: Holder = Sample.holder, newest: Int = 0, lease: Duration = .seconds(60),
        mount: MountPath = Sample.mount
    ) async throws -> [Transfer] {
        try await database.perform { session in
            try Transfers.claim(
                mount: mount, holder: holder, limit: limit, newest: newest, lease: lease, in: session)
        }
    }

    func registerVolumes() async throws {
        try await transaction { session in
            try Volumes.register(
                [
                    (Sample.volume, VolumeName("a"), FilePath("/srv/a"), Sample.account),
                    (VolumeID("volume-b"), VolumeName("b"), FilePath("/srv/b"), Sample.account),
                ], in: session)
        }
    }

    func open(
        _ transfer: Transfer, path: String, volume: VolumeID = Sample.volume, lease: Duration = .seconds(60)
    ) async throws -> IntentOutcome {
        let request = try Sample.request(transfer, path: path, volume: volume)
        return try await transaction { session in
            try Intents.open([request], lease: lease, in: session)[0]
        }
    }

    /// The whole commit of one transfer. Nil: its token does not stand any more.
    @discardableResult
    func commit(_ intent: Intent, of transfer: Transfer) async throws -> Replica? {
        try await transaction { session in try Sample.commit(intent, of: transfer, in: session) }
    }

    func count(_ sql: String) async throws -> Int {
        try await database.perform { session in try Int(session.first(sql)?.integer("count") ?? -1) }
    }
}

struct Broken: Error {}

enum Sample {
    static let source = SourceName("rec_a")
    static let mount = MountPath("/mnt/a/calls")
    static let holder = Holder("host:1:aa")
    static let otherHolder = Holder("host:2:bb")
    static let volume = VolumeID("volume-a")
    static let account = AccountID("volume-a")

    static func plan(id: Int64, transfers: Int = 1, mount: MountPath = mount, fingerprint: UInt8 = 1) -> SightingPlan {
        SightingPlan(
            reference: RecordingReference(source: source, id: id), sid: Sid("sid-\(id)"),
            stopped: Instant(microseconds: 1_700_000_000_000_000 + id),
            outcome: .transfer(
                (0..<transfers).map { transfer(mediaID: id * 10 + Int64($0), mount: mount, fingerprint: fingerprint) },
                mark: .synchronized, fingerprint: [fingerprint]))
    }

    static func transfer(
        mediaID: Int64, mount: MountPath = mount, kind: MediaKind = .audio, fingerprint: UInt8 = 1
    ) -> TransferPlan {
        TransferPlan(
            mediaID: mediaID, fingerprint: [fingerprint], mount: mount, kind: kind,
            path: FilePath(bytes: Array("/opt/calls/\(mediaID) \\\"\n".utf8) + [0xff]), expectedSize: 100, crc32: 7,
            recordingStart: WallTime(microseconds: 1_600_000_000_000_000 + mediaID))
    }

    static func request(_ transfer: Transfer, path: String, volume: VolumeID = volume) throws -> IntentRequest {
        guard let claim = transfer.claim else { throw Broken() }
        return IntentRequest(
            work: .transfer(claim), volume: volume, stagedName: FilePath(".staged-\(transfer.id)-\(claim.attempt)"),
            finalPath: FilePath(path), reservedBytes: 1000)
    }

    static func replica(
        _ sid: Sid, kind: MediaKind, path: String, transfer: Transfer.ID? = nil, isResult: Bool = false,
        isMuxable: Bool = true
    ) throws -> NewReplica {
        guard let digest = Digest(bytes: [UInt8](repeating: 3, count: 32)) else { throw Broken() }
        return NewReplica(
            sid: sid, kind: kind, volume: volume, path: FilePath(path), size: 100, digest: digest,
            checksum: Checksum128(high: 0x0102_0304_0506_0708, low: 0xf9fa_fbfc_fdfe_ff00), level: .readBack,
            authenticity: .unauthenticated, source: source, sourceMediaID: 1, transfer: transfer, isResult: isResult,
            isMuxable: isMuxable)
    }

    static func commit(_ intent: Intent, of transfer: Transfer, in session: Session) throws -> Replica? {
        try Recordings.lock([transfer.sid], in: session)
        guard try Intents.lockHeld([intent.token], in: session) == [intent.token], let path = intent.finalPath?.utf8Text
        else { return nil }
        let replica = try replica(transfer.sid, kind: transfer.kind, path: path, transfer: transfer.id)
        let inserted = try Replicas.insert([replica], in: session)
        try MuxJobs.ensure([transfer.sid], in: session)
        try Intents.close([intent.token], in: session)
        try Sightings.converge([transfer.recording], in: session)
        return inserted.first
    }
}

extension IntentOutcome {
    func intent() throws -> Intent {
        switch self {
        case .opened(let intent): intent
        case .pathTaken, .notHeld: throw Broken()
        }
    }
}
