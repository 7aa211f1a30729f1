internal import Glibc
internal import Ledger
internal import Support
internal import Testing
internal import Vocabulary

/// An agent that is told to stop while it copies, by the built program.
@Suite(.serialized) struct StopMidCopyTests {
    @Test(.timeLimit(.minutes(3)))
    func `an agent that is stopped in the middle of a copy leaves nothing, blames nobody, and the next one copies it`()
        async throws
    {
        let site = try await ScratchSite(
            watching: "quiet = \"500ms\"", sourceSettings: "interval = \"last-week\"\nread_limit = \"1MiB\"")
        let length = 32 << 20
        let stop = try await site.recorderNow()
        let path = FilePath("\(site.recorder.layout.screensRoot)/recd/\(stop.dayFolder)/long.recd")
        try site.recorder.put([UInt8](repeating: 9, count: length), at: path)
        _ = try await CatalogBuilder(site.source).add(
            RecordingSample("long", stop: stop, seconds: 4).media(MediaSample(.recd, path, size: Int64(length))))
        let agent = try site.start(.screens)
        let isUnderWay = try await site.wait(upTo: .seconds(60)) {
            guard site.log(.screens).contains("is read at no more than") else { return false }
            return try await site.count("select count(*) from takeup.intent where state = 'open'", in: site.replay) == 1
        }
        #expect(isUnderWay, "\(site.log(.screens))")
        try await Task.sleep(for: .seconds(1))
        let began = ContinuousClock.now
        agent.send(SIGTERM)
        #expect(agent.wait() == 0)
        let took = ContinuousClock.now - began
        // Half a minute of it was left, and a unit is killed after 90 s.
        #expect(took < .seconds(20), "\(took)")
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
        #expect(try await site.markedCount() == 0)
        let unblamed = "select count(*) from takeup.transfer where state <> 'done' and failures = 0 and faults = 0"
        #expect(try await site.count(unblamed, in: site.replay) == 1, "\(site.log(.screens).suffix(3000))")
        #expect(try await site.openProblems().map(\.what) == [])
        try site.rewriteSettings { $0.replacing("read_limit = \"1MiB\"", with: "") }
        let next = try site.start(.screens)
        let isMarked = try await site.wait(upTo: .seconds(90)) { try await site.markedCount() == 1 }
        next.send(SIGTERM)
        #expect(next.wait() == 0)
        #expect(isMarked, "\(site.log(.screens).suffix(3000))")
        let whole = "select count(*) from takeup.replica where state = 'held' and size = \(length)"
        #expect(try await site.count(whole, in: site.replay) == 1)
        #expect(try await site.unnamedFiles() == [])
        print("stop in the middle of a copy: gone after \(took.wholeMilliseconds) ms")
    }
}
