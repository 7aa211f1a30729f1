internal import Vocabulary

/// How long to wait before the next attempt. It never says to give up: work is not dropped because it failed often.
///
/// Full jitter: a uniform wait below a ceiling that doubles with each attempt, so that what failed together does not
/// come back together.
///
/// Invariant: zero < `first` ≤ `longest`, zero ≤ `shortest` ≤ `first`.
package struct Retry: Hashable, Sendable {
    /// No wait is shorter, so that a failure that comes at once does not spin.
    package let shortest: Duration
    /// The ceiling after the first attempt.
    package let first: Duration
    /// No wait is longer.
    package let longest: Duration

    package init?(shortest: Duration, first: Duration, longest: Duration) {
        guard .zero <= shortest, shortest <= first, .zero < first, first <= longest else { return nil }
        self.shortest = shortest
        self.first = first
        self.longest = longest
    }

    private init(_ shortest: Duration, _ first: Duration, _ longest: Duration) {
        self.shortest = shortest
        self.first = first
        self.longest = longest
    }

    /// For one file or recording: 1 s at first, 15 minutes at most.
    package static let work = Retry(.milliseconds(200), .seconds(1), .seconds(900))
    /// For a database or a service that many wait for: quick at first, 30 s at most.
    package static let connection = Retry(.milliseconds(100), .milliseconds(500), .seconds(30))

    /// The ceiling after so many failed attempts; 0 counts as 1.
    package func ceiling(afterAttempts attempts: Int) -> Duration {
        // 2^40 times anything above a microsecond is over 12 days, and past any sensible `longest`.
        let doublings = min(max(attempts, 1) - 1, 40)
        let (micros, overflows) = max(1, first.wholeMicroseconds).multipliedReportingOverflow(by: 1 << doublings)
        return overflows ? longest : min(longest, .microseconds(micros))
    }

    /// A wait between `shortest` and the ceiling after so many failed attempts.
    package func wait(afterAttempts attempts: Int, using chance: inout some RandomNumberGenerator) -> Duration {
        let lowest = shortest.wholeMicroseconds
        let highest = max(lowest, ceiling(afterAttempts: attempts).wholeMicroseconds)
        return .microseconds(Int64.random(in: lowest...highest, using: &chance))
    }
}
