package import Vocabulary

/// A stretch of time that calls are searched for in: those that began at `from` or later, and ended at `to` or earlier.
package struct SearchWindow: Hashable, Sendable {
    package let from: Instant
    /// Nil where it reaches to now: the search has no end then, whatever the two clocks say.
    package let to: Instant?

    package init(from: Instant, to: Instant?) {
        self.from = from
        self.to = to
    }

    /// From so long ago to so long ago. Zero for `olderThan` means up to now.
    package init(past: Duration, olderThan: Duration, now: Instant) {
        from = now - past
        to = olderThan > .zero ? now - olderThan : nil
    }

    /// Parts of it, the newest first, that are asked for one after the other to spare the search engine.
    ///
    /// Each is `longest` at most and overlaps its neighbour by `buffer`: a question finds only calls that lie in it as a
    /// whole, so every call of the window that is no longer than `buffer` is found, some of them twice. Longer ones that lie across
    /// two parts are not, which is why `buffer` is to be the longest call that is expected.
    ///
    /// Zero < `buffer` < `longest`; anything else gives the window as a whole.
    package func parts(longest: Duration, buffer: Duration, now: Instant) -> [SearchWindow] {
        guard .zero < buffer, buffer < longest else { return [self] }
        let step = longest - buffer
        var parts: [SearchWindow] = []
        var end = to ?? now
        var isNewest = true
        while end - from > longest {
            parts.append(SearchWindow(from: end - longest, to: isNewest ? to : end))
            isNewest = false
            end = end - step
        }
        parts.append(SearchWindow(from: from, to: isNewest ? to : end))
        return parts
    }
}

extension Instant {
    fileprivate static func - (end: Instant, span: Duration) -> Instant {
        Instant(microseconds: end.microseconds - span.wholeMicroseconds)
    }
}
