import Planning
import Testing
import Vocabulary

@Suite struct ScreenWaitTests {
    private let rules = ScreenWaitRules(
        shortest: .seconds(60), longest: .seconds(3600), giveUpAfter: .seconds(4 * 3600))

    /// The ages at which it is looked at, from the first on, and the age at which it is given up.
    private func looks(_ rules: ScreenWaitRules) -> (ages: [Duration], givenUp: Duration) {
        var age = Duration.zero
        var ages: [Duration] = []
        while ages.count < 1000 {
            switch screenWait(age: age, rules: rules) {
            case .look(let pause):
                age += pause
                ages.append(age)
            case .giveUp: return (ages, age)
            }
        }
        return (ages, .zero)
    }

    @Test func `intervals grow up to the longest, and the last look is at the stated age`() {
        let (ages, givenUp) = looks(rules)
        #expect(ages.map { $0 / 60 } == [1, 2, 4, 8, 16, 32, 64, 124, 184, 240].map { Duration.seconds($0) })
        #expect(givenUp == rules.giveUpAfter)
    }

    @Test func `a look that comes late, or a clock that was put back, changes no more than the next interval`() {
        #expect(screenWait(age: .seconds(1000), rules: rules) == .look(after: .seconds(1000)))
        #expect(screenWait(age: .seconds(-5000), rules: rules) == .look(after: .seconds(60)))
        #expect(screenWait(age: .seconds(14_399), rules: rules) == .look(after: .seconds(1)))
        #expect(screenWait(age: .seconds(14_400), rules: rules) == .giveUp)
        #expect(screenWait(age: .seconds(1_000_000), rules: rules) == .giveUp)
    }

    @Test func `rules that contradict each other still end`() {
        let odd = ScreenWaitRules(shortest: .seconds(600), longest: .seconds(1), giveUpAfter: .seconds(1500))
        #expect(looks(odd).ages == [.seconds(600), .seconds(1200), .seconds(1500)])
        #expect(looks(ScreenWaitRules(giveUpAfter: .zero)).ages == [])
    }

    @Test func `a word announces as a key or as a value, whole`() {
        let words: Set = ["SRSScreenRecordingStateStarted", "has_screen"]
        func isMade(_ key: String, _ value: String) -> Bool {
            ScreenAnnouncement.isMade(in: [ExternalDatum(key: key, value: value)], words: words)
        }
        #expect(isMade("state", "SRSScreenRecordingStateStarted"))
        #expect(isMade("has_screen", "1"))
        #expect(!isMade("has_screens", "yes"))
        #expect(!isMade("state", "SRSScreenRecordingStateStartedLate"))
        #expect(!ScreenAnnouncement.isMade(in: [], words: words))
    }
}
