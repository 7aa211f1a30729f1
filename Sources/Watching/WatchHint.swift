package import Planning
package import Vocabulary

/// Something that may have changed on a mount. A hint is a wake and never the truth: what it names may be gone,
/// unfinished or named twice, and what it does not name may have changed as well.
package enum WatchHint: Hashable, Sendable {
    /// A file, relative to the mount: closed after writing, or moved in.
    case file(FilePath)
    /// Files that a look found, and that were not known.
    case found(FoundFiles)
    /// The whole tree was looked at once, on a mount that was proven before and after: at the start, after a return
    /// of the mount, and when events were lost. Whatever waits for a file looks again now.
    case rescanned
    /// The mount is there and is the right one. Comes first, and again after each loss.
    case mountProven(MountIdentity)
    /// The mount is not there, not the right one, or does not answer; nothing of its files is known until it is proven.
    case mountLost(MountState)
    /// Part of the tree is not covered as the mode promises. Comes again when the counts change.
    case degraded(WatchCoverage)
    /// All of the tree is covered. Comes again, not often, when the count changes.
    case covered(WatchCoverage)
    /// How the mount is watched from now on, and why. Comes again where only the reason changed.
    case mode(WatchModeDecision)
    /// Events were lost, once for a storm of them: rescans make up for them.
    case eventsLost
    /// The storm is over, after so many rescans.
    case eventsComplete(rescans: Int, after: Duration)
}

/// How much of a tree is watched, in directories.
package struct WatchCoverage: Hashable, Sendable {
    /// With an inotify watch.
    package var watched: Int
    /// Without a watch that they should have, and so polled: the kernel's limit on watches
    /// (`fs.inotify.max_user_watches`) is reached.
    package var polled: Int
    /// Neither: they cannot be opened or listed.
    package var unreadable: Int

    package init(watched: Int = 0, polled: Int = 0, unreadable: Int = 0) {
        self.watched = watched
        self.polled = polled
        self.unreadable = unreadable
    }

    package var isDegraded: Bool { polled > 0 || unreadable > 0 }
}
