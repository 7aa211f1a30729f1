import Agent
import Catalogs
import Delivery
import Ledger
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

/// Looks of a keeper on real databases.
@Suite struct LookTests {
    private struct Scene {
        let recorder: ScratchDatabase
        let replayDatabase: ScratchDatabase
        let replay: Replay
        let look: LookService
        let lease: KeeperLease
    }

    private func scene(
        _ synchro: String, replay template: ScratchTemplate = CallrecSchema.new.template, copyFiles: Bool = true
    ) async throws -> Scene {
        let recorder = try await ScratchDatabase(CallrecSchema.old.template)
        let replayDatabase = try await ScratchDatabase(template)
        let text = """
            [replay]
            name = "replay1"
            database = "\(replayDatabase.connectionString)"
            default_path = "/srv/a"

            [[sources]]
            name = "rec_a"
            database = "\(recorder.connectionString)"
            mount_path = "/mnt/rec"
            mounts = ["/mnt/rec/calls"]
            interval = "days=3000"
            time_zone = "UTC"
            copy_files = \(copyFiles)

            [synchro]
            \(synchro)
            """
        let settings = try Settings.load(
            bytes: Array(text.utf8), named: FilePath("takeup.toml"), environment: .ofProcess())
        let source = settings.sources[0]
        let ledger = replayDatabase.connect(label: "replay", connections: 3)
        try await ledger.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        let catalog = try await ledger.perform { session in try ReplayCatalog(reading: session) }
        let replay = Replay(database: ledger, catalog: catalog, holder: Holder("test"))
        let narrator = MemoryNarrator()
        let problems = ProblemBook(database: ledger, narrator: narrator)
        let database = recorder.connect(label: "source rec_a")
        let link = SourceLink(
            settings: source, database: database,
            gate: PauseGate(source: source.name, ledger: ledger, narrator: narrator),
            guardian: DatabaseGuard(
                source: source, others: [], database: database, replay: replay, isSame: { true }, problems: problems,
                narrator: narrator))
        let lease = try await ledger.perform { session in
            try Keepers.take(source: source.name, holder: Holder("test"), lease: .seconds(600), in: session)
        }
        return Scene(
            recorder: recorder, replayDatabase: replayDatabase, replay: replay,
            look: LookService(source: link, replay: replay, synchro: settings.synchro, problems: problems),
            lease: try #require(lease))
    }

    @Test func `calls per period are the bound of a batch, and all are met in the end`() async throws {
        let scene = try await scene("calls_per_period = 4")
        let builder = try await CatalogBuilder(scene.recorder.connect())
        for number in 0..<15 {
            let stop = WallTime(microseconds: RecordingSample.noon.microseconds + Int64(number) * 1_000_000)
            try await builder.add(
                RecordingSample("sid \(number)", stop: stop).media(
                    MediaSample(.audio, FilePath("/calls/20261120/\(number).mp3"))))
        }
        var planned: [Int] = []
        for _ in 0..<20 {
            let found = try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease)
            planned.append(found.planned)
            if !found.isMoreThere { break }
        }
        // A page, and a lane of the newest a quarter as long.
        #expect(planned.allSatisfy { $0 <= 5 })
        #expect(planned.reduce(0, +) == 15)
    }

    @Test(arguments: [false, true])
    func `whatever was hinted at is looked at, also where it is more than a batch`(isRound: Bool) async throws {
        let scene = try await scene("calls_per_period = 2")
        let builder = try await CatalogBuilder(scene.recorder.connect())
        var built: [BuiltRecording] = []
        for number in 0..<9 {
            let stop = WallTime(microseconds: RecordingSample.noon.microseconds + Int64(number) * 1_000_000)
            try await built.append(
                builder.add(
                    RecordingSample("sid \(number)", stop: stop).media(
                        MediaSample(.audio, FilePath("/calls/20261120/\(number).mp3")))))
        }
        let ids = Set(built.map(\.id))
        let found = try await scene.look.turn(hinted: ids, isRound: isRound, lease: scene.lease)
        #expect(found.planned == 9)
        #expect((found.page != nil) == isRound)
        let sightings = try await scene.replay.database.perform { session in
            try Sightings.find(source: SourceName("rec_a"), ids: ids, in: session)
        }
        #expect(Set(sightings.keys) == ids)
    }

