import Planning
import Testing
import Vocabulary

@Suite struct RetryTests {
    private let retry = Retry(shortest: .milliseconds(100), first: .seconds(1), longest: .seconds(60))

    @Test(arguments: [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (41, 60), (Int.max, 60)])
    func `the ceiling doubles up to the longest wait`(attempts: Int, seconds: Int) throws {
        #expect(try #require(retry).ceiling(afterAttempts: attempts) == .seconds(seconds))
    }

    @Test func `waits fill the room between the bounds, and the same chance gives the same wait`() throws {
        let retry = try #require(retry)
        var chance = Lehmer(state: 42)
        let waits = (0..<2000).map { _ in retry.wait(afterAttempts: 3, using: &chance) }
        #expect(waits.allSatisfy { $0 >= .milliseconds(100) && $0 <= .seconds(4) })
        #expect(waits.contains { $0 < .milliseconds(300) } && waits.contains { $0 > .milliseconds(3800) })
        var again = Lehmer(state: 42)
        #expect(retry.wait(afterAttempts: 3, using: &again) == waits[0])
    }

    @Test func `a first wait in nanoseconds and a longest in years do not overflow`() throws {
        var chance = Lehmer(state: 1)
        let tiny = try #require(Retry(shortest: .zero, first: .nanoseconds(1), longest: .seconds(4_000_000_000)))
        #expect(tiny.ceiling(afterAttempts: 1000) <= .seconds(4_000_000_000))
        let huge = try #require(Retry(shortest: .zero, first: .seconds(1_000_000), longest: .seconds(4_000_000_000)))
        #expect(huge.ceiling(afterAttempts: 1000) == .seconds(4_000_000_000))
        #expect(huge.wait(afterAttempts: 1000, using: &chance) >= .zero)
    }

    @Test(arguments: [(-1, 1, 2), (2, 1, 2), (0, 0, 2), (0, 3, 2)])
    func `bounds out of order are refused`(shortest: Int, first: Int, longest: Int) {
        #expect(Retry(shortest: .seconds(shortest), first: .seconds(first), longest: .seconds(longest)) == nil)
    }
}

/// Chance that can be repeated.
private struct Lehmer: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
