import Agent
import Testing
import Vocabulary

@Suite struct SnapshotTests {
    private var recording: SourceRecording {
        var recording = SourceRecording(
            source: SourceName("rec_a"), id: .max, sid: Sid("1_\"č\"\n\u{0}"),
            call: SourceCall(id: -3, start: WallTime(microseconds: -1), length: 7, legs: [Sid("x"), Sid("")]))
        recording.start = WallTime(microseconds: 1_700_000_000_123_456)
        recording.stop = WallTime(microseconds: 1_700_000_060_000_001)
        recording.stopInstant = Instant(microseconds: 1_699_996_460_000_001)
        recording.length = 60
        recording.state = "FINISHED"
        recording.problemStatus = "NO_PROBLEM"
        recording.mark = .erroneous
        recording.isProtected = true
        recording.carried = ["direction": "INCOMING", "empty": ""]
        recording.media = [
            SourceMedia(
                id: 5, kind: .audio, path: FilePath(bytes: Array("/opt/ho\nvor ".utf8) + [0xe8, 0xff]),
                size: 1 << 40, crc32: .max, keyID: "key", start: WallTime(microseconds: 0), properties: "{\"a\": 1}",
                carried: ["sgid": "9"]),
            SourceMedia(id: 6, kind: .recd, path: FilePath("/opt/x")),
        ]
        recording.externalData = [
            ExternalDatum(key: "", value: "it's \\ \"late\""),
            ExternalDatum(key: "queue", value: "orders", created: WallTime(microseconds: 3)),
        ]
        return recording
    }

    @Test func `what was seen comes back as it was, whatever its bytes`() throws {
        let back = try Snapshot.decode(try Snapshot.encode(recording))
        #expect(back == recording)
        // Equality of external data passes over the time.
        #expect(back.externalData.map(\.created) == recording.externalData.map(\.created))
        #expect(back.media.map(\.path.bytes) == recording.media.map(\.path.bytes))
    }

    @Test(arguments: ["", "{}", "null", "{\"source\": 1}", "\u{fffd}"])
    func `bytes of no snapshot are refused`(text: String) {
        #expect(throws: (any Error).self) { try Snapshot.decode(Array(text.utf8)) }
    }
}
