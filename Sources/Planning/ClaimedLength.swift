internal import Vocabulary

/// How long a file lasts, as its row says.
package struct ClaimedLength: Hashable, Sendable {
    package var length: Duration
    /// How far a file that is whole, and whose clock was right, may be from it.
    package var granularity: Duration
    /// Whether the row may tell of the call: another file, of another kind, has the very same times.
    package var mayBeCalls = false

    /// Of two times that are each somewhere in their second.
    package static let wholeSeconds = Duration.seconds(2)
    /// Of finer times: a frame of sound, a picture, and the moment that a recorder takes to begin and to end a file.
    package static let fine = Duration.milliseconds(250)
    /// No call is longer: what says so says nothing.
    package static let mostCredible = Duration.seconds(2 * 86_400)

    package init(_ length: Duration, granularity: Duration = wholeSeconds) {
        self.length = length
        self.granularity = granularity
    }

    /// Nil where the row tells no length: a time is missing, it ends when it begins or before, or lasts for days; and
    /// where the row of another file of the same kind says the very same times: those are the call's.
    ///
    /// - Parameters:
    ///   - others: of the recording's other files of the same kind.
    ///   - sound: of a screen, those of its sound.
    package init?(_ own: ClaimedTimes, among others: [ClaimedTimes] = [], sound: ClaimedTimes? = nil) {
        guard let start = own.start, let stop = own.stop, stop > start, !others.contains(own) else { return nil }
        let (microseconds, overflows) = stop.microseconds.subtractingReportingOverflow(start.microseconds)
        guard !overflows, .microseconds(microseconds) <= ClaimedLength.mostCredible else { return nil }
        length = .microseconds(microseconds)
        granularity = own.isOfWholeSeconds ? ClaimedLength.wholeSeconds : ClaimedLength.fine
        mayBeCalls = own == sound
    }
}

/// What the length that was measured says beside the row's.
package enum LengthFinding: Hashable, Sendable {
    /// The row says the same, as far as its granularity goes, or nothing.
    case agrees
    /// The file is whole, so its clock ran wrong: so many seconds of the recorder's for one of its own.
    case drift(Double)
    /// They differ, and nothing says whether the clock ran wrong or a part is missing.
    case unexplained
    /// More is missing than any clock explains, and than the file or the row may explain.
    case short

    /// A recorder that lets a picture stand for so long writes one only where something changes. At the end of a call, which
    /// no picture ends, it may stand far longer.
    static let longStill = Duration.seconds(2)

    /// - Parameters:
    ///   - isWhole: whether the file shows that it has all that was written of it.
    ///   - longestStill: how long one picture stands in it at most. A recorder that writes a picture only where one changes
    ///     may write none for as long at its end.
    package init(
        claimed: ClaimedLength?, measured: Duration, isWhole: Bool, longestStill: Duration = .zero,
        rules: ArrangeRules = ArrangeRules()
    ) {
        guard let claimed, measured > .zero else {
            self = .agrees
            return
        }
        let missing = claimed.length - measured
        let mostDrift = claimed.length * rules.mostDrift
        if abs(missing) <= claimed.granularity {
            self = .agrees
        } else if missing > .zero && missing <= longestStill {
            // Its last picture may have stood for so long.
            self = .unexplained
        } else if missing > max(rules.leastShortage, mostDrift) {
            // Rows are of the clock on the wall, which is put forward by an hour once a year.
            let isOneHour = abs(missing - .seconds(3600)) <= rules.leastShortage
            let mayStand = isWhole && longestStill >= LengthFinding.longStill
            self = isOneHour || mayStand || claimed.mayBeCalls ? .unexplained : .short
        } else if claimed.mayBeCalls && claimed.granularity < ClaimedLength.wholeSeconds {
            // Whole seconds may be the same by chance, finer times are not.
            self = .unexplained
        } else {
            let isSmall = abs(missing) <= mostDrift
            self = isWhole && isSmall ? .drift(claimed.length.inSeconds / measured.inSeconds) : .unexplained
        }
    }
}

private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }
