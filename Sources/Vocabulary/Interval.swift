/// How far back a source's recordings are looked for, counted from now on the recorder's own clock.
///
/// The named ones begin at midnight and reach to now, so that they take what is recorded today:
/// `yesterday` begins with the day before today, `lastWeek` seven days before today, `lastMonth` on this day of the
/// month before (or on that month's last day where it has no such day).
package enum Interval: Hashable, Sendable {
    case yesterday
    case lastWeek
    case lastMonth
    /// The window of `days` days (at least 1) that ends `endingBefore` now (at least zero).
    case floating(days: Int, endingBefore: Duration)
}
