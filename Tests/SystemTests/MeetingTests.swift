internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Recordings that several sources have, with the built program: once, in the best quality of each kind.
@Suite(.serialized) struct MeetingTests {
    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `of one call from two recorders the best media of both are kept, each kind by itself`(
        schema: CallrecSchema
    ) async throws {
        let one = try await PlainRecorder("one", schema)
        let two = try await PlainRecorder("two", schema == .old ? .new : .old)
        let samples = try #require(MediaSamples.ofThisRun)
        let whole = try readSample(try samples.speech(seconds: 12))
        let screen = try readSample(try samples.screen(seconds: 12))
        let longScreen = try readSample(try samples.screen(seconds: 14))
        let stop = PlainRecorder.now
        // The rows of both claim the same: only the files tell.
        let cutSound = try one.file(.audio, "a1.mp3", Array(whole.prefix(whole.count / 2)))
        let goodScreen = try one.file(.video, "s1.mp4", longScreen)
        try await one.builder.add(
            RecordingSample("call-1", stop: stop, seconds: 14).media(cutSound, goodScreen).data("agent", "4711")
                .protected())
        let goodSound = try two.file(.audio, "a2.mp3", whole)
        let shortScreen = try two.file(.video, "s2.mp4", screen)
        try await two.builder.add(
            RecordingSample("call-1", stop: stop, seconds: 14).media(goodSound, shortScreen).data("agent", "4711")
                .data("agent", "4712").data("note", "second recorder"))

        let solution = try await ScratchSolution(schema)
        let sources = [one, two].map { ScratchSolution.Source($0) }
        try solution.configure(sources)
        // Both agents at once: whoever comes first, the outcome is the same.
        let agents = try sources.map { try solution.start($0) }
        defer { stopAll(agents) }
        let marks = [try await one.marks(upTo: .seconds(60)), try await two.marks(upTo: .seconds(60))]
        let logs = sources.map { solution.log($0.name) }.joined(separator: "\n")
        #expect(marks == [["call-1": "S"], ["call-1": "S"]], "\(logs)")
        #expect(try await solution.count("select count(*) from callrec.couples") == 1)
        let files = try await solution.replay.perform { session in
            try session.query("select cftype, cfpath from callrec.cfiles order by cftype").map {
                (try $0.text("cftype"), try readSample(try $0.text("cfpath")))
            }
        }
        #expect(files.map(\.0) == ["AUDIO", "VIDEO"], "\(logs)")
        #expect(files.first?.1 == whole)
        #expect(files.last?.1 == longScreen)
        let data = try await solution.replay.perform { session in
            try session.query("select key, value from callrec.couple_extdata order by key, value").map {
                "\(try $0.text("key"))=\(try $0.text("value"))"
            }
        }
        #expect(data == ["agent=4711", "agent=4712", "note=second recorder"])
        try await expectRest(solution, [one.database, two.database])
        // The cut sound was told of where it was copied first; its copy serves no more.
        let isOver = try await solution.replay.wait(upTo: .seconds(30)) { _ in
            try await solution.openProblems().isEmpty
        }
        let still = try await solution.openProblems().map(\.what)
        #expect(isOver, "\(still)")
    }

