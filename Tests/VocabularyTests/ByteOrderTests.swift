internal import Testing
internal import Vocabulary

@Suite struct ByteOrderTests {
    /// One letter with its accent, and the letter with an accent behind it: the same for Swift, two for a database.
    private let composed = "caf\u{e9}"
    private let decomposed = "cafe\u{301}"

    @Test func `keys and values that only look alike are two`() {
        let data: Set = [
            ExternalDatum(key: composed, value: "1"), ExternalDatum(key: decomposed, value: "1"),
            ExternalDatum(key: "k", value: composed), ExternalDatum(key: "k", value: decomposed),
        ]
        #expect(composed == decomposed)
        #expect(data.count == 4)
        #expect(data.contains(ExternalDatum(key: decomposed, value: "1")))
        #expect(data.sorted().map(\.key.utf8.count) == [6, 5, 1, 1])
    }

    @Test func `what stands before and behind is told apart`() {
        #expect(ExternalDatum(key: "ab", value: "c") != ExternalDatum(key: "a", value: "bc"))
        #expect(Set([ExternalDatum(key: "ab", value: "c"), ExternalDatum(key: "a", value: "bc")]).count == 2)
    }

    @Test func `two sids that only look alike are two recordings`() {
        let sids = [Sid(composed), Sid(decomposed)]
        #expect(Set(sids).count == 2)
        #expect(Sid(decomposed) < Sid(composed) && !(Sid(composed) < Sid(decomposed)))
        #expect(Dictionary(grouping: sids, by: \.self).count == 2)
    }
}
