package import Vocabulary

/// The two clocks that watching goes by.
package struct WatchClock: Sendable {
    /// Monotonic, as a span since any start; it also counts while the machine sleeps.
    package var now: @Sendable () -> Duration
    /// For nothing but which day it is at the recorder, and whether a stamp is old.
    package var instant: @Sendable () -> Instant

    package init(now: @escaping @Sendable () -> Duration, instant: @escaping @Sendable () -> Instant) {
        self.now = now
        self.instant = instant
    }

    package static func system() -> WatchClock {
        let start = ContinuousClock.now
        return WatchClock(now: { ContinuousClock.now - start }, instant: { systemInstant() })
    }
}
