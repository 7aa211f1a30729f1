import Planning
import Testing
import Vocabulary

@testable import Interaction
@testable import Muxer

/// What the records of a call say before anything is fetched.
@Suite struct GIRPairsTests {
    private func medium(
        _ id: String, _ type: String = "video/mp4", _ start: Int64 = 0, _ stop: Int64? = 60, length: Duration? = nil,
        sources: [String]? = nil
    ) -> SiteMedium {
        SiteMedium(
            mediaID: id, type: type, start: Instant(microseconds: start * 1_000_000),
            stop: stop.map { Instant(microseconds: $0 * 1_000_000) }, length: length, byteCount: nil, address: "",
            storage: .unknown("nothing"), envelope: nil, agent: nil, sources: sources)
    }

    private var call: SiteCall {
        SiteCall(
            id: "c", region: "", start: nil, stop: nil, media: [medium("s", "audio/mp3")], hasScreenMark: true)
    }

    @Test func `a result whose record lost its sources is no screen of its call`() {
        let result = SourcePair(sound: "s", screens: ["a", "b"])
        let screens = [medium("a"), medium("b", "video/mp4", 10), medium(result.resultName)]
        #expect(SiteWork.pairs(of: call, screens).pairs == [result])
        // One more that came later makes another pair, of raw screens alone.
        let more = SiteWork.pairs(of: call, screens + [medium("c", "video/mp4", 20)]).pairs
        #expect(more == [SourcePair(sound: "s", screens: ["a", "b", "c"])])
    }

    @Test func `a result of all screens and more stands for a pair, one of fewer does not`() {
        let pair = SourcePair(sound: "s", screens: ["a", "b"])
        func isDone(_ sources: [String]) -> Bool { pair.isDone(in: [medium("a"), medium("x", sources: sources)]) }
        #expect(isDone(["s", "b", "a"]) && isDone(["s", "a", "b", "c"]))
        #expect(!isDone(["s", "a"]) && !isDone(["t", "a", "b"]) && !isDone([]))
    }

    @Test func `a result of a sound whose screens are all another sound's by now is that sound's to replace`() {
        let (one, other) = (SourcePair(sound: "s", screens: ["a"]), SourcePair(sound: "t", screens: ["b", "c"]))
        func heirs(_ sources: [String], name: String? = nil) -> [SourcePair]? {
            let made = SourcePair(sound: sources[0], screens: Array(sources[1...]))
            return SourcePair.heirs(
                of: medium(name ?? made.resultName, sources: sources), among: [one, other], sounds: ["s", "t"])
        }
        #expect(
            heirs(["s", "b"]) == [other] && heirs(["s", "b", "c"]) == [other, other] && heirs(["t", "a"]) == [one])
        // Its own pair's, one with a screen of its own, one whose screen is gone, another's, and a sound that is gone.
        #expect(heirs(["s", "a"]) == nil && heirs(["s", "a", "b"]) == nil && heirs(["s", "x"]) == nil)
        #expect(heirs(["s", "b"], name: "theirs.mp4") == nil && heirs(["u", "b"]) == nil)
    }

    @Test func `results of fewer screens are known whoever made them`() {
        let pair = SourcePair(sound: "s", screens: ["a", "b"])
        #expect(pair.isLesser(["s", "a"]) && pair.isLesser(["b", "s"]))
        #expect(!pair.isLesser(["s", "b", "a"]) && !pair.isLesser(["a", "b"]) && !pair.isLesser(["s"]))
    }

    @Test func `times that another medium of the same kind has are the call's, and say no length`() {
        let (one, other) = (medium("a"), medium("b"))
        #expect(one.claimedLength(among: [one, other]) == nil)
        let (sound, late) = (medium("s", "audio/mp3"), medium("b", "video/mp4", 10))
        #expect(one.claimedLength(among: [one, sound, late])?.length == .seconds(60))
        #expect(medium("a", "video/mp4", 0, 3 * 86_400).claimedLength(among: []) == nil)
        #expect(medium("a", "video/mp4", 0, nil, length: .seconds(7)).claimedLength(among: [])?.length == .seconds(7))
        #expect(medium("a", "video/mp4", 0, nil, length: .seconds(200_000)).claimedLength(among: []) == nil)
    }
}
