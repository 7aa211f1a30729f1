/// Recordings that hints were about and that no look has come to yet. A state machine without a clock: monotonic times come
/// in, as spans since a start that the caller chose.
package struct HintedRecordings: Hashable, Sendable {
    /// When each was hinted at last.
    private var times: [Int64: Duration] = [:]
    private let limit: Int

    /// - Parameter limit: more are refused.
    package init(limit: Int) { self.limit = limit }

    package var isEmpty: Bool { times.isEmpty }
    package var count: Int { times.count }
    package var ids: Set<Int64> { Set(times.keys) }

    /// - Returns: false where there are too many already: somebody has to look at all.
    @discardableResult
    package mutating func add(_ id: Int64, at now: Duration) -> Bool {
        guard times.count < limit || times[id] != nil else { return false }
        times[id] = now
        return true
    }

    /// Takes at most `count` out, for a look.
    package mutating func take(_ count: Int) -> Set<Int64> {
        let taken = Set(times.keys.prefix(count))
        for id in taken { times[id] = nil }
        return taken
    }

    /// The look failed: they are wanted again, however many there are.
    package mutating func giveBack(_ ids: some Sequence<Int64>, at now: Duration) {
        for id in ids where times[id] == nil { times[id] = now }
    }

    /// These were looked at for another reason, by statements that began at `begun`: only a later hint may tell of more.
    package mutating func cover(_ ids: some Sequence<Int64>, lookedAtSince begun: Duration) {
        for id in ids {
            if let time = times[id], time < begun { times[id] = nil }
        }
    }
}
