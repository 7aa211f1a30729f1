internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct LargeFileTests {
    /// No timing: the small ones begin after the large one, and are done before it.
    @Test(.timeLimit(.minutes(4)))
    func `a large file under way holds up no small one of its mount`() async throws {
        let recorder = try await PlainRecorder("one")
        let solution = try await ScratchSolution()
        let source = ScratchSolution.Source(recorder)
        try solution.configure([source])
        let agent = try solution.start(source)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        let isServing = try await solution.replay.wait(upTo: .seconds(30)) { _ in
            solution.log("one").contains("serves mount")
        }
        #expect(isServing)
        let stop = PlainRecorder.now
        // Whole to whoever reads them, so that nothing but the large one could hold them up.
        let small = try (0..<10).map { number in
            let sound = try RecorderModelMedia.shared().sound(seconds: 4, mark: "small-\(number)")
            return RecordingSample("small-\(number)", stop: stop, seconds: 4).media(
                try recorder.file(.audio, "\(number).mp3", sound))
        }
        // Written sparse: reading it costs little, copying it as much as its length says.
        let length = 900_000_000
        var large = try recorder.file(.recd, "large.recd", [0])
        #expect(truncate(recorder.prefix + large.path.displayText, off_t(length)) == 0)
        large.size = Int64(length)
        // Of so many zeros: with holes in it, nothing else would settle it at once.
        large.crc32 = 2_376_531_167
        try await recorder.builder.add(RecordingSample("large", stop: stop).media(large))
        let isUnderWay = try await solution.replay.wait(upTo: .seconds(60)) {
            try await $0.count("select count(*) from takeup.intent where state = 'open'") == 1
        }
        #expect(isUnderWay, "\(solution.log("one").suffix(3000))")
        try await recorder.database.transaction { session in
            for sample in small { try recorder.builder.add(sample, on: session) }
        }
        let marks = try await recorder.marks(upTo: .seconds(120))
        #expect(marks.count == 11 && marks.values.allSatisfy { $0 == "S" }, "\(solution.log("one").suffix(3000))")
        let order = try await solution.replay.perform { session in
            try session.query("select sid from takeup.replica order by id").map { try $0.text("sid") }
        }
        #expect(order.last == "large", "\(order)")
    }
}
