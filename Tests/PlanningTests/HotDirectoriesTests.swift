import Planning
import Testing
import Vocabulary

private struct Midnight: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Seconds since 1970, UTC.
    let instant: Int64
    let offset: @Sendable (Int64) -> Int
    let today: String
    let yesterday: String
}

/// Central Europe in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
private func prague(_ seconds: Int64) -> Int { (1_774_746_000..<1_792_890_000).contains(seconds) ? 7200 : 3600 }
private func newYork(_ seconds: Int64) -> Int { -5 * 3600 }
private func kathmandu(_ seconds: Int64) -> Int { 20_700 }

private let midnights: [Midnight] = [
    Midnight(
        testDescription: "noon in winter", instant: 1_768_474_800, offset: prague, today: "20260115",
        yesterday: "20260114"),
    Midnight(
        testDescription: "one second before local midnight, 22:59:59 UTC", instant: 1_768_517_999, offset: prague,
        today: "20260115", yesterday: "20260114"),
    Midnight(
        testDescription: "local midnight, 23:00 UTC", instant: 1_768_518_000, offset: prague, today: "20260116",
        yesterday: "20260115"),
    Midnight(
        testDescription: "after the day of 23 hours, 00:30 on 30 March", instant: 1_774_823_400, offset: prague,
        today: "20260330", yesterday: "20260329"),
    Midnight(
        testDescription: "late on the day of 25 hours, 23:30 on 25 October", instant: 1_792_967_400, offset: prague,
        today: "20261025", yesterday: "20261024"),
    Midnight(
        testDescription: "after the day of 25 hours, 00:30 on 26 October", instant: 1_792_971_000, offset: prague,
        today: "20261026", yesterday: "20261025"),
    Midnight(
        testDescription: "west of Greenwich it is still yesterday, 03:00 UTC", instant: 1_768_532_400, offset: newYork,
        today: "20260115", yesterday: "20260114"),
    Midnight(
        testDescription: "an offset of quarter hours, 18:15 UTC", instant: 1_768_500_900, offset: kathmandu,
        today: "20260116", yesterday: "20260115"),
    Midnight(
        testDescription: "the first of a year", instant: 1_767_225_600, offset: prague, today: "20260101",
        yesterday: "20251231"),
    Midnight(
        testDescription: "the first of March after a leap day", instant: 1_709_251_200, offset: prague,
        today: "20240301", yesterday: "20240229"),
]

@Suite struct HotDirectoriesTests {
    @Test(arguments: midnights) private func `day folders follow the recorder's own day`(_ one: Midnight) {
        let offset = one.offset
        let days = HotDays(at: Instant(microseconds: one.instant * 1_000_000)) {
            offset($0.microseconds / 1_000_000)
        }
        #expect(days.today == one.today)
        #expect(days.yesterday == one.yesterday)
    }

    private let days = HotDays(at: Instant(microseconds: 1_768_474_800_000_000)) { _ in 3600 }

    @Test(arguments: [
        ("20260115", false, nil, DirectoryHeat.day),
        ("calls/20260114/07", false, nil, .day),
        ("20260113", false, nil, .cold),
        ("20260113", false, Duration.seconds(599), .recent),
        ("20260113", false, .seconds(600), .cold),
        ("", false, nil, .holdsDays),
        ("calls", true, nil, .holdsDays),
        ("calls", false, nil, .cold),
        ("x20260115", false, nil, .cold),
    ])
    func `a directory is hot by its day, by holding days or by a recent change`(
        path: String, holdsDays: Bool, sinceChange: Duration?, expected: DirectoryHeat
    ) {
        #expect(
            heat(
                of: FilePath(path), holdsDays: holdsDays, sinceChange: sinceChange, recently: .seconds(600), days: days)
                == expected)
        #expect(expected.isHot == (expected != .cold))
    }

    @Test(arguments: [
        ("20260115", true), ("20261231", true), ("20261301", false), ("20260132", false), ("20260100", false),
        ("2026011", false), ("202601155", false), ("2026011x", false), ("", false),
    ])
    func `a day folder is eight digits of a day`(name: String, isDay: Bool) {
        #expect(isDayFolder(Array(name.utf8)) == isDay)
    }
}
