internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Rows and files that come in any order, late, or never, with the built program.
@Suite(.serialized) struct RowAndFileTests {
    private func hasMark(_ recorder: PlainRecorder, _ sid: String) async throws -> Bool {
        try await recorder.database.wait(upTo: .seconds(40)) {
            try await $0.count(
                "select count(*) from callrec.couples where sid = '\(sid)' and synchronized = 'S'") == 1
        }
    }

    private func problems(_ solution: ScratchSolution, _ kind: String) async throws -> [String] {
        // The agent makes the ledger.
        let isMade = try await solution.count(
            "select (to_regclass('takeup.problem') is not null)::integer::bigint as count")
        return isMade == 0 ? [] : try await solution.openProblems().filter { $0.kind == kind }.map(\.what)
    }

    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `row and file meet either way round, and each that stays alone is told of until it does not`(
        schema: CallrecSchema
    ) async throws {
        let one = try await PlainRecorder("one", schema)
        let solution = try await ScratchSolution(schema)
        let source = ScratchSolution.Source(one)
        try solution.configure(
            [source], synchro: "sleep_period = \"1s\"",
            watching: "quiet = \"300ms\"\ngrace_missing = \"3s\"\ngrace_orphan = \"3s\"")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 3))
        let agent = try solution.start(source)
        defer { agent.send(SIGTERM); agent.wait() }
        func sample(_ sid: String, _ media: MediaSample) -> RecordingSample {
            RecordingSample(sid, stop: PlainRecorder.now, seconds: 3).media(media)
        }
        let root = one.prefix + one.root
        // The row first, and long before its file.
        let late = try one.file(.audio, "late.mp3", sound)
        #expect(rename(one.prefix + late.path.displayText, root + "/elsewhere") == 0)
        #expect(unlink(root + "/elsewhere") == 0)
        try await one.builder.add(sample("row-first", late))
        // The file first, and long before its row; beside it files that no row ever names, deep and of long ago.
        let early = try one.file(.audio, "early.mp3", sound)
        try ChildProcess.run(["/bin/mkdir", "-p", root + "/20200101/deeper", root + "/other"])
        let passing = ["20261121/.nfs00000001", "20261121/draft.mp3.part", "other/.hidden"]
        for name in ["20200101/deeper/old.mp3", "other/undated.mp3"] + passing {
            try writeSample(sound, to: "\(root)/\(name)")
        }
        // Clocks an hour off: neither hides a file nor makes one old.
        for (name, time) in [("20200101/deeper/old.mp3", "1 hour"), ("other/undated.mp3", "1 hour ago")] {
            try ChildProcess.run(["/usr/bin/touch", "-d", time, "\(root)/\(name)"])
        }
        let isTold = try await solution.replay.wait(upTo: .seconds(40)) { _ in
            let orphans = try await problems(solution, "orphan-files")
            return try await problems(solution, "missing-file").count == 1
                && orphans.count == 1 && orphans[0].hasPrefix("3 files")
        }
        let orphans = try await problems(solution, "orphan-files")
        #expect(isTold, "\(orphans)\n\(solution.log("one").suffix(4000))")
        #expect(orphans.first?.contains("20200101/deeper (1)") == true, "\(orphans)")

        _ = try one.file(.audio, "late.mp3", sound)
        #expect(try await hasMark(one, "row-first"), "\(solution.log("one").suffix(3000))")
        try await one.builder.add(sample("file-first", early))
        #expect(try await hasMark(one, "file-first"), "\(solution.log("one").suffix(3000))")
        #expect(unlink(root + "/20200101/deeper/old.mp3") == 0)
        #expect(unlink(root + "/other/undated.mp3") == 0)
        let isOver = try await solution.replay.wait(upTo: .seconds(40)) { _ in
            try await solution.openProblems().isEmpty
        }
        let still = try await solution.openProblems().map(\.what)
        #expect(isOver, "\(still)")
    }

    @Test(.timeLimit(.minutes(4)))
    func `many missing files are one problem, which ends by itself, and a thousand files without rows few questions`()
        async throws
    {
        let one = try await PlainRecorder("one")
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(one)
        try solution.configure(
            [source], synchro: "sleep_period = \"1h\"",
            watching: "quiet = \"300ms\"\ngrace_missing = \"2s\"\ngrace_orphan = \"1h\"")
        let bytes = Array("a capture".utf8)
        let stop = PlainRecorder.now
        try ChildProcess.run(["/bin/mkdir", "-p", "\(one.prefix)\(one.root)/20261121"])
        let files = (0..<300).map { FilePath("\(one.root)/20261121/missing-\($0).recd") }
        try await one.database.transaction { [builder = one.builder] session in
            for (number, file) in files.enumerated() {
                try builder.add(
                    RecordingSample("missing-\(number)", stop: stop, seconds: 3).media(
                        MediaSample(.recd, file, size: Int64(bytes.count))), on: session)
            }
        }
        let agent = try solution.start(source)
        defer { agent.send(SIGTERM); agent.wait() }
        let isTold = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            try await problems(solution, "missing-file").contains { $0.hasPrefix("300 files") }
        }
        let told = try await problems(solution, "missing-file")
        #expect(isTold, "\(told.prefix(5))\n\(solution.log("one").suffix(3000))")
        #expect(told.count < 25)
        let lines = solution.log("one").split(separator: "\n").filter { $0.contains("missing-file") }
        #expect(lines.count < 25)

        // A thousand files that no row names: what the recorder is asked does not grow with them.
        func questions() async throws -> Int {
            // Statistics come within a second of the statement.
            try await Task.sleep(for: .milliseconds(1500))
            return try await solution.replay.perform { _ in 0 }
                + (try await one.database.count(
                    "select xact_commit as count from pg_stat_database where datname = current_database()"))
        }
        let before = try await questions()
        for number in 0..<1000 { try writeSample(bytes, to: "\(one.prefix)\(one.root)/20261121/stray-\(number).recd") }
        try await Task.sleep(for: .seconds(2))
        let asked = try await questions() - before
        print("statements at the source for 1,000 files without rows, with all else in five seconds: \(asked)")
        #expect(asked < 400)

        for file in files { try writeSample(bytes, to: one.prefix + file.displayText) }
        let isOver = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            try await solution.openProblems().isEmpty
        }
        let still = try await solution.openProblems().map(\.what)
        #expect(isOver, "\(still.prefix(5))")
        #expect(try await one.marks(upTo: .seconds(60)).values.filter { $0 == "S" }.count == 300)
    }
}
