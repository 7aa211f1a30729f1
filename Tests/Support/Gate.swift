internal import Glibc
internal import Synchronization

/// A place where one thread stands still until it is let on, as a stopped process would. Only the first that comes
/// stops; it goes on by itself after a minute, so that a failed test ends.
package final class Gate: Sendable {
    private struct State {
        var isReached = false
        var isOpen = false
    }
    private let state = Mutex(State())

    package init() {}

    /// Stands still, on a thread that may.
    package func stop() {
        let isFirst = state.withLock { state in
            defer { state.isReached = true }
            return !state.isReached
        }
        guard isFirst else { return }
        for _ in 0..<60_000 where !state.withLock({ $0.isOpen }) { usleep(1000) }
    }

    package func open() { state.withLock { $0.isOpen = true } }

    /// Returns when someone stands there. False: nobody came within a minute.
    package func isReached() async -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if state.withLock({ $0.isReached }) { return true }
            await Task.yield()
        }
        return false
    }
}

/// A place where two threads wait for each other, again and again.
package final class Rendezvous: Sendable {
    private let arrivals = Mutex<[Int: Int]>([:])

    package init() {}

    /// Waits for the other one in this round. Whoever comes a second time in one round goes on.
    package func meet(round: Int) {
        let isLate = arrivals.withLock { arrivals in
            arrivals[round, default: 0] += 1
            return (arrivals[round] ?? 0) > 2
        }
        if isLate { return }
        for _ in 0..<60_000 where arrivals.withLock({ ($0[round] ?? 0) < 2 }) { usleep(50) }
    }
}
