/// How often a source's catalog may be looked at.
package struct LookPace: Hashable, Sendable {
    /// Between the starts of two looks when looks cost the recorder next to nothing.
    package var shortest: Duration
    /// Between the starts of two looks, however much one costs.
    package var longest: Duration
    /// The share of the recorder's time that looks may take, as one part in so many.
    package var oneIn: Int

    package init(shortest: Duration = .milliseconds(10), longest: Duration = .seconds(1), oneIn: Int = 4) {
        precondition(oneIn > 0 && shortest <= longest, "A pace needs a share and a span that is no less than nothing.")
        self.shortest = shortest
        self.longest = longest
        self.oneIn = oneIn
    }

    /// The spacing that keeps looks of this cost within their share.
    package func spacing(forCost cost: Duration) -> Duration { min(max(cost * oneIn, shortest), longest) }
}

/// Gathers the hints of one source into looks: the first hint after a rest brings a look at once, all further ones
/// wait for the spacing and become one look.
///
/// A state machine without a clock: monotonic times come in, as spans since a start that the caller chose.
///
///     idle -hint-> due -began-> looking -ended-> idle
///                               looking -hint-> looking again -ended-> due
package struct HintGathering: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case idle
        /// A look is wanted, not before `at`.
        case due(at: Duration)
        /// A look that began at `since` runs; `again`: a hint came that it may have missed.
        case looking(since: Duration, again: Bool)
    }

    package private(set) var state: State = .idle
    /// What a look costs the recorder: rises at once, falls by a quarter of the difference with each look.
    package private(set) var cost: Duration = .zero
    private let pace: LookPace
    private var lastStart: Duration?

    package init(pace: LookPace = LookPace()) { self.pace = pace }

    /// Between the starts of two looks, as things are.
    package var spacing: Duration { pace.spacing(forCost: cost) }

    /// When the next look is due; nil when none is wanted or one runs.
    package var due: Duration? {
        if case .due(let at) = state { return at }
        return nil
    }

    /// Something may have changed.
    package mutating func hint(at now: Duration) {
        switch state {
        case .idle: state = .due(at: earliest(from: now))
        case .due: break
        case .looking(let since, _): state = .looking(since: since, again: true)
        }
    }

    /// Begins the look that is due; false when none is.
    package mutating func begin(at now: Duration) -> Bool {
        guard case .due(let at) = state, at <= now else { return false }
        lastStart = now
        state = .looking(since: now, again: false)
        return true
    }

    /// The look ended. `measured` is what it cost the recorder: the time of its statements, not of our own work.
    /// `more` says that it was cut by its batch size, so that another one is wanted without a hint.
    package mutating func end(at now: Duration, measured: Duration, more: Bool = false) {
        guard case .looking(_, let again) = state else { return }
        cost = measured >= cost ? measured : cost - (cost - measured) / 4
        state = again || more ? .due(at: earliest(from: now)) : .idle
    }

    private func earliest(from now: Duration) -> Duration {
        guard let lastStart else { return now }
        return max(now, lastStart + spacing)
    }
}
