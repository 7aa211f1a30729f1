import Testing

@testable import Telemetry

@Suite struct WatchdogTests {
    @Test func `it is fed as long as every loop moves within its bound`() {
        var watchdog = Watchdog()
        watchdog.watch("looking", bound: .seconds(20), at: .zero)
        watchdog.watch("copying", bound: .seconds(60), at: .zero)
        #expect(watchdog.look(turns: [:], at: .seconds(20)) == .feed)
        #expect(watchdog.look(turns: ["looking": 1], at: .seconds(21)) == .feed)
        #expect(watchdog.look(turns: ["looking": 2, "copying": 1], at: .seconds(40)) == .feed)
        #expect(watchdog.look(turns: ["looking": 3, "copying": 1], at: .seconds(60)) == .feed)
    }

    @Test func `one loop that stands still starves it, and is named, until it moves`() {
        var watchdog = Watchdog()
        watchdog.watch("looking", bound: .seconds(20), at: .zero)
        watchdog.watch("copying", bound: .seconds(60), at: .zero)
        let verdict = watchdog.look(turns: ["copying": 9], at: .seconds(21))
        #expect(verdict == .withhold([.init(loop: "looking", still: .seconds(21))]))
        #expect(watchdog.look(turns: ["looking": 1, "copying": 9], at: .seconds(22)) == .feed)
    }

    @Test func `a loop that ended as it should is not missed`() {
        var watchdog = Watchdog()
        watchdog.watch("scan", bound: .seconds(1), at: .zero)
        watchdog.release("scan")
        #expect(watchdog.look(turns: [:], at: .seconds(100)) == .feed)
    }

    @Test func `a loop that begins anew has its time from then`() {
        var watchdog = Watchdog()
        watchdog.watch("scan", bound: .seconds(10), at: .zero)
        watchdog.watch("scan", bound: .seconds(10), turns: 5, at: .seconds(50))
        #expect(watchdog.look(turns: ["scan": 5], at: .seconds(60)) == .feed)
        let verdict = watchdog.look(turns: ["scan": 5], at: .seconds(61))
        #expect(verdict == .withhold([.init(loop: "scan", still: .seconds(11))]))
    }

    @Test func `turns are counted from any thread`() async {
        let progress = Progress()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { progress.advance("a") } }
        }
        #expect(progress.turns == ["a": 100])
    }
}
