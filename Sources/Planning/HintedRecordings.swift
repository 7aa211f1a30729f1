/// Recordings that hints were about and that no look has come to yet. A state machine without a clock: monotonic times come
/// in, as spans since a start that the caller chose.
package struct HintedRecordings: Hashable, Sendable {
    /// When each was hinted at last.
    private var times: [Int64: Duration] = [:]
    /// The one that waits longest first. Also holds some that wait no more.
    private var queue: ArraySlice<Int64> = []
    private let limit: Int

    /// - Parameter limit: more are refused.
    package init(limit: Int) { self.limit = limit }

    package var isEmpty: Bool { times.isEmpty }
    package var count: Int { times.count }
    package var ids: Set<Int64> { Set(times.keys) }

    /// One that is hinted at again keeps its place.
    /// - Returns: false where there are too many already: somebody has to look at all.
    @discardableResult
    package mutating func add(_ id: Int64, at now: Duration) -> Bool {
        guard times.count < limit || times[id] != nil else { return false }
        if times.updateValue(now, forKey: id) == nil { queue.append(id) }
        if queue.count > 2 * times.count + HintedRecordings.slack { tidy() }
        return true
    }

    /// Takes at most `count` out, for a look: those that wait longest.
    package mutating func take(_ count: Int) -> Set<Int64> {
        var taken: Set<Int64> = []
        while taken.count < count, let id = queue.popFirst() {
            if times.removeValue(forKey: id) != nil { taken.insert(id) }
        }
        return taken
    }

    /// The look failed: they are wanted again, however many there are, and before all others.
    package mutating func giveBack(_ ids: some Sequence<Int64>, at now: Duration) {
        var back: [Int64] = []
        for id in ids where times[id] == nil {
            times[id] = now
            back.append(id)
        }
        queue = back.sorted() + queue
    }

    private static let slack = 1000

    private mutating func tidy() {
        var seen: Set<Int64> = []
        queue = queue.filter { times[$0] != nil && seen.insert($0).inserted }[...]
    }

    /// These were looked at for another reason, by statements that began at `begun`: only a later hint may tell of more.
    package mutating func cover(_ ids: some Sequence<Int64>, lookedAtSince begun: Duration) {
        for id in ids {
            if let time = times[id], time < begun { times[id] = nil }
        }
    }
}
