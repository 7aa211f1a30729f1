package import Vocabulary

extension Interval {
    /// The `stop` times that the interval takes, by the recorder's clock. The named ones reach a day past `now`: a row
    /// can claim a stop after now, and a clock that is ahead must not hide a recording.
    package func stops(at now: WallTime) -> Range<WallTime> {
        let day: Int64 = 86_400_000_000
        let midnight = now.microseconds - ((now.microseconds % day) + day) % day
        let lower: Int64
        switch self {
        case .yesterday: lower = midnight - day
        case .lastWeek: lower = midnight - 7 * day
        case .lastMonth: lower = midnight - Int64(daysToLastMonth(from: now)) * day
        case .floating(let days, let endingBefore):
            let end = now.microseconds - endingBefore.wholeMicroseconds
            return WallTime(microseconds: end - Int64(days) * day)..<WallTime(microseconds: end)
        }
        return WallTime(microseconds: lower)..<Interval.horizon(at: now)
    }

    /// A day past `now`: a row that claims to end later is of a clock that is wrong, and is taken all the same.
    package static func horizon(at now: WallTime) -> WallTime {
        WallTime(microseconds: now.microseconds + 86_400_000_000)
    }
}

/// Days back to this day of the month before, or to that month's last day where it has no such day.
private func daysToLastMonth(from now: WallTime) -> Int {
    let date = now.civil
    let before = (date.month + 10) % 12 + 1
    let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return max(lengths[before - 1], date.day)
}
