import Planning
import Testing
import Vocabulary

@Suite struct IntervalWindowTests {
    /// 2026-11-20 12:00:00.
    private let noon = WallTime(microseconds: 1_795_176_000_000_000)

    @Test(arguments: [
        (Interval.yesterday, "2026-11-19 00:00:00", "2026-11-21 12:00:00"),
        (.lastWeek, "2026-11-13 00:00:00", "2026-11-21 12:00:00"),
        (.lastMonth, "2026-10-20 00:00:00", "2026-11-21 12:00:00"),
        (.floating(days: 3, endingBefore: .seconds(1800)), "2026-11-17 11:30:00", "2026-11-20 11:30:00"),
    ])
    func `an interval is a window of stop times`(interval: Interval, lower: String, upper: String) {
        let window = interval.stops(at: noon)
        #expect(window.lowerBound.secondsText(separator: " ") == lower)
        #expect(window.upperBound.secondsText(separator: " ") == upper)
    }

    @Test(arguments: [
        // 2027-03-31, 2028-03-30, 2027-01-15.
        (1_806_451_200, "2027-02-28"), (1_837_987_200, "2028-02-29"), (1_799_971_200, "2026-12-15"),
    ])
    func `a day that the month before lacks is its last`(seconds: Int64, first: String) {
        let window = Interval.lastMonth.stops(at: WallTime(microseconds: seconds * 1_000_000))
        #expect(window.lowerBound.secondsText(separator: " ") == first + " 00:00:00")
    }
}
