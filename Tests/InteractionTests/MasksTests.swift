import Planning
import Testing
import Vocabulary

@testable import Interaction

/// What records say of masked time.
@Suite struct MasksTests {
    private func masks(_ json: String) -> SiteMasks? {
        JSONValue(Array(#"{"mediaId": "m"\#(json)}"#.utf8)).flatMap { SiteMedium($0) }?.masks
    }

    @Test(arguments: ["", #", "masks": null"#, #", "masks": []"#])
    func `a record without masks has none`(json: String) { #expect(masks(json) == SiteMasks.none) }

    @Test(arguments: [
        #""2000/3500""#, #"{"startTime": 2000, "stopTime": "3500"}"#, #"{"from": "2000", "to": 3500, "by": "agent"}"#,
    ])
    func `a mask is read in each form that is known`(entry: String) {
        let mask = RecordedMask(start: .offset(.milliseconds(2000)), end: .offset(.milliseconds(3500)))
        #expect(masks(#", "masks": [\#(entry), \#(entry)]"#) == .read([mask, mask]))
    }

    @Test func `a mask names moments of RWS's clock, and may have no end`() {
        let start = MaskMoment.instant(Instant(microseconds: 1_709_632_800_000_000))
        for end in ["", #", "stopTime": null"#] {
            let entry = #"{"startTime": "2024-03-05T10:00:00.000+0000"\#(end)}"#
            #expect(masks(#", "masks": [\#(entry)]"#) == .read([RecordedMask(start: start, end: nil)]))
        }
    }

    @Test(arguments: [
        #"{"a": 1}"#, "true", #"["x"]"#, #"[{"startTime": "soon"}]"#, #"["2000/3500", {}]"#,
        #"[{"startTime": 1, "stopTime": "later"}]"#, #"[{"stopTime": 2}]"#, #""2000/3500""#,
    ])
    func `what cannot be read is not taken for nothing`(json: String) {
        #expect(masks(#", "masks": \#(json)"#) == .unreadable)
    }
}
