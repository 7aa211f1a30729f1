package import Vocabulary

/// How a recording waits for a screen that was announced, at whatever kind of site.
package struct ScreenWaitRules: Hashable, Sendable {
    /// The shortest and the longest time between two looks.
    package var shortest: Duration
    package var longest: Duration
    /// Since it was known that the screen is not there.
    package var giveUpAfter: Duration

    package init(
        shortest: Duration = .seconds(60), longest: Duration = .seconds(21_600),
        giveUpAfter: Duration = .seconds(7 * 86_400)
    ) {
        self.shortest = shortest
        self.longest = longest
        self.giveUpAfter = giveUpAfter
    }
}

package enum ScreenWait: Hashable, Sendable {
    /// It is looked for again after this.
    case look(after: Duration)
    /// It is told of, and not looked for any more. A screen that comes all the same is taken as any.
    case giveUp
}

/// What to do about a screen that is not there at a look.
///
/// Intervals grow with the age: each is as long as all before it. The last look is at the age at which it is given up.
/// - Parameter age: since it was known that the screen is not there. A clock that was put back makes it negative.
package func screenWait(age: Duration, rules: ScreenWaitRules) -> ScreenWait {
    if age >= rules.giveUpAfter { return .giveUp }
    let interval = min(max(age, rules.shortest), max(rules.shortest, rules.longest))
    return .look(after: min(interval, rules.giveUpAfter - max(age, .zero)))
}

/// What says that a recording has a screen.
package enum ScreenAnnouncement: String, CaseIterable, Hashable, Sendable {
    /// A row, or a site's metadata, names its file.
    case row
    /// External data, or a site's user data.
    case data
}

extension ScreenAnnouncement {
    /// Whether one of `words` is among the keys or the values.
    package static func isMade(in data: some Sequence<ExternalDatum>, words: Set<String>) -> Bool {
        data.contains { words.contains($0.key) || words.contains($0.value) }
    }
}