    @Test(.timeLimit(.minutes(4)))
    func `what the replay has in the best quality is not used, and its mark says so`() async throws {
        let one = try await PlainRecorder("one")
        let two = try await PlainRecorder("two")
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 8))
        let stop = PlainRecorder.now
        try await one.builder.add(
            RecordingSample("call-1", stop: stop, seconds: 8).media(try one.file(.audio, "a.mp3", sound)))
        let solution = try await ScratchSolution()
        let sources = [one, two].map { ScratchSolution.Source($0) }
        try solution.configure(sources)
        let agents = try sources.map { try solution.start($0) }
        defer { stopAll(agents) }
        #expect(try await one.marks(upTo: .seconds(30)) == ["call-1": "S"])
        let before = try await solution.replay.perform { session in
            try session.first("select id, cfpath from callrec.cfiles order by id limit 1").map {
                [try $0.text("id"), try $0.text("cfpath")]
            }
        }
        // Worse by its measure, though its row claims more.
        var worse = try two.file(.audio, "b.mp3", Array(sound.prefix(sound.count / 2)))
        worse.size = Int64(sound.count / 2)
        try await two.builder.add(
            RecordingSample("call-1", stop: stop, seconds: 9).media(worse))
        // Another call under the sid of one that is there.
        try await one.builder.add(
            RecordingSample("call-2", stop: stop, seconds: 8).media(try one.file(.audio, "c.mp3", sound)))
        _ = try await one.marks(upTo: .seconds(30))
        let other = WallTime(microseconds: stop.microseconds - 3_600_000_000)
        try await two.builder.add(
            RecordingSample("call-2", stop: other, seconds: 8).media(try two.file(.audio, "d.mp3", sound)))
        let isOver = try await two.database.wait(upTo: .seconds(40)) {
            try await $0.count("select count(*) from callrec.couples where synchronized = 'N'") == 1
        }
        #expect(isOver, "\(solution.log("two"))")
        let isTold = try await solution.replay.wait(upTo: .seconds(40)) {
            try await $0.count(
                "select count(*) from takeup.problem where kind = 'sid-collision' and closed_at is null") == 1
        }
        #expect(isTold)
        #expect(try await two.marks(upTo: .seconds(1)) == ["call-1": "N", "call-2": "-"])
        let after = try await solution.replay.perform { session in
            try session.first("select id, cfpath from callrec.cfiles order by id limit 1").map {
                [try $0.text("id"), try $0.text("cfpath")]
            }
        }
        #expect(before == after)
        #expect(try await solution.count("select count(*) from callrec.cfiles") == 2)
    }

    @Test(.timeLimit(.minutes(3)), arguments: CallrecSchema.allCases)
    func `a row of others that names the recorder's own file is no copy: it becomes one before the mark`(
        schema: CallrecSchema
    ) async throws {
        let one = try await PlainRecorder("one", schema)
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 4))
        let file = try one.file(.audio, "a.mp3", sound)
        let sample = RecordingSample("call-1", stop: PlainRecorder.now, seconds: 4)
        try await one.builder.add(sample.media(file))
        let solution = try await ScratchSolution(schema)
        var pointing = file
        pointing.path = FilePath(one.prefix + file.path.displayText)
        try await CatalogBuilder(solution.replay).add(sample.media(pointing))
        let source = ScratchSolution.Source(one)
        try solution.configure([source])
        let agent = try solution.start(source)
        defer { stopAll([agent]) }
        #expect(try await one.marks(upTo: .seconds(40)) == ["call-1": "S"], "\(solution.log("one").suffix(3000))")
        let paths = try await solution.replay.perform { session in
            try session.query("select cfpath from callrec.cfiles").map { try $0.text("cfpath") }
        }
        #expect(paths.count == 1)
        #expect(paths.allSatisfy { $0.hasPrefix(solution.volume + "/") })
        #expect(try readSample(try #require(paths.first)) == sound)
    }

    @Test(.timeLimit(.minutes(6)))
    func `two solutions that synchronize each other come to rest with everything once at both`() async throws {
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 6, sampleRate: 16000))
        let screen = try readSample(try samples.screen(seconds: 6))
        let recorders = [try await PlainRecorder("north-1", .old), try await PlainRecorder("south-1")]
        let solutions = [try await ScratchSolution(.old), try await ScratchSolution()]
        let stop = PlainRecorder.now
        for (place, recorder) in recorders.enumerated() {
            for number in 0..<3 {
                try await recorder.builder.add(
                    RecordingSample("\(place)-\(number)", stop: stop, seconds: 6).media(
                        try recorder.file(.audio, "\(place)-\(number).mp3", sound),
                        try recorder.file(.video, "\(place)-\(number).mp4", screen)
                    ).data("number", "\(number)"))
            }
        }
        var processes: [ChildProcess] = []
        defer { stopAll(processes) }
        for (place, solution) in solutions.enumerated() {
            let other = solutions[1 - place]
            let sources = [
                ScratchSolution.Source(recorders[place]),
                ScratchSolution.Source(
                    "other-solution", database: other.base.connectionString, mountPath: "/", mount: other.volume),
            ]
            try solution.configure(sources)
            processes += try sources.map { try solution.start($0) } + [try solution.startMux()]
        }
        for solution in solutions {
            let isWhole = try await solution.replay.wait(upTo: .seconds(120)) {
                // Six recordings, each with sound, screen and the muxed file that this solution made.
                let marked = try await $0.count(
                    "select count(*) from callrec.couples where synchronized is not null")
                let mixed = try await $0.count("select count(*) from callrec.couples where mixed = 'M'")
                return marked == 6 && mixed == 6
            }
            #expect(isWhole, "\(solution.log("other-solution").suffix(6000))")
        }
        try await expectRest(solutions[0], solutions.map(\.replay) + recorders.map(\.database))
        for solution in solutions {
            #expect(try await solution.count("select count(*) from callrec.cfiles") == 18)
            #expect(try await solution.count("select count(*) from callrec.couple_extdata") == 6)
            #expect(try await solution.openProblems().map(\.what) == [])
        }
        for recorder in recorders {
            #expect(try await recorder.marks(upTo: .seconds(40)).values.allSatisfy { $0 == "S" })
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func
        `a source of a group that is dead or answers nothing delays the others of its group for no longer than seconds`()
        async throws
    {
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 3))
        let living = try await PlainRecorder("living")
        let mute = try await PlainRecorder("mute")
        let silence = try SilentServer()
        defer { silence.stop() }
        let solution = try await ScratchSolution()
        let group = "group = \"north\""
        let sources = [
            ScratchSolution.Source(living, more: group),
            // Takes connections and never says a word.
            ScratchSolution.Source(
                "mute", database: "host=127.0.0.1 port=\(silence.port) dbname=callrec", mountPath: mute.prefix,
                mount: mute.prefix + mute.root, more: group),
            // Nobody listens there.
            ScratchSolution.Source(
                "dead", database: "host=127.0.0.1 port=9 dbname=callrec", mountPath: living.prefix + "/opt",
                mount: living.prefix + "/opt/callrec", more: group),
        ]
        try solution.configure(sources)
        let agents = try sources.map { try solution.start($0) }
        defer { stopAll(agents) }
        try await Task.sleep(for: .seconds(5))
        for number in 0..<3 {
            let began = ContinuousClock.now
            try await living.builder.add(
                RecordingSample("call-\(number)", stop: PlainRecorder.now, seconds: 3).media(
                    try living.file(.audio, "\(number).mp3", sound)))
            let marks = try await living.marks(upTo: .seconds(20))
            #expect(marks["call-\(number)"] == "S", "\(solution.log("living").suffix(3000))")
            // Not a figure of speed: a source that hangs would hold the turn for its lease and more.
            #expect(ContinuousClock.now - began < .seconds(20))
        }
        #expect(solution.log("dead").contains("dead"))
    }

    private func stopAll(_ processes: [ChildProcess]) {
        for process in processes { process.send(SIGTERM) }
        for process in processes { process.wait() }
    }

    /// After convergence no statement changes a row of a catalog, at the replay or at a source.
    private func expectRest(_ solution: ScratchSolution, _ databases: [Database]) async throws {
        let all = [solution.replay] + databases
        // Statistics come within a second of the statement.
        var before: [[String: Int64]] = []
        let isQuiet = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            let now = try await MeetingTests.changes(of: all)
            defer { before = now }
            try await Task.sleep(for: .seconds(3))
            return now == before
        }
        #expect(isQuiet, "\(before)")
        let first = try await MeetingTests.changes(of: all)
        try await Task.sleep(for: .seconds(8))
        let second = try await MeetingTests.changes(of: all)
        #expect(first == second)
    }

    /// Rows inserted, updated and deleted ever, by table of the catalog.
    private static func changes(of databases: [Database]) async throws -> [[String: Int64]] {
        var changes: [[String: Int64]] = []
        for database in databases {
            changes.append(
                try await database.perform { session in
                    Dictionary(
                        uniqueKeysWithValues: try session.query(
                            """
                            select relname::text as name, n_tup_ins + n_tup_upd + n_tup_del as changes
                            from pg_stat_all_tables where schemaname = 'callrec'
                            """
                        ).map { (try $0.text("name"), try $0.integer("changes")) })
                })
        }
        return changes
    }
}
