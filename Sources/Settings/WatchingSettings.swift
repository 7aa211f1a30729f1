/// When a file counts as complete, and when its absence counts as a problem.
package struct WatchingSettings: Hashable, Sendable {
    /// How long a file must stay unchanged where its row gives no size to compare with.
    package let quiet: Duration
    /// Between two polls of the directories of today and yesterday.
    package let hotPeriod: Duration
    /// Between two scans of everything.
    package let rescanPeriod: Duration
    /// How long a row may be without its file before that is a problem.
    package let graceMissing: Duration
    /// How long a file may be without its row before that is a problem.
    package let graceOrphan: Duration
    /// How long a file call may take before the mount or volume counts as unresponsive.
    package let unresponsiveAfter: Duration
}
