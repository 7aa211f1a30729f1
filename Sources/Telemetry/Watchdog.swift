/// Decides whether the service as a whole still moves. systemd's watchdog is fed by this alone, never by a timer, so a
/// service that hangs is restarted even when its timers run.
///
/// Times are spans since any fixed point on a clock that only goes forward.
package struct Watchdog: Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Every loop moved within its bound.
        case feed
        /// These did not; how long each has been still.
        case withhold([Stalled])
    }

    package struct Stalled: Equatable, Sendable {
        package let loop: String
        package let still: Duration
    }

    private struct Loop: Sendable {
        let name: String
        let bound: Duration
        var turns: UInt64
        var moved: Duration
    }

    private var loops: [Loop] = []

    package init() {}

    /// Watches a loop that counts its turns. `bound` is the longest that a turn may take, its pause included.
    package mutating func watch(_ name: String, bound: Duration, turns: UInt64 = 0, at now: Duration) {
        loops.removeAll { $0.name == name }
        loops.append(Loop(name: name, bound: bound, turns: turns, moved: now))
    }

    /// The loop has ended as it should.
    package mutating func release(_ name: String) { loops.removeAll { $0.name == name } }

    /// Looks at the counts of turns; a loop without a count has not moved.
    package mutating func look(turns: [String: UInt64], at now: Duration) -> Verdict {
        var stalled: [Stalled] = []
        for index in loops.indices {
            if let count = turns[loops[index].name], count != loops[index].turns {
                loops[index].turns = count
                loops[index].moved = now
            }
            let still = now - loops[index].moved
            if still > loops[index].bound { stalled.append(Stalled(loop: loops[index].name, still: still)) }
        }
        return stalled.isEmpty ? .feed : .withhold(stalled)
    }
}
