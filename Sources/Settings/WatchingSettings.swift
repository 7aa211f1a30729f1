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
    /// How long a mount may take to prove itself before it counts as unresponsive.
    package let unresponsiveAfter: Duration

    /// How long one look at a file or directory, or at a volume, may take: more than a proof, which only asks for what
    /// the server has at hand.
    package var callPatience: Duration { unresponsiveAfter * 4 }
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
                "unresponsive_after", .duration(.seconds(1)...(.seconds(600))), standard: .seconds(3),
                """
                How long a mount may take to prove itself before it counts as unresponsive. A look at a file, a \
                directory or a volume may take four times as long; a copy has its own patience.
                """))
    }
}
