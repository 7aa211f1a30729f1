internal import Planning
internal import Testing

@Suite struct FollowPaceTests {
    @Test(arguments: [(0, 1000), (10, 1000), (100, 2000), (5000, 100_000)])
    func `the pause grows with what a page costs`(cost: Int, pause: Int) {
        let pace = FollowPace(round: .seconds(900))
        #expect(pace.pause(afterPageOf: .milliseconds(cost)) == .milliseconds(pause))
    }

    @Test func `a round begins when its time has come, and never at once`() {
        let pace = FollowPace(round: .seconds(900))
        #expect(pace.pause(afterRoundOf: .seconds(100)) == .seconds(800))
        #expect(pace.pause(afterRoundOf: .seconds(5000)) == .seconds(1))
        #expect(FollowPace(round: .milliseconds(300)).pause(afterPageOf: .zero) == .milliseconds(300))
    }

    @Test func `spans that cost little grow, those that cost much shrink, within bounds`() {
        var span = CountingSpan()
        #expect(span.length == .seconds(86_400))
        span.took(.milliseconds(1))
        #expect(span.length == .seconds(2 * 86_400))
        span.took(.milliseconds(150))
        #expect(span.length == .seconds(2 * 86_400))
        for _ in 0..<50 { span.took(.seconds(1)) }
        #expect(span.length == .seconds(3600))
        for _ in 0..<50 { span.took(.zero) }
        #expect(span.length == .seconds(3650 * 86_400))
    }

    @Test(arguments: [
        (0, 0, false), (0, 1, true), (1, 0, true), (5, 6, false), (100, 109, false), (100, 110, true),
        (1000, 1099, false), (1000, 900, true),
    ])
    func `a count is told again when it changed notably`(told: Int, now: Int, isTold: Bool) {
        #expect(isNotableChange(from: told, to: now) == isTold)
    }
}
