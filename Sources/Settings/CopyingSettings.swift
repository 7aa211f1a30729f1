/// How files are copied and verified.
package struct CopyingSettings: Hashable, Sendable {
    /// What is read again before a copy counts.
    package enum Level: String, CaseIterable, Sendable {
        /// The copy is read back from the disk and compared.
        case readBack = "read-back"
        /// The copy is read back, and the original is read a second time.
        case evidence
    }

    /// Files that one process copies at once.
    package let concurrency: Int
    /// What closes a group of files that become durable together: so many files, so many bytes, or this age.
    package let groupMaxFiles: Int
    package let groupMaxBytes: Int64
    package let groupAge: Duration
    package let level: Level
}

/// When a volume alerts, when it stops alerting, and what is never taken from it.
package struct PlacementSettings: Hashable, Sendable {
    /// How far below its watermark a volume must fall before the alert ends.
    package let hysteresis: Percent
    /// The share of a volume that is never taken, not even when all volumes are above their watermarks.
    package let floor: Percent
    /// The floor in bytes is never more than this.
    package let floorAtMost: Int64
}
