import Catalogs
import Testing
import Vocabulary

@Suite struct FingerprintTests {
    static let recording = SourceRecording(
        source: "north", id: 1, sid: "s", call: SourceCall(id: 9, legs: ["s"]), start: WallTime(microseconds: 5),
        stop: WallTime(microseconds: 6), length: 7, state: "FINISHED", problemStatus: "NO_PROBLEM",
        carried: ["callingnr": "1", "direction": "INCOMING"],
        media: [
            SourceMedia(id: 3, kind: .audio, path: "/a", size: 10, crc32: 4, keyID: "k", properties: "{}"),
            SourceMedia(id: 4, kind: .video, path: "/b"),
        ],
        externalData: [ExternalDatum(key: "a", value: "1"), ExternalDatum(key: "a", value: "2")])

    /// Each changes one thing that a mark promises.
    static let changes: [(String, @Sendable (inout SourceRecording) -> Void)] = [
        ("sid", { $0.sid = "t" }), ("call", { $0.call.id = 10 }), ("start", { $0.start = nil }),
        ("stop", { $0.stop = WallTime(microseconds: 7) }), ("length", { $0.length = nil }),
        ("length to zero", { $0.length = 0 }), ("state", { $0.state = "DECODED" }),
        ("problem", { $0.problemStatus = "NO_STREAMS" }), ("protection", { $0.isProtected = true }),
        ("deletion", { $0.isDeleted = true }), ("archive", { $0.isArchived = true }), ("mixed", { $0.isMixed = true }),
        ("carried value", { $0.carried["callingnr"] = "2" }), ("carried column", { $0.carried["calledagent"] = "1" }),
        ("no carried column", { $0.carried["direction"] = nil }),
        ("media gone", { $0.media.removeLast() }),
        ("media more", { $0.media.append(SourceMedia(id: 5, kind: .recd, path: "/c")) }),
        ("media id", { $0.media[0].id = 30 }), ("media kind", { $0.media[1].kind = .recd }),
        ("media path", { $0.media[0].path = "/A" }), ("media size", { $0.media[0].size = 11 }),
        ("media size gone", { $0.media[0].size = nil }), ("media crc", { $0.media[0].crc32 = 5 }),
        ("media key", { $0.media[0].keyID = nil }), ("media times", { $0.media[0].start = WallTime(microseconds: 1) }),
        ("media properties", { $0.media[0].properties = "{ }" }),
        ("media digest", { $0.media[0].carried["digest"] = "x" }),
        ("datum gone", { $0.externalData.removeLast() }),
        ("datum", { $0.externalData[0] = ExternalDatum(key: "a", value: "3") }),
        ("datum by its accents", { $0.externalData[0] = ExternalDatum(key: "a", value: "e\u{301}") }),
        ("datum by its other accents", { $0.externalData[0] = ExternalDatum(key: "a", value: "é") }),
    ]

    @Test func `every change shows, and no two look alike`() {
        var seen = [Fingerprint(of: FingerprintTests.recording): "nothing"]
        for (name, change) in FingerprintTests.changes {
            var changed = FingerprintTests.recording
            change(&changed)
            let standing = seen.updateValue(name, forKey: Fingerprint(of: changed))
            #expect(standing == nil, "\(name) looks like \(standing ?? "")")
        }
    }

    @Test func `what a mark and change tracking write does not show`() {
        var same = FingerprintTests.recording
        same.mark = .synchronized
        same.stopInstant = Instant(microseconds: 1)
        same.call.stop = WallTime(microseconds: 99)
        same.call.legs.append("t")
        same.media.reverse()
        same.externalData = [
            ExternalDatum(key: "a", value: "2", created: WallTime(microseconds: 1)),
            ExternalDatum(key: "a", value: "1"),
        ]
        #expect(Fingerprint(of: same) == Fingerprint(of: FingerprintTests.recording))
    }

    @Test func `it stays the same from version to version`() {
        #expect(
            Hex.text(of: Fingerprint(of: FingerprintTests.recording).bytes)
                == "0e9fbc59e5498eaf7c0470711a25c1e905c78e70d296278d94bdecbcfc7bccb1")
        #expect(Fingerprint(of: FingerprintTests.recording).bytes.count == 32)
    }
}
