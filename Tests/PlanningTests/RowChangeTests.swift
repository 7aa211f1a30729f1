import Planning
import Testing
import Vocabulary

@Suite struct RowChangeTests {
    private let source = SourceName("north")

    private func recording(_ carried: [String: String], length: Int = 60, isProtected: Bool = false) -> SourceRecording
    {
        SourceRecording(
            source: source, id: 7, sid: Sid("s"), call: SourceCall(id: 3), length: length, isProtected: isProtected,
            carried: carried, media: [SourceMedia(id: 1, kind: .audio, path: FilePath("/a"))])
    }

    private func holding(_ carried: [String: String?], origins: [SourceName]) -> ReplayHolding {
        var held = ReplayRecording(id: 70, callID: 30, sid: Sid("s"), length: 60)
        held.carried = carried
        return ReplayHolding(
            recording: held,
            origins: Dictionary(
                uniqueKeysWithValues: origins.enumerated().map {
                    (MediaOrigin(source: $1, mediaID: Int64($0 + 1)), Int64($0 + 5))
                }))
    }

    @Test func `a row that says all of it needs nothing, and what is empty is filled`() {
        let own = [source]
        #expect(rowChange(of: recording(["a": "1"]), with: ReplayHolding()) == nil)
        #expect(rowChange(of: recording(["a": "1"]), with: holding(["a": "1", "b": "2"], origins: own)) == nil)
        #expect(rowChange(of: recording(["a": "1"]), with: holding(["a": String?.none], origins: own)) == .completes)
        // A column that the replay lacks can hold nothing.
        #expect(rowChange(of: recording(["a": "1"]), with: holding([:], origins: own)) == nil)
        #expect(rowChange(of: recording([:], isProtected: true), with: holding([:], origins: own)) == .completes)
    }

    @Test func `only the source that everything came from corrects the row`() {
        let other = SourceName("south")
        let changed = recording(["a": "2"])
        #expect(rowChange(of: changed, with: holding(["a": "1"], origins: [source])) == .corrects)
        #expect(rowChange(of: changed, with: holding(["a": "1"], origins: [source, other])) == nil)
        #expect(rowChange(of: changed, with: holding(["a": "1"], origins: [other])) == nil)
        #expect(rowChange(of: changed, with: holding(["a": "1"], origins: [])) == nil)
        #expect(rowChange(of: recording([:], length: 61), with: holding([:], origins: [source])) == .corrects)
    }
}
