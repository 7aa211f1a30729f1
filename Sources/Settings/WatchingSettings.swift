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

extension WatchingSettings {
    static func read(from reader: inout SectionReader) -> WatchingSettings {
        WatchingSettings(
            quiet: reader.value(
                "quiet", .duration(.zero...(.seconds(3600))), standard: .seconds(10),
                "How long a file must stay unchanged where its row gives no size to compare with."),
            hotPeriod: reader.value(
                "hot_period", .duration(.milliseconds(100)...(.seconds(60))), standard: .seconds(1),
                "Between two polls of the directories of today and yesterday, where events do not arrive."),
            rescanPeriod: reader.value(
                "rescan_period", .duration(.seconds(10)...(.seconds(86_400))), standard: .seconds(3600),
                "Between two scans of a whole mount."),
            graceMissing: reader.value(
                "grace_missing", .duration(.zero...(.seconds(7 * 86_400))), standard: .seconds(600),
                "How long a row may be without its file before that is a problem."),
            graceOrphan: reader.value(
                "grace_orphan", .duration(.zero...(.seconds(30 * 86_400))), standard: .seconds(3600),
                "How long a file may be without its row before that is a problem."),
            unresponsiveAfter: reader.value(
                "unresponsive_after", .duration(.seconds(1)...(.seconds(600))), standard: .seconds(10),
                "How long a file call may take before its mount or volume counts as unresponsive."))
    }
}
