import Testing
import Vocabulary

@testable import Planning

@Suite struct ScreenedSoundTests {
    private func medium(_ id: String, _ agent: String?, _ start: Int64?, _ stop: Int64?) -> PlacedMedium {
        PlacedMedium(
            id: id, agent: agent, start: start.map { Instant(microseconds: $0 * 1_000_000) },
            stop: stop.map { Instant(microseconds: $0 * 1_000_000) })
    }

    private func pairs(_ sounds: [PlacedMedium], _ screens: [PlacedMedium]) -> [String] {
        pair(sounds: sounds, screens: screens).pairs.map { "\($0.sound):\($0.screens.joined(separator: "+"))" }
    }

    @Test func `screens of one agent make one result with the sound that they overlap, in the order of their start`() {
        let found = pairs([medium("s", "a", 0, 60)], [medium("2", "a", 30, 50), medium("1", "a", 4, 31)])
        #expect(found == ["s:1+2"])
    }

    @Test func `each agent's screens go to the agent's own sound`() {
        let sounds = [medium("s1", "Ann", 0, 60), medium("s2", "bob", 20, 90)]
        let screens = [medium("x", "Bob", 21, 80), medium("y", "ann", 1, 59)]
        #expect(pairs(sounds, screens) == ["s1:y", "s2:x"])
    }

    @Test func `of several sounds of the agent the one that began first has the screen`() {
        let sounds = [medium("late", "a", 30, 60), medium("first", "a", 0, 40)]
        #expect(pairs(sounds, [medium("x", "a", 5, 58)]) == ["first:x"])
        // One that ended in the second in which the screen began is not meant.
        let touching = [medium("old", "a", 0, 10), medium("new", "a", 10, 60)]
        #expect(pairs(touching, [medium("x", "a", 10, 58)]) == ["new:x"])
    }

    @Test func `without an agent the sound with most time in common has the screen`() {
        let sounds = [medium("s1", nil, 0, 30), medium("s2", "b", 25, 90)]
        #expect(pairs(sounds, [medium("x", nil, 20, 80)]) == ["s2:x"])
        #expect(pairs(sounds, [medium("x", "c", 0, 29)]) == ["s1:x"])
    }

    @Test func `screens of two agents at one sound are two results`() {
        let found = pairs([medium("s", "a", 0, 60)], [medium("x", "a", 0, 60), medium("y", "b", 0, 60)])
        #expect(found == ["s:x", "s:y"])
    }

    @Test func `a screen of another time belongs to no sound, and one second is no other time`() {
        let sound = [medium("s", "a", 100, 160)]
        let found = pair(sounds: sound, screens: [medium("before", "a", 0, 98), medium("after", "a", 162, 170)])
        #expect(found.pairs.isEmpty && found.lonely == ["before", "after"])
        #expect(pairs(sound, [medium("x", "a", 161, 170)]) == ["s:x"])
    }

    @Test func `a medium without times overlaps everything`() {
        #expect(pairs([medium("s", "a", nil, nil)], [medium("x", nil, 5, 6)]) == ["s:x"])
        #expect(pairs([medium("s", "a", 0, 60)], [medium("x", nil, nil, nil)]) == ["s:x"])
        #expect(pair(sounds: [], screens: [medium("x", nil, nil, nil)]).lonely == ["x"])
    }

    @Test func `the order in which RWS names media changes nothing`() {
        let sounds = [medium("s1", nil, 0, 60), medium("s2", nil, 0, 60), medium("s3", "c", 0, 9)]
        let screens = (0..<6).map { medium("x\($0)", $0 < 3 ? nil : "c", Int64($0), Int64($0) + 5) }
        let expected = Set(pairs(sounds, screens))
        for _ in 0..<20 { #expect(Set(pairs(sounds.shuffled(), screens.shuffled())) == expected) }
    }
}

@Suite struct CallPatienceTests {
    private let patience = CallPatience(shortest: .seconds(60), follows: .seconds(86_400))
    private func wait(age: Int64, isAwaited: Bool) -> Duration? {
        patience.wait(
            at: Instant(microseconds: 1_000_000_000_000_000),
            stop: Instant(microseconds: 1_000_000_000_000_000 - age * 1_000_000),
            isAwaited: isAwaited)
    }

    @Test
    func `what was announced is asked for at every search while its call is in the window, and then ever more rarely`()
    {
        #expect(wait(age: 0, isAwaited: true) == .seconds(60))
        #expect(wait(age: 86_399, isAwaited: true) == .seconds(60))
        #expect(wait(age: 86_400, isAwaited: true) == .seconds(10_800))
        #expect(wait(age: 20 * 86_400, isAwaited: true) == .seconds(21_600))
        #expect(wait(age: 30 * 86_400, isAwaited: true) == nil)
    }

    @Test func `a call that has all is followed to the end of the window, by a few looks`() {
        #expect(wait(age: 0, isAwaited: false) == .seconds(60))
        #expect(wait(age: 3600, isAwaited: false) == .seconds(1800))
        #expect(wait(age: 86_400, isAwaited: false) == nil)
        var (age, looks) = (Int64(0), 0)
        while let wait = wait(age: age, isAwaited: false) { (age, looks) = (age + wait.components.seconds, looks + 1) }
        #expect((8...25).contains(looks))
    }

    @Test func `a call without an end is looked at as if it had ended now`() {
        #expect(patience.wait(at: Instant(microseconds: 5), stop: nil, isAwaited: false) == .seconds(60))
        // A clock that is ahead of ours.
        #expect(wait(age: -500, isAwaited: true) == .seconds(60))
    }
}
