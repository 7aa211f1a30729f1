internal import Synchronization

/// Counts the turns of named loops, from any thread, for ``Watchdog`` to look at.
package final class Progress: Sendable {
    private let counts = Mutex<[String: UInt64]>([:])

    package init() {}

    /// The loop has done a turn, or a part of one that can take long.
    package func advance(_ loop: String) { counts.withLock { $0[loop, default: 0] += 1 } }

    package var turns: [String: UInt64] { counts.withLock { $0 } }
}
