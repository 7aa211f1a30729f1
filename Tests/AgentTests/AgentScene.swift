import Catalogs
import Copying
import Delivery
import Files
import Glibc
import Ledger
import Media
import Planning
import Postgres
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary
import Watching

@testable import Agent

/// The services of one mount's agent on real databases and a real directory, turned by hand.
struct AgentScene: Sendable {
    let scratch: ScratchDirectory
    let recorder: ScratchDatabase
    let replayDatabase: ScratchDatabase
    /// As an operator, beside the services.
    let ledger: Database
    let builder: CatalogBuilder
    let settings: Settings
    let agent: Services

    static let source = SourceName("rec_a")

    /// - Parameters:
    ///   - isDirect: what the keeper finds for its own mount is claimed with its plan, for ``DirectWay``.
    ///   - calls: how copies are written.
    static func with(
        synchro: String = "sleep_period = \"60s\"", watching: String = "quiet = \"0s\"", isDirect: Bool = false,
        calls: any FileCalls = KernelFiles(), lease: Duration = TransferService.lease,
        _ body: (AgentScene) async throws -> Void
    ) async throws {
        try await ScratchDirectory.with { scratch in
            try await body(AgentScene(scratch, synchro, watching, isDirect: isDirect, calls, lease))
        }
    }

    private init(
        _ scratch: ScratchDirectory, _ synchro: String, _ watching: String, isDirect: Bool, _ calls: any FileCalls,
        _ lease: Duration
    ) async throws {
        self.scratch = scratch
        recorder = try await ScratchDatabase(CallrecSchema.old.template)
        replayDatabase = try await ScratchDatabase(CallrecSchema.new.template)
        ledger = replayDatabase.connect()
        builder = try await CatalogBuilder(recorder.connect())
        let mount = try scratch.directory("rec/calls")
        let volume = try scratch.directory("volume")
        let root = try KernelFiles().openRoot(volume)
        _ = try VolumeMarker.create(in: root.descriptor)
        try await ledger.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        let text = """
            [replay]
            name = "replay1"
            database = "\(replayDatabase.connectionString)"
            [[replay.volumes]]
            name = "a"
            path = "\(volume.displayText)"
            watermark = "97%"
            [[sources]]
            name = "\(AgentScene.source)"
            database = "\(recorder.connectionString)"
            mount_path = "\(mount.parent.displayText)"
            mounts = [{ path = "\(mount.displayText)", mount_point = false }]
            interval = "days=3000"
            time_zone = "UTC"
            [synchro]
            \(synchro)
            [watching]
            \(watching)
            """
        settings = try Settings.load(
            bytes: Array(text.utf8), named: FilePath("takeup.toml"), environment: .ofProcess())
        agent = try await Services(self.settings, recorder, replayDatabase, "one", isDirect: isDirect, calls, lease)
    }

    /// Another process for the same mount.
    func anotherAgent(isDirect: Bool = false) async throws -> Services {
        try await Services(settings, recorder, replayDatabase, "two", isDirect: isDirect, KernelFiles())
    }

    // MARK: The recorder

    /// The bytes of a whole mp3.
    static let speech: [UInt8] = (try? MediaSamples.ofThisRun?.speech(seconds: 2)).flatMap { try? readSample($0) } ?? []

    func name(_ number: Int) -> String { "rec/calls/20261120/\(number).mp3" }

    /// A recording with one sound, whose file is there unless told otherwise.
    @discardableResult
    func record(_ number: Int, mark: Mark? = nil, writesFile: Bool = true) async throws -> BuiltRecording {
        let content = AgentScene.speech
        if writesFile { try scratch.write(content, to: name(number)) }
        let stop = WallTime(microseconds: RecordingSample.noon.microseconds + Int64(number) * 1_000_000)
        return try await builder.add(
            RecordingSample("sid-\(number)", stop: stop).mark(mark)
                .media(MediaSample(.audio, FilePath("/calls/20261120/\(number).mp3"), size: Int64(content.count))))
    }

    func reference(_ built: BuiltRecording) -> RecordingReference {
        RecordingReference(source: AgentScene.source, id: built.id)
    }

    func atRecorder(_ sql: String) async throws { try await run(sql, in: builder.database) }

    // MARK: The replay

    func run(_ sql: String, in database: Database? = nil) async throws {
        try await (database ?? ledger).perform { session in try session.script(sql) }
    }