    @Test func `a page that was read ahead undoes nothing of what a hint brought since`() async throws {
        let scene = try await scene("calls_per_period = 2")
        let builder = try await CatalogBuilder(scene.recorder.connect())
        var built: [BuiltRecording] = []
        for number in 0..<5 {
            let stop = WallTime(microseconds: RecordingSample.noon.microseconds + Int64(number) * 1_000_000)
            try await built.append(
                builder.add(
                    RecordingSample("sid \(number)", stop: stop).media(
                        MediaSample(.audio, FilePath("/calls/20261120/\(number).mp3")))))
        }
        #expect(try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease).isMoreThere)
        // The page behind it shows the third as it is now.
        try await Task.sleep(for: .milliseconds(300))
        let id = built[2].id
        try await builder.database.perform { session in
            try session.execute(
                "update callrec.cfiles set cfpath = '/calls/20261120/other.mp3' where cplid = $1", [.integer(id)])
        }
        _ = try await scene.look.turn(hinted: [id], isRound: false, lease: scene.lease)
        func paths() async throws -> [FilePath] {
            try await scene.replay.database.perform { session in
                try Transfers.find(of: RecordingReference(source: SourceName("rec_a"), id: id), in: session)
                    .filter { $0.state == .waiting }.map(\.path)
            }
        }
        #expect(try await paths() == [FilePath("/calls/20261120/other.mp3")])
        _ = try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease)
        #expect(try await paths() == [FilePath("/calls/20261120/other.mp3")])
    }

    @Test(arguments: ["oldest", "newest"])
    func `what came since a page was read ahead is looked at beside the round, and the round goes on where it was`(
        backlog: String
    ) async throws {
        let scene = try await scene("calls_per_period = 4\nbacklog = \"\(backlog)\"")
        let builder = try await CatalogBuilder(scene.recorder.connect())
        func add(_ number: Int) async throws -> BuiltRecording {
            let stop = WallTime(microseconds: RecordingSample.noon.microseconds + Int64(number) * 1_000_000)
            return try await builder.add(
                RecordingSample("sid \(number)", stop: stop).media(
                    MediaSample(.audio, FilePath("/calls/20261120/\(number).mp3"))))
        }
        for number in 0..<20 { _ = try await add(number) }
        #expect(try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease).isMoreThere)
        // The page behind it is read by now.
        try await Task.sleep(for: .milliseconds(300))
        let last = try await add(1000).id
        let found = try await scene.look.turn(hinted: [], isRound: false, newest: true, lease: scene.lease)
        #expect(found.planned == 1)
        #expect(!found.wasRound)
        let transfers = try await scene.replay.database.perform { session in
            try Transfers.find(of: RecordingReference(source: SourceName("rec_a"), id: last), in: session)
        }
        #expect(transfers.count == 1)
        var rounds = 0
        while rounds < 10 {
            let look = try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease)
            rounds += 1
            if !look.isMoreThere { break }
        }
        #expect(rounds < 10)
        let sightings = try await scene.replay.database.perform { session in
            try session.first("select count(*) as number from takeup.sighting")?.integer("number")
        }
        #expect(sightings == 21)
    }

    @Test func `what the replay's encoding cannot hold is refused by itself, once, and travels when it is corrected`()
        async throws
    {
        let western = ScratchTemplate(name: "callrec western", encoding: "LATIN1", scripts: CallrecSchema.new.scripts)
        let scene = try await scene("", replay: western)
        let builder = try await CatalogBuilder(scene.recorder.connect())
        var built: [BuiltRecording] = []
        for sid in ["caf\u{e9} 1", "\u{44f}", "caf\u{e9} 2"] {
            let media = MediaSample(.audio, FilePath("/calls/20261120/\(built.count).mp3"))
            built.append(try await builder.add(RecordingSample(sid).media(media)))
        }
        #expect(try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease).planned == 2)
        #expect(try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease).planned == 0)
        let open = try await scene.replay.database.perform { session in try Problems.open(limit: 10, in: session) }
        #expect(open.map(\.kind) == ["row-refused"])
        #expect(open.map(\.reference) == ["rec_a/\(built[1].id)"])
        #expect(open.first?.what.contains("cannot hold one of its values (22P05)") == true)
        #expect(open.first?.count == 1)
        let bad = built[1].id
        try await scene.recorder.connect().perform { session in
            try session.execute("update callrec.couples set sid = 'ja' where id = $1", [.integer(bad)])
        }
        #expect(try await scene.look.turn(hinted: [], isRound: true, lease: scene.lease).planned == 1)
    }

    /// A lost grant, a changed column, a lock or a statement that took too long, a conflict; then the row's own fault.
    @Test func `a replay that takes no rows gives no recording up, rows that it refuses do`() async throws {
        let scene = try await scene("mark_erroneous = true\nerroneous_after = 3", copyFiles: false)
        let media = MediaSample(.audio, FilePath("/calls/20261120/1.mp3"))
        let id = try await CatalogBuilder(scene.recorder.connect()).add(RecordingSample("sid 1").media(media)).id
        let superuser = scene.replayDatabase.connect()
        func refuse(with state: String) async throws {
            try await superuser.perform { session in
                try session.script(
                    """
                    create or replace function refuse() returns trigger language plpgsql as
                        $$ begin raise exception 'no' using errcode = '\(state)'; end $$;
                    drop trigger if exists refuse on callrec.couples;
                    create trigger refuse before insert on callrec.couples for each row execute procedure refuse();
                    """)
            }
        }
        func look() async throws -> Sighting {
            try await scene.replay.database.perform { session in
                try session.execute("update takeup.sighting set not_before = statement_timestamp()")
            }
            _ = try await scene.look.turn(hinted: [id], isRound: true, lease: scene.lease)
            let sightings = try await scene.replay.database.perform { session in
                try Sightings.find(source: SourceName("rec_a"), ids: [id], in: session)
            }
            return try #require(sightings[id])
        }
        for state in ["42501", "42703", "55P03", "57014", "40P01"] {
            try await refuse(with: state)
            for _ in 0..<4 {
                let seen = try await look()
                #expect(seen.state == .waiting && seen.mark == nil && seen.failures == 0, "\(state)")
                #expect(seen.why?.contains(state) == true)
            }
        }
        let told = try await scene.replay.database.perform { session in try Problems.open(limit: 10, in: session) }
        #expect(told.map(\.kind) == ["commit-refused"])
        try await refuse(with: "23514")
        for failures in 1...2 {
            let seen = try await look()
            #expect(seen.state == .waiting && seen.failures == failures)
        }
        let given = try await look()
        #expect(given.state == .converged && given.mark == .erroneous)
    }
}
