/// A look at a file after the commit of its copy: whether it still is what was copied.
///
/// What its row vouches for is looked at once; a file that had to settle by looks alone is looked at until a day has
/// passed, and the mark waits for the first of these looks.
package struct Afterlook: Hashable, Sendable {
    /// What the look showed that the copy was made of, or that its bytes were compared with since.
    package var copied: FileLook
    package init(copied: FileLook) { self.copied = copied }

    package enum Sight: Hashable, Sendable {
        case seen(FileLook)
        /// Not there, on a mount that proved itself before and after.
        case absent
        case unreadable
    }

    package enum Decision: Hashable, Sendable {
        /// It is what was copied. `confirms`: for long enough, so that the mark may be set. Without `again` it was the
        /// last look.
        case same(confirms: Bool, again: Duration?)
        /// As long as it was, and touched: only its bytes can tell. Where they are the same, `again`; where they cannot be
        /// read, or change meanwhile, `later`.
        case compare(again: Duration, later: Duration)
        /// Not what was copied: it is brought anew.
        case changed
        /// It has been away for so long that nothing is left to compare with.
        case gone
        /// Nothing can be said now.
        case later(Duration)
    }

    /// What is found unchanged for so long after its copy is not looked at again.
    package static let last = Duration.seconds(86_400)

    /// - Parameter age: since the copy was committed.
    package func decide(_ sight: Sight, age: Duration, within window: SettleWindow) -> Decision {
        switch sight {
        case .seen(let look):
            let rest = max(window.rest(of: look), Afterlook.shortest)
            guard look.size == copied.size else { return .changed }
            guard look.modified == copied.modified && look.changed == copied.changed && look.inode == copied.inode
            else {
                return .compare(again: rest, later: max(rest, Afterlook.pause(age)))
            }
            guard age >= rest else { return .same(confirms: false, again: rest - age) }
            // Six times as old as now, and so forth: few looks, and none comes late by much of what it looks back at.
            return .same(confirms: true, again: age >= Afterlook.last ? nil : max(rest, min(age * 5, Afterlook.last)))
        case .absent: return age > window.atMost + window.quiet ? .gone : .later(Afterlook.pause(age))
        case .unreadable: return .later(Afterlook.pause(age))
        }
    }

    private static let shortest = Duration.milliseconds(50)
    private static func pause(_ age: Duration) -> Duration { min(max(.seconds(1), age / 2), .seconds(600)) }
}
