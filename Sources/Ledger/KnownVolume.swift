internal import Postgres
package import Vocabulary

/// What the ledger holds of a volume between placements and processes.
package struct KnownVolume: Hashable, Sendable {
    /// What the file system said.
    package struct Sample: Hashable, Sendable {
        package var totalBytes: Int64
        /// Available to us.
        package var availableBytes: Int64
        package var usedBytes: Int64
        /// Zero where the file system has no fixed number.
        package var totalInodes: Int64
        package var availableInodes: Int64
        package init(
            totalBytes: Int64, availableBytes: Int64, usedBytes: Int64, totalInodes: Int64, availableInodes: Int64
        ) {
            self.totalBytes = totalBytes
            self.availableBytes = availableBytes
            self.usedBytes = usedBytes
            self.totalInodes = totalInodes
            self.availableInodes = availableInodes
        }
    }

    package var id: VolumeID
    package var name: VolumeName
    package var path: FilePath
    package var account: AccountID
    /// Bytes that the volume is owed in its priority (may be negative); frozen while it is absent.
    package var credit: Double
    /// `ok` at first; the words are the planner's.
    package var state: String
    /// A sentence, where the state needs one.
    package var reason: String?
    /// When it came into this state.
    package var since: Instant
    /// The number of the alert that is raised, the same in raise, reminder and clear; nil where none is.
    package var incident: Int64?
    /// The highest percent used since the alert was raised.
    package var peakPercent: Double?
    package var sample: Sample?
    package var sampled: Instant?
    /// Of the last three writes, `1` for each that it kept and `0` for each that it did not.
    package var recentWrites = ""
    /// Nothing is placed there until then.
    package var restsUntil: Instant?
    /// When an operator said that it may be used again.
    package var trusted: Instant?
    /// Since when another disk has its name: nothing is placed there any more, and what it holds stays on record.
    package var replaced: Instant?

    /// One that the ledger has not heard of.
    package init(new id: VolumeID, name: VolumeName, path: FilePath, account: AccountID, credit: Double) {
        self.id = id
        self.name = name
        self.path = path
        self.account = account
        self.credit = credit
        state = "ok"
        since = Instant(microseconds: 0)
    }

    static let columns = ColumnList(
        plain: [
            "id", "name", "path", "account_id", "credit", "state", "reason", "incident", "peak_percent", "total_bytes",
            "available_bytes", "used_bytes", "total_inodes", "available_inodes", "recent_writes",
        ],
        times: ["since", "sampled_at", "rests_until", "trusted_at", "replaced_at"])

    init(_ row: Row) throws {
        id = try row.name("id")
        name = try row.name("name")
        path = try row.path("path")
        account = try row.name("account_id")
        credit = try row.real("credit")
        state = try row.text("state")
        reason = try row.optionalText("reason")
        since = try row.instant("since")
        incident = try row.optionalInteger("incident")
        peakPercent = try row.optionalReal("peak_percent")
        sampled = try row.optionalInstant("sampled_at")
        recentWrites = try row.text("recent_writes")
        restsUntil = try row.optionalInstant("rests_until")
        trusted = try row.optionalInstant("trusted_at")
        replaced = try row.optionalInstant("replaced_at")
        sample =
            sampled == nil
            ? nil
            : Sample(
                totalBytes: try row.integer("total_bytes"), availableBytes: try row.integer("available_bytes"),
                usedBytes: try row.integer("used_bytes"), totalInodes: try row.integer("total_inodes"),
                availableInodes: try row.integer("available_inodes"))
    }
}
