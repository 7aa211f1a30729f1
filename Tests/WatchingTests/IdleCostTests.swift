import Files
import Planning
import Support
import Testing
import Vocabulary

@testable import Watching

/// What polling costs the server while nothing happens.
@Suite struct IdleCostTests {
    @Test func `an idle tree is never listed, and a hot directory costs two calls and a close, less often at rest`()
        async throws
    {
        let scratch = try Scratch()
        for number in 10..<30 { try scratch.makeDirectory("202601\(number)") }
        let calls = FaultyFiles()
        let settings = PollSettings(
            period: .milliseconds(50), busyFor: .milliseconds(1), granularity: .milliseconds(100))
        let tree = WatchedTree(scratch.path, mode: .polling, poll: settings, calls: calls)
        #expect(await tree.isScanned())
        // What was changed within the last tick of a clock is listed again; that is over by then.
        try await Task.sleep(for: .seconds(2))
        let before = (calls.count(of: .openBeneath), calls.count(of: .observe), calls.count(of: .list))
        try await Task.sleep(for: .seconds(3))
        let opened = calls.count(of: .openBeneath) - before.0
        #expect(calls.count(of: .list) == before.2)
        // One look may be under way.
        #expect((opened - 1...opened + 1).contains(calls.count(of: .observe) - before.1))
        // 21 directories that changed lately, each 575 ms: five or six times.
        #expect((21 * 2...21 * 6).contains(opened), "\(opened)")
        // Something comes, and is found within a resting period.
        let begun = ContinuousClock.now
        try scratch.write("20260115/first.mp3")
        #expect(await tree.hasTold(["20260115/first.mp3"]))
        #expect(ContinuousClock.now - begun < settings.restingPeriod + .seconds(1))
        await tree.stop()
    }
}
