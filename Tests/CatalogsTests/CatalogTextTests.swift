@testable import Catalogs
import Testing
import Vocabulary

@Suite struct CatalogTextTests {
    @Test(
        arguments: [
            0, 1, -1, -1_000_001, 951_782_400_000_000, 4_107_456_000_000_000, 1_795_176_000_123_456,
            -62_135_596_800_000_000, 253_402_300_799_999_999,
        ] as [Int64])
    func `a time is read as it is written`(_ microseconds: Int64) {
        let time = WallTime(microseconds: microseconds)
        #expect(CatalogText.wallTime(Array(time.sqlText.utf8)) == time)
    }

    @Test(
        arguments: [
            ("1970-01-01 00:00:00", 0), ("1970-01-01 00:00:00.5", 500_000), ("1970-01-01 00:00:00.000001+00", 1),
            ("1969-12-31 23:59:59", -1_000_000), ("2000-02-29 00:00:00", 951_782_400_000_000),
        ] as [(String, Int64)])
    func `fractions and a zone of zero may be there or not`(_ text: String, _ microseconds: Int64) {
        #expect(CatalogText.wallTime(Array(text.utf8))?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "infinity", "-infinity", "0044-03-15 12:00:00 BC", "12026-01-01 00:00:00", "2026-11-20",
        "2026-11-20 12:00", "2026-11-20 12:00:00+01", "2026-11-20 12:00:00.1234567", "0000-01-01 00:00:00", "x",
        "2026-13-01 00:00:00", "2026-11-20T12:00:00",
    ])
    func `what is no date of our era is no time`(_ text: String) {
        #expect(CatalogText.wallTime(Array(text.utf8)) == nil)
    }

    @Test(
        arguments: [
            ([0x61, 0xe1, 0x62], "a\\xe1b"), ([0xc5, 0x99], "ř"), ([0xff, 0xc5, 0x99, 0xc5], "\\xffř\\xc5"), ([], ""),
            ([0x80], "\\x80"), ([0xf0, 0x9f, 0x8e, 0xa7, 0xed, 0xa0, 0x80], "🎧\\xed\\xa0\\x80"),
        ] as [([UInt8], String)])
    func `bytes that are not UTF-8 stay visible, and apart`(_ bytes: [UInt8], _ text: String) {
        #expect(CatalogText.repaired(bytes) == text)
    }
}
