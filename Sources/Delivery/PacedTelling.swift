internal import Synchronization

/// Lets what is met again and again be told once in a while, with how often it was met.
package final class PacedTelling<Key: Hashable & Sendable>: Sendable {
    private struct Standing {
        var told: Duration
        var untold = 0
    }

    private let period: Duration
    /// Monotonic, as a span since any start.
    private let clock: @Sendable () -> Duration
    private let standings = Mutex<[Key: Standing]>([:])

    package init(period: Duration, clock: @escaping @Sendable () -> Duration) {
        self.period = period
        self.clock = clock
    }

    /// How often it was met since it was told of, now included; nil while it is not to be told again. What is met no more
    /// is told no more.
    package func count(_ key: Key, times: Int = 1) -> Int? {
        let now = clock()
        return standings.withLock { standings in
            guard var standing = standings[key] else {
                standings[key] = Standing(told: now)
                return times
            }
            standing.untold += times
            defer { standings[key] = standing }
            guard now - standing.told >= period else { return nil }
            defer { standing = Standing(told: now) }
            return standing.untold
        }
    }
}