    func count(_ sql: String) async throws -> Int {
        try await ledger.perform { session in
            Int(try session.first("select count(*) from \(sql)")?.integer("count") ?? -1)
        }
    }

    func sighting(_ built: BuiltRecording) async throws -> Sighting? {
        try await ledger.perform { session in
            try Sightings.find(source: AgentScene.source, ids: [built.id], in: session)[built.id]
        }
    }

    /// The ledger refuses to touch rows of this table, until ``allow(_:)``: as one that fails between two statements.
    func refuse(_ event: String, of table: String, where condition: String = "true") async throws {
        try await run(
            """
            create sequence if not exists refusal;
            create or replace function refuse() returns trigger language plpgsql as
                $$ begin perform nextval('refusal'); raise exception 'no'; end $$;
            create trigger refuse before \(event) on takeup.\(table) for each row when (\(condition))
                execute procedure refuse();
            """)
    }

    /// How often it refused so far.
    func refusals() async throws -> Int {
        try await ledger.perform { session in
            let row = try session.first("select case when is_called then last_value else 0 end as count from refusal")
            return Int(try row?.integer("count") ?? -1)
        }
    }

    func allow(_ table: String) async throws { try await run("drop trigger refuse on takeup.\(table)") }

    /// Waits until `condition` holds; false: it did not within half a minute.
    func wait(_ limit: Duration = .seconds(30), until condition: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    /// What an agent is made of, as ``AgentProcess`` wires it.
    struct Services: Sendable {
        let replay: Replay
        let keeper: KeeperService
        let direct: DirectWay
        let transfers: TransferService
        let afterlooks: AfterlookService
        let proof: MountProof
        let narrator: MemoryNarrator
        private let link: SourceLink
        private let guardOfMount: MountGuard
        private let watching: WatchingSettings
        /// What looks at files before their copies.
        let lookThreads = FileThreads(name: "look", count: 2)
        /// What hears of commits.
        let committed: Wake
        /// Of keeper, afterlooks and resources: a test can put it forward.
        let clock = SkippingClock()
        let resources: ResourceGate
        /// What is left to it.
        let spare = SpareDescriptors()

        init(
            _ settings: Settings, _ recorder: ScratchDatabase, _ replayDatabase: ScratchDatabase, _ name: String,
            isDirect: Bool, _ calls: any FileCalls, _ lease: Duration = TransferService.lease
        ) async throws {
            let source = settings.sources[0]
            let mount = source.mounts[0]
            let ledger = replayDatabase.connect(label: "replay", connections: 4)
            let catalog = try await ledger.perform { session in try ReplayCatalog(reading: session) }
            let replay = Replay(database: ledger, catalog: catalog, holder: Holder(name))
            let narrator = MemoryNarrator()
            let problems = ProblemBook(database: ledger, narrator: narrator)
            let database = recorder.connect(label: "source \(source.name)")
            let link = SourceLink(
                settings: source, database: database,
                gate: PauseGate(source: source.name, ledger: ledger, narrator: narrator),
                guardian: DatabaseGuard(
                    source: source, others: [], database: database, replay: replay, isSame: { false },
                    problems: problems, narrator: narrator))
            let progress = Progress()
            watching = settings.watching
            let roster = VolumeRoster(
                replay: settings.replay, copying: CopySettings(), concurrency: .fixed(2), patience: .seconds(60),
                ownership: try Ownership(settings.replay.ownership), calls: calls, database: ledger,
                problems: problems, narrator: narrator)
            let deliverer = Deliverer(
                replay: replay, settings: settings.replay, roster: roster,
                resources: ResourceGate(
                    process: "agent", problems: problems, spare: { [spare] in min($0, spare.count) },
                    clock: { [clock] in clock.span }),
                narrator: narrator, lease: .seconds(60))
            resources = deliverer.resources
            proof = MountProof(
                MountExpectation(path: mount.directory, mustBeMountPoint: false),
                threads: FileThreads(name: "mount-proof", count: 1), timeout: .seconds(20))
            guardOfMount = MountGuard(
                mount: mount.path, source: source.name, proof: proof, problems: problems, narrator: narrator)
            committed = Wake()
            direct = DirectWay(mount: isDirect ? mount.path : MountPath("/of/nobody"))
            keeper = KeeperService(
                source: link, replay: replay,
                marking: MarkingGuard(source: source.name, replay: replay, file: nil, narrator: narrator, told: nil),
                synchro: settings.synchro, problems: problems, narrator: narrator, wake: committed,
                progress: progress, direct: direct, clock: { [clock] in clock.now })
            afterlooks = AfterlookService(
                source: link, replay: replay, mount: guardOfMount,
                looker: OriginalLooker(
                    root: mount.directory, threads: FileThreads(name: "again", count: 2), timeout: .seconds(20)),
                watching: settings.watching, keeper: keeper, narrator: narrator, progress: progress,
                clock: { [clock] in clock.now })
            let measures = MeasureService(
                source: link, mount: guardOfMount, replay: replay, roster: roster,
                measurer: MediaMeasurer(
                    tools: MediaTools(ffmpeg: settings.mux.ffmpeg, ffprobe: settings.mux.ffprobe),
                    threads: FileThreads(name: "measure", count: 1),
                    patience: .seconds(60)),
                problems: problems)
            transfers = TransferService(
                source: link, replay: replay, mount: guardOfMount,
                looker: FileLooker(root: mount.directory, threads: lookThreads, timeout: .seconds(20)),
                deliverer: deliverer, measures: measures, afterlooks: afterlooks, settings: settings,
                problems: problems, narrator: narrator, wake: Wake(), committed: committed, hearing: Hearing(),
                progress: progress, lease: lease)
            self.replay = replay
            self.narrator = narrator
            self.link = link
        }

        /// All of the time is its own, so that each turn comes to a directory.
        func orphanSearch() -> OrphanSearch {
            OrphanSearch(
                source: link, mount: guardOfMount, threads: FileThreads(name: "mount-list", count: 1),
                watching: watching, share: 1, now: { Instant(microseconds: RecordingSample.noon.microseconds) })
        }

        func attention() -> AttentionService {
            AttentionService(
                source: link, replay: replay, mount: guardOfMount, threads: FileThreads(name: "mount-list", count: 1),
                watching: watching, problems: ProblemBook(database: replay.database, narrator: narrator),
                narrator: narrator, progress: Progress(),
                now: { Instant(microseconds: RecordingSample.noon.microseconds) })
        }

        func screens(_ settings: Settings) -> ScreenWaitService {
            ScreenWaitService(
                source: link, replay: replay, keeper: keeper, settings: settings.mux.screenWait, narrator: narrator,
                progress: Progress())
        }

        /// As a look sees it.
        func recording(_ id: Int64) async throws -> SourceRecording? {
            let catalog = try await link.catalog()
            let rows = try await link.database.perform { session in try catalog.recordings(ids: [id], on: session) }
            return rows.compactMap(\.recording).first
        }
    }
}

/// A monotonic clock that can be put forward.
final class SkippingClock: Sendable {
    private let skipped = Mutex(Duration.zero)
    var now: ContinuousClock.Instant { .now + skipped.withLock { $0 } }
    /// By how much it was put forward, and no more: for what counts seconds, whatever the machine is busy with.
    var span: Duration { skipped.withLock { $0 } }
    func skip(_ span: Duration) { skipped.withLock { $0 += span } }
}

/// How many descriptors a process may have, as a test says.
final class SpareDescriptors: Sendable {
    private let state = Mutex(1 << 20)
    var count: Int {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// A lock on a table that keeps others from it: all, or with mode `share` those who write.
struct TableLock {
    private let gate = Gate()
    private let transaction: Task<Void, any Error>

    init(_ table: String, mode: String = "access exclusive", in scratch: ScratchDatabase) async throws {
        let database = scratch.connect(label: "lock", connections: 1)
        let gate = gate
        transaction = Task {
            try await database.transaction { session in
                try session.script("lock table \(table) in \(mode) mode")
                gate.stop()
            }
        }
        #expect(await gate.isReached())
    }

    func release() async throws {
        gate.open()
        try await transaction.value
    }

    /// Waits until a session of the database stands before a lock.
    static func holdsUp(_ scratch: ScratchDatabase, _ scene: AgentScene) async throws -> Bool {
        let database = scratch.connect(connections: 1)
        return try await scene.wait {
            try await database.perform { session in
                try session.first(
                    """
                    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                    """) != nil
            }
        }
    }
}
