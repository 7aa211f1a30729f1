/// How fast the keeper goes through recordings that need nothing, to see what changed and what is at risk.
package struct FollowPace: Hashable, Sendable {
    /// From the start of a round to the start of the next, unless one takes longer.
    package var round: Duration
    /// Between two pages, however little one costs.
    package var shortest: Duration
    /// The share of the recorder's time that pages may take, as one part in so many.
    package var oneIn: Int

    package init(round: Duration, shortest: Duration = .seconds(1), oneIn: Int = 20) {
        precondition(oneIn > 0, "A pace needs a share.")
        self.round = round
        self.shortest = min(shortest, round)
        self.oneIn = oneIn
    }

    /// After a page that took this long at the recorder.
    package func pause(afterPageOf cost: Duration) -> Duration { max(cost * oneIn, shortest) }

    /// After a round that took this long.
    package func pause(afterRoundOf span: Duration) -> Duration { max(round - span, shortest) }
}

/// The spans of time that are counted one by one, so that no statement reads years of an index at once.
///
/// A span that costs little makes the next one longer, and one that costs much shorter.
package struct CountingSpan: Hashable, Sendable {
    /// What one statement should take at most.
    private static let goal = Duration.milliseconds(100)
    private static let shortest = Duration.seconds(3600)
    private static let longest = Duration.seconds(3_650 * 86_400)

    package private(set) var length = Duration.seconds(86_400)
    package init() {}

    package mutating func took(_ cost: Duration) {
        if cost > CountingSpan.goal * 2 {
            length = max(length / 2, CountingSpan.shortest)
        } else if cost < CountingSpan.goal {
            length = min(length * 2, CountingSpan.longest)
        }
    }
}

/// Whether a count changed so much that a person should hear of it again.
package func isNotableChange(from told: Int, to now: Int) -> Bool {
    if told == now { return false }
    if told == 0 || now == 0 { return true }
    return abs(now - told) >= max(10, told / 10)
}
