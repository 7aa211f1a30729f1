internal import Glibc
internal import Ledger
internal import Planning
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Recorders that go on writing after their row is FINISHED and says no size, with the built program.
@Suite(.serialized) struct SlowWriterSystemTests {
    /// A file of a recorder that a test writes on.
    private final class Growing {
        private let descriptor: CInt
        let sample: MediaSample

        init(_ recorder: PlainRecorder, _ name: String, _ bytes: some Sequence<UInt8>) throws {
            var sample = try recorder.file(.audio, name, Array(bytes))
            sample.size = 0
            self.sample = sample
            descriptor = open(recorder.prefix + sample.path.displayText, O_WRONLY | O_APPEND)
            #expect(descriptor >= 0)
        }
        deinit { close(descriptor) }

        /// Nothing is closed: no event tells of it.
        func append(_ bytes: some Sequence<UInt8>) {
            let bytes = Array(bytes)
            #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        }
    }

    /// The first place at or behind `start` where an mp3 can end.
    private func frameEnd(in bytes: [UInt8], from start: Int) -> Int {
        (start...bytes.count).first { end in
            let check = Container.check(.mp3, size: Int64(end)) { offset, count in
                Array(bytes[Int(offset)..<min(end, Int(offset) + count)])
            }
            return check == .whole
        } ?? bytes.count
    }

    private func held(_ solution: ScratchSolution) async throws -> [[UInt8]] {
        try await solution.replay.perform { session in
            try session.query("select cfpath from callrec.cfiles order by id").map {
                try readSample(try $0.text("cfpath"))
            }
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func
        `a file that grows after its copy gets no mark before it is all here, and one that grows after its mark follows`(
            schema: CallrecSchema
        ) async throws
    {
        let one = try await PlainRecorder("one", schema)
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 9))
        let first = frameEnd(in: sound, from: sound.count / 3)
        let second = frameEnd(in: sound, from: 2 * sound.count / 3)
        let solution = try await ScratchSolution(schema)
        let source = ScratchSolution.Source(one)
        try solution.configure([source], watching: "quiet = \"2500ms\"")
        let file = try Growing(one, "a.mp3", sound[..<first])
        try await one.builder.add(RecordingSample("call-1", stop: PlainRecorder.now, seconds: 9).media(file.sample))
        let agent = try solution.start(source)
        defer { agent.send(SIGTERM); agent.wait() }
        // Its writer pauses for longer than the quiet time: it is taken for whole.
        let isShort = try await solution.replay.wait(upTo: .seconds(40)) { _ in
            try await held(solution) == [Array(sound[..<first])]
        }
        #expect(isShort, "\(solution.log("one").suffix(3000))")
        file.append(sound[first..<second])
        #expect(try await one.database.count("select count(*) from callrec.couples where synchronized = 'S'") == 0)
        let marks = try await one.marks(upTo: .seconds(60))
        #expect(marks == ["call-1": "S"], "\(solution.log("one").suffix(3000))")
        #expect(try await held(solution) == [Array(sound[..<second])])
        // The same once more behind its mark, which stays.
        file.append(sound[second...])
        let isWhole = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            try await held(solution) == [sound]
        }
        #expect(isWhole, "\(solution.log("one").suffix(3000))")
        let rest = try await solution.replay.wait(upTo: .seconds(30)) {
            try await $0.count("select count(*) from takeup.sighting where state = 'marked'") == 1
        }
        #expect(rest)
        #expect(try await one.marks(upTo: .seconds(1)) == ["call-1": "S"])
        #expect(try await solution.count("select count(*) from takeup.replica where state = 'retired'") == 2)
        #expect(try await solution.count("select count(*) from takeup.replica where state = 'held'") == 1)
        #expect(solution.log("one").contains("changed after it was copied"))
        #expect(try await solution.openProblems().map(\.what) == [])
    }

    @Test(.timeLimit(.minutes(3)))
    func `a file that is only touched is not copied twice, and a size in the row needs no look before the mark`()
        async throws
    {
        let one = try await PlainRecorder("one")
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 3))
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(one)
        try solution.configure([source], watching: "quiet = \"2s\"")
        let touched = try Growing(one, "a.mp3", sound)
        try await one.builder.add(
            RecordingSample("touched", stop: PlainRecorder.now, seconds: 3).media(touched.sample))
        let agent = try solution.start(source)
        defer { agent.send(SIGTERM); agent.wait() }
        let isHere = try await solution.replay.wait(upTo: .seconds(40)) { _ in try await held(solution) == [sound] }
        #expect(isHere, "\(solution.log("one").suffix(3000))")
        #expect(chmod(one.prefix + touched.sample.path.displayText, 0o600) == 0)
        try await one.builder.add(
            RecordingSample("sized", stop: PlainRecorder.now, seconds: 3).media(try one.file(.audio, "b.mp3", sound)))
        let isMarked = try await one.database.wait(upTo: .seconds(40)) {
            try await $0.count("select count(*) from callrec.couples where sid = 'sized' and synchronized = 'S'") == 1
        }
        #expect(isMarked)
        #expect(try await solution.count("select count(*) from takeup.afterlook") == 1)
        #expect(try await one.marks(upTo: .seconds(30)) == ["touched": "S", "sized": "S"])
        #expect(try await solution.count("select count(*) from takeup.replica") == 2)
        #expect(!solution.log("one").contains("changed after it was copied"))
    }
}
