/// A point in time, in microseconds since 1970-01-01 00:00 UTC.
package struct Instant: Hashable, Comparable, Sendable {
    package let microseconds: Int64
    package init(microseconds: Int64) { self.microseconds = microseconds }
    package static func < (one: Instant, other: Instant) -> Bool { one.microseconds < other.microseconds }
    package static func - (end: Instant, start: Instant) -> Duration {
        .microseconds(end.microseconds - start.microseconds)
    }
    package static func + (start: Instant, span: Duration) -> Instant {
        Instant(microseconds: start.microseconds + span.wholeMicroseconds)
    }
    /// `2026-11-21T02:03:04Z`, whole seconds.
    package var text: String { WallTime(microseconds: microseconds).secondsText(separator: "T") + "Z" }
}

/// What a recorder's clock on the wall showed, without a zone, in microseconds since 1970-01-01 00:00 of that clock.
///
/// Recorders write local time without saying which; it is carried to the replay as it stands, and turned into an
/// ``Instant`` only with the source's `time_zone`.
package struct WallTime: Hashable, Comparable, Sendable {
    package let microseconds: Int64
    package init(microseconds: Int64) { self.microseconds = microseconds }
    package static func < (one: WallTime, other: WallTime) -> Bool { one.microseconds < other.microseconds }

    /// The proleptic Gregorian date and time of day.
    package var civil: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, microsecond: Int) {
        let perDay: Int64 = 86_400_000_000
        var days = microseconds / perDay
        var rest = microseconds % perDay
        if rest < 0 {
            rest += perDay
            days -= 1
        }
        // Days to civil date with years that begin in March, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        let year = Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0))
        let seconds = rest / 1_000_000
        return (
            year, month, day, Int(seconds / 3600), Int(seconds / 60 % 60), Int(seconds % 60), Int(rest % 1_000_000)
        )
    }

    /// The recorder's own day as its day folders are named: `YYYYMMDD`.
    package var dayFolder: String {
        let date = civil
        return padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2)
    }

    /// PostgreSQL's `timestamp` text: `2026-11-21 02:03:04.000005`.
    package var sqlText: String { secondsText(separator: " ") + "." + padded(civil.microsecond, 6) }

    package func secondsText(separator: String) -> String {
        let at = civil
        return padded(at.year, 4) + "-" + padded(at.month, 2) + "-" + padded(at.day, 2) + separator
            + padded(at.hour, 2) + ":" + padded(at.minute, 2) + ":" + padded(at.second, 2)
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

extension Duration {
    /// Whole microseconds, cut towards zero.
    package var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
    package var wholeMilliseconds: Int64 { wholeMicroseconds / 1000 }
    /// Seconds as a fraction, for texts and metrics.
    package var inSeconds: Double { Double(wholeMicroseconds) / 1_000_000 }
}
