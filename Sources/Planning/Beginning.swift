package import Vocabulary

/// When a file began and ended, as its row says on the recorder's clock.
package struct ClaimedTimes: Hashable, Sendable {
    package var start: WallTime?
    package var stop: WallTime?
    package init(start: WallTime?, stop: WallTime?) {
        self.start = start
        self.stop = stop
    }

    /// Whether each of them may be anywhere in its second.
    package var isOfWholeSeconds: Bool {
        [start, stop].allSatisfy { ($0?.microseconds ?? 0) % 1_000_000 == 0 }
    }
}

/// Between which moments a file began.
///
/// A row with whole seconds says only *somewhere in that second*, of the start and of the stop; the measured length makes
/// one of the other, and both have to be true.
package struct Beginning: Hashable, Sendable {
    package let earliest: WallTime
    package let latest: WallTime

    private static let second: Int64 = 1_000_000

    /// - Parameter length: measured.
    /// - Returns: nil where the row says nothing.
    package init?(of claim: ClaimedTimes, lasting length: Duration) {
        guard let start = claim.start else { return nil }
        guard claim.isOfWholeSeconds else {
            (earliest, latest) = (start, start)
            return
        }
        let bySecond = start.microseconds...(start.microseconds + Beginning.second)
        var range = bySecond
        if let stop = claim.stop {
            let end = stop.microseconds - length.wholeMicroseconds
            let byStop = end...(end + Beginning.second)
            // A length that contradicts the row narrows nothing.
            if byStop.overlaps(bySecond) { range = bySecond.clamped(to: byStop) }
        }
        earliest = WallTime(microseconds: range.lowerBound)
        latest = WallTime(microseconds: range.upperBound)
    }

    fileprivate var doubledMiddle: Int64 { earliest.microseconds + latest.microseconds }
    fileprivate var width: Int64 { latest.microseconds - earliest.microseconds }
}

/// How long after one file another began.
package struct Offset: Hashable, Sendable {
    package var estimate: Duration
    /// How far the estimate may be off, either way.
    package var uncertainty: Duration

    /// Zero, and as uncertain as it gets, where one of them is not known.
    package init(from one: Beginning?, to other: Beginning?) {
        guard let one, let other else {
            (estimate, uncertainty) = (.zero, .seconds(1))
            return
        }
        estimate = .microseconds((other.doubledMiddle - one.doubledMiddle) / 2)
        uncertainty = .microseconds((one.width + other.width) / 2)
    }
}
