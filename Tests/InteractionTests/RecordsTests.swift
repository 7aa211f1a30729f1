import HTTP
import Testing
import Vocabulary

@testable import Interaction

@Suite struct RecordsTests {
    private func medium(_ members: String) -> SiteMedium? {
        JSONValue(
            Array(
                #"{"mediaId": "m", "startTime": "2024-03-05T10:00:00.000+0000", "stopTime": "2024-03-05T10:00:12Z", \#(members)}"#
                    .utf8)
        )
        .flatMap { SiteMedium($0) }
    }

    @Test(arguments: [
        (#""12523""#, 12_523), ("12523", 12_523), (#""12.523""#, 12_523), ("12", 12_000),
    ])
    func `a duration is milliseconds or seconds, text or number, whichever fits the times`(
        text: String, millis: Int
    ) {
        #expect(medium(#""duration": \#(text)"#)?.length == .milliseconds(millis))
    }

    @Test(arguments: [#""""#, #""soon""#, "-1", "null", #""nan""#])
    func `a duration that is none is none`(text: String) {
        #expect(medium(#""duration": \#(text)"#)?.length == nil)
    }

    @Test func `sizes come as text or as numbers`() {
        #expect(medium(#""size": "249920""#)?.byteCount == 249_920)
        #expect(medium(#""size": 7"#)?.byteCount == 7)
    }

    @Test(
        arguments: [
            ("2024-03-05T10:00:00.000+0000", 1_709_632_800_000_000),
            ("2024-03-05T10:00:00Z", 1_709_632_800_000_000),
            ("2024-03-05T10:00:00.25Z", 1_709_632_800_250_000),
            ("2024-03-05T12:00:00+02:00", 1_709_632_800_000_000),
            ("2024-02-29T23:30:00.000-0130", 1_709_254_800_000_000), ("1969-12-31T23:59:59Z", -1_000_000),
        ] as [(String, Int64)])
    func `times are read with their zones`(text: String, micros: Int64) {
        #expect(SiteTime.instant(text)?.microseconds == micros)
    }

    @Test(arguments: [
        "", "2024-03-05", "2024-03-05T10:00:00", "2024-13-05T10:00:00Z", "2024-03-05T10:00:00.Z",
        "yesterday at ten o'clock", "2024-03-05T10:00:00+02",
    ])
    func `what is no time is none`(text: String) { #expect(SiteTime.instant(text) == nil) }

    @Test func `times are written as the insertion takes them`() {
        #expect(
            SiteTime.text(Instant(microseconds: 1_709_632_800_025_000)) == "2024-03-05T10:00:00.025Z")
        #expect(SiteTime.milliseconds(Instant(microseconds: 1_709_632_800_025_999)) == "1709632800025")
    }

    @Test func `a store is an address, whole or below its storage path`() throws {
        let whole = medium(
            #""originalMediaDescriptor": {"storage": "webDAV", "path": "http://dav/r/a.mp3.bin"}"#)
        #expect(try whole?.storage.webDAVAddress().text == "http://dav:80/r/a.mp3.bin")
        for base in ["http://dav/r/screen/", "http://dav/r/screen"] {
            let below = medium(
                #""mediaDescriptor": {"storage": "WEBDAV", "path": "a.mp4", "data": {"storagePath": "\#(base)"}}"#
            )
            #expect(try below?.storage.webDAVAddress().text == "http://dav:80/r/screen/a.mp4")
        }
    }

    @Test(arguments: [
        #"{"storage": "awsS3", "path": "a", "data": {"bucket": "b"}}"#, #"{"storage": "azure"}"#, "{}",
        #"{"storage": "webDAV", "path": "a"}"#,
    ])
    func `any other store is refused with a sentence that says which`(descriptor: String) throws {
        let found = try #require(medium(#""originalMediaDescriptor": \#(descriptor)"#))
        #expect(throws: SiteError.self) { try found.storage.webDAVAddress() }
        if case .s3(let bucket) = found.storage { #expect(bucket == "b") }
    }

    @Test func `a record without an id is none, and odd members do no harm`() {
        #expect(
            SiteCall(JSONValue(Array(#"{"mediaFiles": 5}"#.utf8)) ?? .null, dialect: SiteDialect()) == nil
        )
        let odd = JSONValue(
            Array(
                #"{"id": 17, "mediaFiles": [1, {}, {"mediaId": "a", "parameters": []}], "eventHistory": [{"data": null}]}"#
                    .utf8))
        let call = odd.flatMap { SiteCall($0, dialect: SiteDialect()) }
        #expect(call?.id == "17" && call?.media.map(\.mediaID) == ["a"] && call?.hasScreenMark == false)
    }

    @Test(arguments: ["", "<html>", "{", "{\"a\": NaN}"]) func `what is no JSON is none`(text: String) {
        #expect(JSONValue(Array(text.utf8)) == nil)
    }
}
