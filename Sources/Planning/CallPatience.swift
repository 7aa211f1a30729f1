package import Vocabulary

/// When a call at a GIR site is looked at again after it was found: media come late, and every look is a question.
///
/// What was announced is asked for at every search while its call is in the window, as the manual has it, and behind it at
/// waits that grow with the call's age: a screen that came after a day is found three hours later. A call that has all is looked
/// at a number of times that grows with the logarithm of the window: something more may come.
package struct CallPatience: Hashable, Sendable {
    /// No wait is shorter: how often the site may be searched.
    package let shortest: Duration
    /// The window: so long after its end a call is followed that has all that was announced.
    package let follows: Duration

    /// So long after its end a call is waited for that announced a screen, or that could not be muxed.
    package static let awaitsScreen = Duration.seconds(30 * 86_400)
    private static let longest = Duration.seconds(6 * 3600)
    /// So long a call rests at least, and at most, that only a person can help.
    package static let shortestRest = Duration.seconds(3600)
    private static let longestRest = Duration.seconds(86_400)
    /// No call is given up that was tried less often.
    private static let leastTries = 5

    package init(shortest: Duration, follows: Duration) {
        self.shortest = shortest
        self.follows = follows
    }

    /// How long to wait before the next look; nil where there is to be none.
    ///
    /// - Parameters:
    ///   - stop: when the call ended; nil counts as now.
    ///   - isAwaited: whether a screen was announced that is not there.
    package func wait(at now: Instant, stop: Instant?, isAwaited: Bool) -> Duration? {
        let age = max(.zero, now - (stop ?? now))
        guard age < (isAwaited ? max(follows, CallPatience.awaitsScreen) : follows) else { return nil }
        let grown = isAwaited ? (age < follows ? .zero : age / 8) : age / 2
        return max(shortest, min(grown, CallPatience.longest))
    }

    /// How long to wait after a failure that does not pass by itself; nil where the call is given up, as it is that old and was
    /// tried often enough.
    ///
    /// - Parameters:
    ///   - stop: when the call ended; nil counts as now.
    ///   - failures: in a row, this one with them.
    package func rest(at now: Instant, stop: Instant?, failures: Int) -> Duration? {
        let age = max(.zero, now - (stop ?? now))
        // A window that reaches back further would find it again and again.
        if age >= max(follows, CallPatience.awaitsScreen), failures >= CallPatience.leastTries { return nil }
        return max(CallPatience.shortestRest, min(age / 8, CallPatience.longestRest))
    }
}
