/// When so many more bytes may be read, at so many bytes a second: a bucket that is kept as the moment when all that was
/// taken will have been read. Whoever shares it keeps to the limit together, in the order in which they take.
///
/// Moments are spans since a start that all who share it agree on.
package struct ReadBucket: Hashable, Sendable {
    /// When all that was taken will have been read.
    package private(set) var freeAt: Duration

    /// What a rest saves up, and what late waking costs nobody.
    package static let slack = Duration.milliseconds(100)
    /// Nobody is ever sent so far ahead: the clock was put back, or the limit was far lower.
    private static let farthest = Duration.seconds(20)

    package init(freeAt: Duration = .zero) { self.freeAt = freeAt }

    /// Takes `bytes`; gives how long to wait before they may be read.
    ///
    /// - Parameter limit: bytes a second, above zero.
    package mutating func take(_ bytes: Int64, limit: Int64, at now: Duration) -> Duration {
        if freeAt > now + ReadBucket.farthest { freeAt = now }
        freeAt = max(freeAt, now - ReadBucket.slack) + .seconds(Double(bytes) / Double(max(1, limit)))
        return max(.zero, freeAt - now)
    }

    /// How many bytes are taken at once of `wanted`: a quarter of a second's, so that several share evenly, and a changed
    /// limit holds soon.
    package static func portion(of wanted: Int64, limit: Int64) -> Int64 { min(wanted, max(1, limit / 4)) }

    /// How many bytes are read in one go: an eighth of a second's, in whole pages, from 64 KiB to 1 MiB.
    package static func block(limit: Int64?) -> Int {
        guard let limit else { return 1 << 20 }
        return Int(min(max(limit / 8, 64 << 10), 1 << 20)) & ~((64 << 10) - 1)
    }
}

/// Those of one process who read from one source, in line: a place is taken for bytes, and comes up when so many were
/// granted. First come, first served, so that copies that run at once share evenly whatever their sizes.
package struct ReadLine: Hashable, Sendable {
    /// A place in the line.
    package struct Place: Hashable, Sendable { fileprivate let end: Int64 }

    /// Bytes since the start: asked for, and granted of these.
    package private(set) var asked: Int64 = 0
    private var granted: Int64 = 0
    private var isOpen = true

    package init() {}

    /// Bytes that are asked for and not granted.
    package var wanted: Int64 { asked - granted }

    package mutating func ask(for bytes: Int64) -> Place {
        asked += bytes
        if isOpen { granted = asked }
        return Place(end: asked)
    }

    package func isUp(_ place: Place) -> Bool { place.end <= granted }

    package mutating func grant(_ bytes: Int64) { granted = min(asked, granted + bytes) }

    /// Without a limit nobody waits.
    package mutating func setOpen(_ isOpen: Bool) {
        self.isOpen = isOpen
        if isOpen { granted = asked }
    }
}
