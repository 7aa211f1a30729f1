internal import FoundationEssentials
internal import Testing
internal import Vocabulary

@Suite struct TimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00.000000", "19700101"), (-1, "1969-12-31 23:59:59.999999", "19691231"),
            (951_782_400_000_000, "2000-02-29 00:00:00.000000", "20000229"),
            (1_709_208_000_000_005, "2024-02-29 12:00:00.000005", "20240229"),
            (4_107_542_399_000_000, "2100-02-28 23:59:59.000000", "21000228"),
            (4_107_542_400_000_000, "2100-03-01 00:00:00.000000", "21000301"),
        ] as [(Int64, String, String)])
    func `a wall time is written as PostgreSQL and as a day folder`(microseconds: Int64, text: String, folder: String) {
        let time = WallTime(microseconds: microseconds)
        #expect(time.sqlText == text)
        #expect(time.dayFolder == folder)
    }

    @Test func `a duration keeps its microseconds`() {
        #expect(Duration.milliseconds(1500).wholeMicroseconds == 1_500_000)
        #expect(Duration.milliseconds(-1).wholeMilliseconds == -1)
        #expect((Instant(microseconds: 5) - Instant(microseconds: 3)) == .microseconds(2))
    }
}

@Suite struct PathTests {
    @Test func `a path below a prefix is found by whole components`() {
        #expect(FilePath("/mnt/a/b/c").relative(to: FilePath("/mnt/a")) == FilePath("b/c"))
        #expect(FilePath("/mnt/ab/c").relative(to: FilePath("/mnt/a")) == nil)
        #expect(FilePath("/mnt/a").relative(to: FilePath("/mnt/a")) == nil)
    }

    @Test func `a path that climbs says so, and a zero byte ends it`() {
        #expect(FilePath("/a/../b").climbs)
        #expect(!FilePath("/a/..b").climbs)
        #expect(FilePath(bytes: [0x61, 0, 0x62]) == FilePath("a"))
    }
}

@Suite struct NamesTests {
    @Test func `a sid never shows in text`() {
        #expect("\(Sid("1700000000_1_5550100_5550199")) \([Sid("5550100")])".contains("5550100") == false)
    }
}

@Suite struct SnapshotTests {
    @Test(arguments: [FilePath("/a b/ü"), FilePath(bytes: [0x2f, 0xff, 0x0a]), FilePath("\\x61")])
    func `a recording comes back from its snapshot as it was`(path: FilePath) throws {
        let recording = SourceRecording(
            source: SourceName("north"), id: 1, sid: Sid("x"),
            call: SourceCall(id: 2, start: WallTime(microseconds: 3)),
            start: WallTime(microseconds: 1_700_000_000_123_456), stopInstant: Instant(microseconds: -5), length: -1,
            state: "FINISHED", mark: .notUsed, carried: ["callingip": "10.0.0.1"],
            media: [SourceMedia(id: 9, kind: .phoneVideo, path: path, size: 1 << 40, crc32: .max, properties: "{}")],
            externalData: [ExternalDatum(key: "k", value: "v\n\"", created: WallTime(microseconds: 7))])
        let data = try JSONEncoder().encode(recording)
        let back = try JSONDecoder().decode(SourceRecording.self, from: data)
        #expect(back == recording)
        #expect(back.externalData.first?.created == WallTime(microseconds: 7))
    }
}

@Suite struct DigestTests {
    @Test func `hexadecimal text of either case is read and anything else is not`() {
        let text = String(repeating: "0aF9", count: 16)
        #expect(Digest(hex: text)?.description == text.lowercased())
        #expect(Digest(hex: String(text.dropLast())) == nil)
        #expect(Digest(hex: String(repeating: "0g", count: 32)) == nil)
    }
}
