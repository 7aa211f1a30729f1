import Glibc
import Planning
import Support
import Testing
import Vocabulary

@testable import Agent

/// A zone, and days of it on which its clocks were set.
private struct ZoneDays: Sendable, CustomTestStringConvertible {
    let zone: String
    /// UTC, as `date` reads it.
    let around: [String]
    var testDescription: String { zone }
}

private let zones = [
    ZoneDays(zone: "Europe/Prague", around: ["2026-03-29", "2026-10-25", "2026-12-31"]),
    ZoneDays(zone: "America/New_York", around: ["2026-03-08", "2026-11-01"]),
    // Both changes are at midnight: one day begins at 01:00, another has its last hour twice.
    ZoneDays(zone: "America/Sao_Paulo", around: ["2018-11-04", "2018-02-18", "2026-07-01"]),
    ZoneDays(zone: "Asia/Kolkata", around: ["2026-11-21"]),
    ZoneDays(zone: "Australia/Lord_Howe", around: ["2026-04-04", "2026-10-03"]),
    // Changed to the other side of the date line: 30 December 2011 is missing.
    ZoneDays(zone: "Pacific/Apia", around: ["2011-12-30"]),
    ZoneDays(zone: "UTC", around: ["2024-02-29"]),
]

/// Which folders are hot, by the clocks of real zones as `date` shows them.
@Suite(.serialized) struct RecorderDaysTests {
    @Test(.enabled(if: access("/usr/share/zoneinfo/Pacific/Apia", R_OK) == 0), arguments: zones)
    private func `whatever day a recorder wrote in the last 24 hours is hot, and few others`(_ days: ZoneDays)
        async throws
    {
        let standing = getenv("TZ").map { String(cString: $0) }
        RecorderClock.use(timeZone: days.zone)
        defer {
            if let standing { RecorderClock.use(timeZone: standing) } else { unsetenv("TZ") }
            tzset()
        }
        for day in days.around {
            let noon = try #require(
                Int64(try ChildProcess.run(["/bin/date", "-u", "-d", "\(day) 12:00", "+%s"]).trimmed))
            // Three days around, by the half hour.
            let instants = stride(from: noon - 36 * 3600, through: noon + 36 * 3600, by: 1800).map { $0 }
            let folders = try folders(at: instants, in: days.zone)
            for instant in instants where instant >= noon - 12 * 3600 {
                let hot = HotDays(at: Instant(microseconds: instant * 1_000_000), utcOffset: RecorderClock.utcOffset)
                let written = Set(
                    stride(from: instant - 24 * 3600, through: instant, by: 1800).compactMap { folders[$0] })
                for folder in written {
                    #expect(hot.contains(Array(folder.utf8)), "\(folder) at \(instant) in \(days.zone)")
                }
                #expect(folders[instant] == hot.today)
                let tomorrow = folders[instant + 24 * 3600 + 7200].map { Array($0.utf8) }
                #expect(tomorrow.map(hot.contains) != true)
            }
        }
    }

    /// What `date` shows in a zone.
    private func folders(at instants: [Int64], in zone: String) throws -> [Int64: String] {
        let list = "/tmp/takeup-instants-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(list) }
        let text = instants.map { "@\($0)" }.joined(separator: "\n") + "\n"
        try writeSample(Array(text.utf8), to: list)
        let lines = try ChildProcess.run(["/usr/bin/env", "TZ=\(zone)", "/bin/date", "-f", list, "+%Y%m%d"])
            .split(separator: "\n").map(String.init)
        return Dictionary(uniqueKeysWithValues: zip(instants, lines))
    }
}

extension String {
    fileprivate var trimmed: Substring { self[...].prefix { $0.isNumber } }
}
