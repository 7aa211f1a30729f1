internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Many recordings that wait for one thing which a person has to bring; with the built program.
@Suite(.serialized) struct AwaitedTests {
    @Test(.timeLimit(.minutes(3)))
    func `recordings that wait for one key are one problem with their number, until the key is there`() async throws {
        let one = try await PlainRecorder("one")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 4))
        let key = "5cd9b6f1-0000-4000-8000-000000000002"
        for number in 1...40 {
            var media = try one.file(.audio, "\(number).mp3", sound)
            media.keyID = key
            try await one.builder.add(
                RecordingSample("call-\(number)", stop: PlainRecorder.now, seconds: 4).media(media))
        }
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(one)
        try solution.configure([source])
        let agent = try solution.start(source)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        try await expectOpen(solution, "40 recordings of one, one/1 among them, wait for key \(key)")
        // What its recorder deletes waits for nothing.
        try await one.database.perform { session in
            try session.execute("delete from callrec.couples where sid = 'call-1'")
        }
        try await expectOpen(solution, "39 recordings of one, one/2 among them, wait for key \(key)")
        #expect(try await solution.count("select count(*) from takeup.problem") == 1)
        try await solution.replay.perform { session in
            try session.execute(
                """
                insert into callrec.managed_keys (uuid, purpose, algorithm, strength, activationdate)
                values ($1, 'media', 'AES', 256, now())
                """, [.text(key)])
        }
        // They are asked for at least each minute.
        let marks = try await one.marks(upTo: .seconds(90))
        #expect(Set(marks.values) == ["S"], "\(solution.log("one").suffix(3000))")
        let isOver = try await solution.replay.wait(upTo: .seconds(40)) { _ in
            try await solution.openProblems().isEmpty
        }
        #expect(isOver)
        let log = solution.log("one")
        #expect(log.contains("Problem key-missing at one is over after"), "\(log.suffix(2000))")
        #expect(log.contains(". It was: "))
        #expect(try await solution.count("select count(*) from takeup.problem") == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a value too long for the replay's index keeps no media at the recorder, and is told of once`() async throws {
        let one = try await PlainRecorder("one")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 4))
        // A recorder that has no such index.
        try await one.database.perform { session in
            try session.script("alter table callrec.couple_extdata drop constraint couple_extdata_pkey")
        }
        let long = String((0..<4000).map { _ in Character(UnicodeScalar(UInt8.random(in: 64..<127))) })
        for number in 1...3 {
            try await one.builder.add(
                RecordingSample("call-\(number)", stop: PlainRecorder.now, seconds: 4).media(
                    try one.file(.audio, "\(number).mp3", sound)
                ).data("transcript", long).data("agent", "4711"))
        }
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(one)
        try solution.configure([source])
        let agent = try solution.start(source)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        let marks = try await one.marks(upTo: .seconds(40))
        #expect(marks == ["call-1": "S", "call-2": "S", "call-3": "S"], "\(solution.log("one").suffix(3000))")
        #expect(try await solution.count("select count(*) from callrec.cfiles") == 3)
        #expect(try await solution.count("select count(*) from callrec.couple_extdata where key = 'agent'") == 3)
        #expect(try await solution.count("select count(*) from takeup.kept_datum where key = 'transcript'") == 3)
        try await expectOpen(
            solution, "3 recordings of one, one/1 among them, have external data \"transcript\" too long for an index")
        #expect(!solution.log("one").contains(long.prefix(20)))
        let audit = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(audit.code == 0, "\(audit.output)")
    }

    private func expectOpen(_ solution: ScratchSolution, _ sentence: String) async throws {
        let isTold = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            // The ledger may not be there yet.
            let open = (try? await solution.openProblems()) ?? []
            return open.count == 1 && open.allSatisfy { $0.what.hasPrefix(sentence) }
        }
        let open = try await solution.openProblems().map(\.what)
        #expect(isTold, "\(open)\n\(solution.log("one").suffix(2000))")
    }
}
