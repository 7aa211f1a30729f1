/// Bounds work in the background to a share of the time, however much one piece of it takes.
///
/// Times are monotonic, as a span since a start that the caller chose once.
package struct SharePace: Sendable {
    /// One part in so many.
    private let oneIn: Int
    /// One piece holds up the next for no longer than this: it may have waited for something that was away.
    private let longest: Duration
    private var free: Duration?

    package init(oneIn: Int, longest: Duration) {
        precondition(oneIn > 0, "A pace needs a share.")
        self.oneIn = oneIn
        self.longest = longest
    }

    /// A turn begins, so long after the one before: time that was left over then is gone.
    package mutating func begin(at now: Duration, after period: Duration) {
        free = max(free ?? now, now - period)
    }

    /// Whether one more piece has its place in the turn that began then.
    package func isDue(at now: Duration) -> Bool { free.map { $0 <= now } ?? true }

    package mutating func took(_ cost: Duration) {
        free = (free ?? .zero) + min(cost * oneIn, longest)
    }
}
