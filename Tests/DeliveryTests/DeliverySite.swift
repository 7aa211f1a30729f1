import Catalogs
import Copying
import Files
import Glibc
import Ledger
import Planning
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// A replay to deliver to: database with tables and ledger, one volume, and a recorder's two mounts.
struct DeliverySite: Sendable {
    let scratch: ScratchDirectory
    let base: ScratchDatabase
    let database: Database
    let settings: Settings

    static let source = SourceName("rec_a")

    /// Runs `body` with a site, and removes it.
    static func with(_ body: (DeliverySite) async throws -> Void) async throws {
        try await ScratchDirectory.with { scratch in
            let site = try await DeliverySite(scratch)
            try await body(site)
        }
    }

    private init(_ scratch: ScratchDirectory) async throws {
        self.scratch = scratch
        for mount in MountRole.allCases { try scratch.directory("mount/\(mount.rawValue)") }
        let volume = try scratch.directory("volume")
        let root = try KernelFiles().openRoot(volume)
        _ = try VolumeMarker.create(in: root.descriptor)
        base = try await ScratchDatabase(CallrecSchema.new.template)
        database = base.connect()
        try await database.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        let text = """
            [replay]
            name = "replay1"
            database = "\(base.connectionString)"
            [[replay.volumes]]
            name = "a"
            path = "\(volume.displayText)"
            watermark = "99%"
            [[sources]]
            name = "\(DeliverySite.source)"
            database = "host=recorder.example dbname=callrec"
            mount_path = "/mnt/a"
            mounts = ["/mnt/a/calls"]
            time_zone = "UTC"
            """
        settings = try Settings.load(
            bytes: Array(text.utf8), named: FilePath("takeup.toml"), environment: .ofProcess())
    }

    /// The settings of a replay with so many volumes of one priority, each with an account of its own.
    func manyVolumes(_ count: Int) throws -> ReplaySettings {
        try volumes((0..<count).map { ("v\($0)", "watermark = \"99%\"") })
    }

    /// The settings of a replay with these volumes, each with an account of its own; `rest` is TOML.
    /// - Parameters:
    ///   - places: where volumes lie that do not lie in the scratch directory.
    ///   - areNew: they have no markers yet.
    func volumes(
        _ volumes: [(name: String, rest: String)], at places: [String: FilePath] = [:],
        haveAccounts: Bool = true, areNew: Bool = true
    ) throws -> ReplaySettings {
        var text = """
            [replay]
            name = "replay1"
            database = "\(base.connectionString)"
            [[sources]]
            name = "\(DeliverySite.source)"
            database = "host=recorder.example dbname=callrec"
            mount_path = "/mnt/a"
            mounts = ["/mnt/a/calls"]

            """
        for (name, rest) in volumes {
            let volume = try places[name] ?? scratch.directory("volumes/\(name)")
            if areNew {
                let root = try KernelFiles().openRoot(volume)
                _ = try VolumeMarker.create(in: root.descriptor)
            }
            text += """
                [[replay.volumes]]
                name = "\(name)"
                path = "\(volume.displayText)"
                \(haveAccounts ? "account = \"account-\(name)\"" : "")
                \(rest)

                """
        }
        return try Settings.load(bytes: Array(text.utf8), named: FilePath("takeup.toml"), environment: .ofProcess())
            .replay
    }

    /// A process that delivers.
    /// - Parameter connection: the way to the database, where it is not the straight one.
    func worker(
        _ name: String, calls: any FileCalls = KernelFiles(), connection: ConnectionSettings? = nil,
        settings: ReplaySettings? = nil, threads: Int = 2, rules: LevelRules = LevelRules(),
        recovers: Bool = false, isByHand: Bool = false, copying: CopySettings = CopySettings(),
        narrator: MemoryNarrator = MemoryNarrator(),
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic(),
        now: @escaping @Sendable () -> Instant = VolumeRoster.wallClock
    ) async throws -> Worker {
        let settings = settings ?? self.settings.replay
        let database = Database(connection ?? base.settings(label: name), connections: 2)
        let catalog = try await self.database.perform { session in try ReplayCatalog(reading: session) }
        let replay = Replay(database: database, catalog: catalog, holder: Holder(name))
        let roster = VolumeRoster(
            replay: settings, rules: rules, recovers: recovers, copying: copying, concurrency: .fixed(threads),
            patience: .seconds(60),
            ownership: try Ownership(settings.ownership), isByHand: isByHand, calls: calls, holder: Holder(name),
            database: database,
            problems: ProblemBook(database: database, narrator: narrator), narrator: narrator, clock: clock, now: now)
        let resources = ResourceGate(process: name, problems: ProblemBook(database: database, narrator: narrator))
        return Worker(
            site: self, replay: replay, roster: roster,
            deliverer: Deliverer(
                replay: replay, settings: settings, rules: rules, roster: roster, resources: resources,
                narrator: narrator, lease: .seconds(60)),
            sweeper: Sweeper(replay: replay, roster: roster, narrator: narrator, grace: .seconds(30)) {
                [DeliverySite.source]
            })
    }

    // MARK: The recorder

    enum MountRole: String, CaseIterable, Sendable {
        case calls, screens
        var name: MountPath { MountPath("/mnt/a/\(rawValue)") }
        var kind: MediaKind { self == .calls ? .audio : .video }
    }

