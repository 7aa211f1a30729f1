/// Events that were taken, and whether some were lost before them: by the kernel (`IN_Q_OVERFLOW`) or because the
/// taker lagged. What was lost can only be found by looking.
package struct EventBatch: Sendable {
    package var events: [InotifyEvent]
    package var lost: Bool
    /// No more events will come: the instance is broken.
    package var hasEnded: Bool
    package init(events: [InotifyEvent] = [], lost: Bool = false, hasEnded: Bool = false) {
        self.events = events
        self.lost = lost
        self.hasEnded = hasEnded
    }
}

/// The kernel's answer to a wish for a watch.
package enum WatchAnswer: Hashable, Sendable {
    case watched(WatchNumber)
    /// The limit on watches (ENOSPC) or memory (ENOMEM) is reached: poll instead.
    case limit
    /// The directory cannot be watched; the `errno`.
    case refused(Int32)
}

/// Where events of directories come from: the kernel, or a test's stand-in in front of it.
package protocol DirectoryEvents: Sendable {
    /// Watches the directory behind an open descriptor; asking again for the same directory gives the same number.
    /// May hang as long as the directory's file system does. Any thread.
    func watch(directory descriptor: Int32) -> WatchAnswer
    /// Ends a watch; its last event will be `IN_IGNORED`. Any thread, never hangs.
    func unwatch(_ number: WatchNumber)
    /// What has arrived since the last call; never waits.
    func take() -> EventBatch
    /// Rings `bell` whenever there is something to take, from now on.
    func onArrival(_ ring: @escaping @Sendable () -> Void)
    /// Ends all watches and the delivery. Final.
    func stop()
}
