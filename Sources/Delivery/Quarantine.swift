internal import Glibc
internal import Vocabulary

/// Where replaced copies wait before they are removed.
enum Quarantine {
    /// How long they are kept: a person who sees that the better copy is not better has a week to say so.
    static let keep = Duration.seconds(7 * 86_400)
    /// How long a muxed file is kept that shows a screen whose own copy is lost or in doubt: it may be the last that does.
    static let keepOfLost = Duration.seconds(90 * 86_400)

    /// Where `Copier.retire` puts a file that is retired on this day.
    static func path(of path: FilePath, day: String) -> FilePath {
        path.components.reduce(FilePath(".takeup-quarantine").appending(day)) { $0.appending($1) }
    }

    /// The day of a path that ``path(of:day:)`` made.
    static func day(of path: FilePath?) -> String {
        guard let components = path?.components, components.count > 2 else { return today }
        return String(decoding: components[1], as: UTF8.self)
    }

    /// Today by UTC: a name for a folder, nothing is decided by it.
    static var today: String { WallTime(microseconds: Int64(time(nil)) * 1_000_000).dayFolder }
}