    /// A recording with these media, its files written, and its plan in the ledger.
    @discardableResult
    func record(_ id: Int64, _ roles: [MountRole] = [.calls], content: [UInt8] = content) async throws
        -> SourceRecording
    {
        let start = WallTime(microseconds: RecordingSample.noon.microseconds + id * 1_000_000)
        let stop = WallTime(microseconds: start.microseconds + 5_000_000)
        var recording = SourceRecording(
            source: DeliverySite.source, id: id, sid: Sid("sid-\(id)"),
            call: SourceCall(id: id, start: start, stop: stop, length: 5), start: start, stop: stop, length: 5,
            state: "FINISHED", problemStatus: "NO_PROBLEM")
        for (place, role) in roles.enumerated() {
            let name = "\(id).\(role == .calls ? "mp3" : "mp4")"
            try scratch.write(content, to: "mount/\(role.rawValue)/\(name)")
            recording.media.append(
                SourceMedia(
                    id: id * 10 + Int64(place), kind: role.kind, path: FilePath("/\(role.rawValue)/\(name)"),
                    size: Int64(content.count), start: start, stop: stop))
        }
        try await plan(recording)
        return recording
    }

    func plan(_ recording: SourceRecording) async throws {
        let plan = SightingPlan(
            reference: recording.reference, sid: recording.sid,
            outcome: .transfer(
                recording.media.map { media in
                    TransferPlan(
                        mediaID: media.id, fingerprint: Fingerprint(of: media).bytes,
                        mount: media.kind == .audio ? MountRole.calls.name : MountRole.screens.name, kind: media.kind,
                        path: media.path, expectedSize: media.size, recordingStart: recording.start)
                }, mark: .synchronized, fingerprint: Fingerprint(of: recording).bytes))
        try await database.transaction { session in _ = try Plans.record([plan], in: session) }
    }

    /// The recording's row, without its media.
    func bringRows(of recording: SourceRecording, by worker: Worker) async throws {
        let plan = RowsPlan(recording: recording, outcome: .keep(mark: nil, fingerprint: []))
        _ = try await RowsCommit(replay: worker.replay) { _, _ in plan }.run([plan])
    }

    static let content: [UInt8] = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    func run(_ sql: String) async throws { try await database.perform { session in try session.script(sql) } }

    // MARK: What there is

    func count(_ sql: String) async throws -> Int {
        try await database.perform { session in
            Int(try session.first("select count(*) from \(sql)")?.integer("count") ?? -1)
        }
    }

    /// Lets all leases run out, by far more than any grace.
    func expireAll() async throws {
        try await database.perform { session in
            for table in ["transfer", "mux_job", "intent"] {
                try session.script(
                    "update takeup.\(table) set lease_until = lease_until - interval '1 hour' where lease_until is not null"
                )
            }
        }
    }

    /// Paths below the volume that are there, but for its marker.
    func files() throws -> [FilePath] { try scratch.files(below: "volume").filter { $0 != VolumeMarker.name } }

    /// Paths below the volume that the replay's rows name.
    func named() async throws -> [FilePath] {
        let root = scratch.path.appending("volume")
        return try await database.perform { session in
            try session.query("select cfpath from callrec.cfiles order by cfpath").map { row in
                FilePath(try row.text("cfpath")).relative(to: root) ?? FilePath("elsewhere")
            }
        }.sorted()
    }
}

/// One process of a site.
struct Worker: Sendable {
    let site: DeliverySite
    let replay: Replay
    let roster: VolumeRoster
    let deliverer: Deliverer
    let sweeper: Sweeper

    /// Claims what is due on a mount and makes consignments of it.
    func claim(
        _ recordings: SourceRecording..., on role: DeliverySite.MountRole = .calls, limit: Int = 1,
        replaces: Int64? = nil
    ) async throws -> [Consignment] {
        try await claim(all: recordings, on: role, limit: limit, replaces: replaces)
    }

    func claim(
        all recordings: [SourceRecording], on role: DeliverySite.MountRole = .calls, limit: Int, replaces: Int64? = nil
    ) async throws -> [Consignment] {
        let holder = replay.holder
        let claimed = try await replay.database.perform { session in
            try Transfers.claim(
                mount: role.name, holder: holder, limit: limit, newest: 0, lease: .seconds(60), in: session)
        }
        return claimed.compactMap { transfer in
            guard let claim = transfer.claim,
                let recording = recordings.first(where: { $0.reference == transfer.recording }),
                let media = recording.media.first(where: { $0.id == transfer.mediaID })
            else { return nil }
            let name = FilePath(bytes: transfer.path.lastComponent)
            return Consignment(
                work: .transfer(claim), sid: transfer.sid, recording: transfer.recording, media: transfer.mediaID,
                kind: transfer.kind,
                source: .beneath(root: site.scratch.path.appending("mount/\(role.rawValue)"), path: name),
                size: media.size ?? 0, observation: nil, crc32: .none,
                path: FilePath("rec_a/\(role.rawValue)").appending(name.bytes), attempt: transfer.attempts,
                commit: transfer.kind == .index
                    ? .index(recording, media, fingerprint: transfer.fingerprint)
                    : .original(recording, media, replaces: replaces))
        }
    }

    func deliver(_ consignments: [Consignment]) async -> DeliveryOutcome? {
        await deliverer.deliver(consignments).first
    }

    /// Sweeps until nothing is left.
    func sweep() async throws {
        while try await sweeper.turn() {}
    }
}

extension DeliveryOutcome {
    var replica: Replica? {
        if case .committed(let replica) = self { replica } else { nil }
    }
    var isUncommitted: Bool {
        if case .uncommitted = self { true } else { false }
    }
}
