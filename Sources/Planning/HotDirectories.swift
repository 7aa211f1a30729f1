package import Vocabulary

/// Which day folders of a recorder can still get new files.
///
/// Recorders name day folders by their own local day, so hotness follows the source's time zone. Yesterday's folder
/// stays hot: a call that began before midnight is written into the folder of its beginning.
package struct HotDays: Hashable, Sendable {
    package let today: String
    package let yesterday: String
    /// The day that the wall showed 24 hours ago, where that is neither: a zone that moved to the other side of the
    /// date line has no yesterday by the calendar, and its recorders wrote into the folder before.
    private let dayBefore: String

    /// - Parameter utcOffset: seconds east of Greenwich that the source's clock shows at an instant, summer time
    ///   included.
    package init(at now: Instant, utcOffset: (Instant) -> Int) {
        let wall = WallTime(microseconds: now.microseconds + Int64(utcOffset(now)) * 1_000_000)
        today = wall.dayFolder
        // On the wall every day has 24 hours, so this holds for days of 23 and 25 hours, too.
        yesterday = WallTime(microseconds: wall.microseconds - 86_400_000_000).dayFolder
        let before = Instant(microseconds: now.microseconds - 86_400_000_000)
        dayBefore =
            WallTime(microseconds: before.microseconds + Int64(utcOffset(before)) * 1_000_000).dayFolder
    }

    package func contains(_ name: [UInt8]) -> Bool {
        name.elementsEqual(today.utf8) || name.elementsEqual(yesterday.utf8) || name.elementsEqual(dayBefore.utf8)
    }

    /// Whether the directory is one of the day folders or lies below one.
    package func covers(_ directory: FilePath) -> Bool { directory.components.contains { contains($0) } }
}

/// Whether a name is a day: eight digits with a month and a day that exist in some year.
package func isDayFolder(_ name: [UInt8]) -> Bool {
    guard name.count == 8, name.allSatisfy({ (48...57).contains($0) }) else { return false }
    let month = Int(name[4] - 48) * 10 + Int(name[5] - 48)
    let day = Int(name[6] - 48) * 10 + Int(name[7] - 48)
    return (1...12).contains(month) && (1...31).contains(day)
}

/// Why a directory is polled every period, or that it is not.
package enum DirectoryHeat: Hashable, Sendable {
    /// A day folder of today or yesterday, or below one.
    case day
    /// Holds day folders, so that the next day's appears in it; or is the mount's own root.
    case holdsDays
    /// Something changed in it not long ago.
    case recent
    case cold

    package var isHot: Bool { self != .cold }
}

/// - Parameters:
///   - sinceChange: how long ago the directory was last seen to change; nil when it never was.
///   - recently: how long a change keeps a directory hot.
package func heat(
    of directory: FilePath, holdsDays: Bool, sinceChange: Duration?, recently: Duration, days: HotDays
) -> DirectoryHeat {
    if days.covers(directory) { return .day }
    if directory.isEmpty || holdsDays { return .holdsDays }
    if let sinceChange, sinceChange < recently { return .recent }
    return .cold
}
