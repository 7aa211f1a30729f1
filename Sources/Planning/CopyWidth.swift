/// How many files are copied at once to one volume, found by measuring: a step more or less is tried between two times
/// without it, and kept where it is faster. It moves a step at a time, and rests long when neither way is better; then
/// everything is measured anew, for disks and their neighbours change.
///
/// Times are monotonic, as a span since a start that the caller chose once.
package struct CopyWidth: Hashable, Sendable {
    /// What can be tried.
    package static let steps = [1, 2, 3, 4, 6, 8, 12, 16]
    package static let first = 8

    private enum Phase: Hashable {
        case before([Double])
        case during([Double])
        case after([Double])
        case resting(until: Duration)
    }
    private enum Way: Int { case more = 1, less = -1 }

    /// Into ``steps``.
    private var place = CopyWidth.steps.firstIndex(of: CopyWidth.first) ?? 0
    private var phase = Phase.before([])
    private var way = Way.more
    /// Neither way again before the rest: the other one was refused, or led here.
    private var isOtherKnown = false
    private var rest = CopyWidth.shortestRest
    private var hasMoved = false
    /// The first measure after a change is of both widths.
    private var skips = false
    /// Whether both ways were tried at least once.
    package private(set) var isFound = false

    /// Measures of each of the three times; their median counts.
    private static let measures = 5
    /// More threads have to be worth their while; fewer may cost nothing.
    private static let gain = 1.1
    private static let loss = 0.97
    private static let shortestRest = Duration.seconds(300)
    private static let longestRest = Duration.seconds(2400)

    package init() {}

    /// How many files to copy at once now.
    package var width: Int {
        switch phase {
        case .before, .after, .resting: CopyWidth.steps[place]
        case .during: CopyWidth.steps[place + way.rawValue]
        }
    }

    /// What was measured with ``width`` while there was more to copy than that.
    package mutating func see(bytesPerSecond: Double, at now: Duration) {
        if skips {
            skips = false
            return
        }
        switch phase {
        case .resting(let until):
            if now < until { return }
            isOtherKnown = false
            hasMoved = false
            way = .more
            begin([bytesPerSecond], at: now)
        case .before(let seen):
            let seen = seen + [bytesPerSecond]
            if seen.count < CopyWidth.measures {
                phase = .before(seen)
            } else {
                before = seen
                change(to: .during([]))
            }
        case .during(let seen):
            let seen = seen + [bytesPerSecond]
            if seen.count < CopyWidth.measures {
                phase = .during(seen)
            } else {
                during = seen
                change(to: .after([]))
            }
        case .after(let seen):
            let seen = seen + [bytesPerSecond]
            if seen.count < CopyWidth.measures {
                phase = .after(seen)
            } else {
                decide(after: seen, at: now)
            }
        }
    }

    private var before: [Double] = []
    private var during: [Double] = []

    private mutating func change(to next: Phase) {
        phase = next
        skips = true
    }

    /// Both times without count: a disk that became slower meanwhile makes no width worse, nor better.
    private mutating func decide(after: [Double], at now: Duration) {
        let usual = max(median(before), median(after))
        if median(during) >= usual * (way == .more ? CopyWidth.gain : CopyWidth.loss) {
            place += way.rawValue
            // Behind it lies what was just left.
            isOtherKnown = true
            hasMoved = true
            begin([], at: now)
            skips = true
        } else {
            turn(at: now, seen: after)
        }
    }

    private mutating func begin(_ seen: [Double], at now: Duration) {
        if CopyWidth.steps.indices.contains(place + way.rawValue) {
            phase = .before(seen)
        } else {
            turn(at: now, seen: seen)
        }
    }

    private mutating func turn(at now: Duration, seen: [Double]) {
        way = way == .more ? .less : .more
        let isPossible = CopyWidth.steps.indices.contains(place + way.rawValue)
        if !isOtherKnown, isPossible {
            isOtherKnown = true
            before = seen
            // What was measured last is the time before, too.
            if seen.count == CopyWidth.measures { change(to: .during([])) } else { phase = .before(seen) }
            return
        }
        isFound = true
        rest = hasMoved ? CopyWidth.shortestRest : min(rest * 2, CopyWidth.longestRest)
        phase = .resting(until: now + rest)
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}
