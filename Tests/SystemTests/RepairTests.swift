internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Copies of recordings that several sources have, and that went from their volume; with the built program.
@Suite(.serialized) struct RepairTests {
    @Test(.timeLimit(.minutes(3)), arguments: LongTests.all(orFirstOf: [false, true]))
    func `a copy that vanished is brought again from whoever has it, also where its own source has it no more`(
        firstHasIt: Bool
    ) async throws {
        let one = try await PlainRecorder("one")
        let two = try await PlainRecorder("two")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 8))
        let stop = PlainRecorder.now
        let first = try one.file(.audio, "a.mp3", sound)
        try await one.builder.add(RecordingSample("call-1", stop: stop, seconds: 8).media(first))
        let solution = try await ScratchSolution()
        let sources = [one, two].map { ScratchSolution.Source($0) }
        try solution.configure(sources)
        var agents = try sources.map { try solution.start($0) }
        defer { stopAll(agents) }
        #expect(try await one.marks(upTo: .seconds(30)) == ["call-1": "S"])
        // As good: it is compared, and not used.
        try await two.builder.add(
            RecordingSample("call-1", stop: stop, seconds: 8).media(try two.file(.audio, "b.mp3", sound)))
        #expect(try await two.marks(upTo: .seconds(30)) == ["call-1": "N"], "\(solution.log("two").suffix(3000))")
        #expect(try await measuresOfReplay(solution) == 1)
        let path = try #require(try await copies(solution).first)
        try ChildProcess.run(["/bin/rm", path])
        if !firstHasIt { try ChildProcess.run(["/bin/rm", one.prefix + first.path.displayText]) }

        let found = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(found.code == 1, "\(found.output)")
        #expect(found.output.contains("\(firstHasIt ? "one" : "two")/1 has it: a repair brings it again."))
        // The agents rest, so that what the repair writes down can be seen.
        stopAll(agents)
        agents = []
        let repaired = try solution.run(["audit", "--config", solution.settingsPath, "--repair"])
        // All that was found is seen to.
        #expect(repaired.code == 0, "\(repaired.output)")
        #expect(!repaired.output.contains("lost:"), "\(repaired.output)")
        #expect(try await measuresOfReplay(solution) == 0)
        #expect(try await one.marks(upTo: .zero) == ["call-1": "-"])
        #expect(try await two.marks(upTo: .zero) == ["call-1": "-"])
        let waiting = try await solution.replay.perform { session in
            try session.query("select source from takeup.sighting where state = 'waiting' order by not_before").map {
                try $0.text("source")
            }
        }
        // The best comes first again.
        #expect(waiting == ["one", "two"])

        agents = try sources.map { try solution.start($0) }
        let isBack = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            let marks = [try await one.marks(upTo: .zero), try await two.marks(upTo: .zero)]
            return marks == [["call-1": firstHasIt ? "S" : "-"], ["call-1": firstHasIt ? "N" : "S"]]
        }
        #expect(isBack, "\(solution.log("one").suffix(3000))\n\(solution.log("two").suffix(3000))")
        let standing = try await copies(solution)
        #expect(standing.count == 1)
        #expect(try readSample(try #require(standing.first)) == sound)
        #expect(
            try await solution.count(
                "select count(*) from takeup.replica where state = 'held' and not is_doubted") == 1)
        #expect(try await solution.count("select count(*) from takeup.replica where state = 'held'") == 1)
        let again = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(again.code == 0, "\(again.output)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `what was collected while its kind was on is missed while it is off, and what stands is adopted`() async throws
    {
        let one = try await PlainRecorder("one")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 8))
        for name in ["stands", "gone"] {
            try await one.builder.add(
                RecordingSample(name, stop: PlainRecorder.now, seconds: 8).media(
                    try one.file(.audio, "\(name).mp3", sound), try one.file(.recd, "\(name).recd", Array(name.utf8))))
        }
        let solution = try await ScratchSolution()
        try solution.configure([ScratchSolution.Source(one)])
        let agent = try solution.start(ScratchSolution.Source(one))
        #expect(try await one.marks(upTo: .seconds(30)) == ["stands": "S", "gone": "S"])
        stopAll([agent])
        // As after a restore: the screens' rows are not known any more, and one of the files is gone as well.
        let lost = try await solution.replay.transaction { session in
            let path = try session.first(
                """
                select f.cfpath from callrec.cfiles f join callrec.couples c on c.id = f.cplid
                where f.cftype = 'RECD' and c.sid = 'gone'
                """)?.text("cfpath")
            try session.script(
                """
                delete from callrec.cfiles where cftype = 'RECD';
                delete from takeup.replica where kind = 'RECD';
                """)
            return path
        }
        try ChildProcess.run(["/bin/rm", try #require(lost)])
        let off = "synchronize = { recd = false }"
        try solution.configure([ScratchSolution.Source(one, more: off)])
        let found = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(found.code == 1, "\(found.output)")
        #expect(found.output.contains("Left to be seen to: standing: 1, switched-off: 1."), "\(found.output)")
        let repaired = try solution.run(["audit", "--config", solution.settingsPath, "--repair", "--json"])
        #expect(repaired.code == 1, "\(repaired.output)")
        #expect(repaired.output.contains(#""adopted":1,"#) && repaired.output.contains(#""switched_off":1"#))
        #expect(repaired.output.contains(#""passed":false"#))
        // Nobody knows whether it was ever collected: its mark is left to a person.
        #expect(try await one.marks(upTo: .zero) == ["stands": "S", "gone": "S"])
        try solution.configure([ScratchSolution.Source(one, more: off + "\nallow_mark_without_copy = true")])
        let allowed = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(allowed.code == 0, "\(allowed.output)")
        try solution.configure([ScratchSolution.Source(one)])
        let on = try solution.run(["audit", "--config", solution.settingsPath, "--repair"])
        #expect(on.code == 0, "\(on.output)")
        #expect(on.output.contains("All that was found is repaired or on its way."), "\(on.output)")
        #expect(try await one.marks(upTo: .zero) == ["stands": "S", "gone": "-"])
    }

    @Test(.timeLimit(.minutes(2)))
    func `an index file that vanished from its volume is missed, and brought again`() async throws {
        let one = try await PlainRecorder("one")
        let sound = try readSample(try #require(MediaSamples.ofThisRun).speech(seconds: 4))
        _ = try one.file(.audio, "a.idx", Array("an index".utf8))
        try await one.builder.add(
            RecordingSample("call-1", stop: PlainRecorder.now, seconds: 4).media(
                try one.file(.audio, "a.mp3", sound)))
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(one, more: "index_files = [\"{stem}.idx\"]")
        try solution.configure([source])
        let agent = try solution.start(source)
        defer { stopAll([agent]) }
        #expect(try await one.marks(upTo: .seconds(40)) == ["call-1": "S"], "\(solution.log("one").suffix(3000))")
        let held = "select count(*) from takeup.replica where kind = 'INDEX' and state = 'held' and not is_doubted"
        #expect(try await solution.count(held) == 1)
        try ChildProcess.run(["/bin/sh", "-c", "find \(solution.volume) -name '*.idx' -delete"])
        let found = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(found.code == 1 && found.output.contains("The copy of INDEX of one/1 on volume a is not there."))
        let repaired = try solution.run(["audit", "--config", solution.settingsPath, "--repair"])
        #expect(repaired.code == 0, "\(repaired.output)")
        let isBack = try await solution.replay.wait(upTo: .seconds(40)) { try await $0.count(held) == 1 }
        #expect(isBack, "\(solution.log("one").suffix(3000))")
        let again = try solution.run(["audit", "--config", solution.settingsPath])
        #expect(again.code == 0, "\(again.output)")
        #expect(try await one.marks(upTo: .zero) == ["call-1": "S"])
    }

    private func stopAll(_ processes: [ChildProcess]) {
        for process in processes { process.send(SIGTERM) }
        for process in processes { process.wait() }
    }

    /// The files that the replay's rows name.
    private func copies(_ solution: ScratchSolution) async throws -> [String] {
        try await solution.replay.perform { session in
            try session.query("select cfpath from callrec.cfiles").map { try $0.text("cfpath") }
        }
    }

    private func measuresOfReplay(_ solution: ScratchSolution) async throws -> Int {
        try await solution.count("select count(*) from takeup.measurement where place = ''")
    }
}
