/// How files are copied and verified.
package struct CopyingSettings: Hashable, Sendable {
    /// What is read again before a copy counts.
    package enum Level: String, CaseIterable, Sendable {
        /// The copy is read back from the disk and compared.
        case readBack = "read-back"
        /// The copy is read back, and the original is read a second time.
        case evidence
    }

    package enum Concurrency: Hashable, Sendable {
        /// As many as were found to be fastest.
        case found
        case fixed(Int)
    }

    /// Files that one process copies at once to a volume.
    package let concurrency: Concurrency
    /// What closes a group of files that become durable together: so many files, or so many bytes.
    package let groupMaxFiles: Int
    package let groupMaxBytes: Int64
    package let level: Level
    /// Whether copies get the originals' `user.*` attributes.
    package let keepsAttributes: Bool
}

/// When a volume alerts, when it stops alerting, and what is never taken from it.
package struct PlacementSettings: Hashable, Sendable {
    /// How far below its watermark a volume must fall before the alert ends.
    package let hysteresis: Percent
    /// The share of a volume that is never taken, not even when all volumes are above their watermarks.
    package let floor: Percent
    /// The floor in bytes is never more than this, but for what the largest file asks.
    package let floorAtMost: Int64
    /// The largest file to be expected; zero where nobody knows. The floor is twice this at least.
    package let largestFile: Int64
    /// Whether a volume that did not keep what was written is used again as soon as a probe passes.
    package let autoRecover: Bool
}

extension CopyingSettings {
    static func read(from reader: inout SectionReader) -> CopyingSettings {
        CopyingSettings(
            concurrency: reader.value(
                "concurrency", .concurrency, standard: .found,
                "Files that one agent or worker copies at once to a volume. auto: as many as are found to be fastest, by"
                    + " measuring, from 1 to 16; `takeup status` shows them."),
            groupMaxFiles: reader.value(
                "group_max_files", .integer(1...4096), standard: 256,
                "Files become durable in groups; so many close a group."),
            groupMaxBytes: reader.value(
                "group_max_bytes", .byteCount(1 << 20...1 << 36), standard: 256 << 20, "So many bytes close a group."),
            level: reader.value(
                "level", .choice(.readBack), standard: .readBack,
                "How a copy is proved: read-back reads the copy from the disk and compares; evidence also reads the"
                    + " original a second time."),
            keepsAttributes: reader.value(
                "extended_attributes", .boolean, standard: false,
                "Whether a copy gets the original's extended attributes of the user namespace (user.*). ACLs, security.* and"
                    + " trusted.* are never copied: they mean users and policies of the recorder."))
    }
}

extension PlacementSettings {
    static func read(from reader: inout SectionReader) -> PlacementSettings {
        PlacementSettings(
            hysteresis: reader.value(
                "hysteresis", .percent(0...50), standard: Percent(5),
                "How far below its watermark a volume must fall before the alert ends."),
            floor: reader.value(
                "floor", .percent(0...50), standard: Percent(2),
                "The share of a volume that is never taken, not even when all volumes are above their watermarks."),
            floorAtMost: reader.value(
                "floor_at_most", .byteCount(0...1 << 44), standard: 64 << 30,
                "The floor is never more than this, but for large files: it is twice the largest under way at least."),
            largestFile: reader.value(
                "largest_file", .byteCount(0...1 << 44), standard: 0,
                "The largest file to be expected. The floor is twice this at least. 0: what is under way says it."),
            autoRecover: reader.value(
                "auto_recover", .boolean, standard: false,
                "Whether a volume that did not keep what was written to it is used again as soon as a probe passes, without"
                    + " `takeup volume trust`."))
    }
}

extension SettingKind<CopyingSettings.Concurrency> {
    fileprivate static var concurrency: SettingKind {
        SettingKind(
            name: "\"auto\", or whole number, 1 to 64",
            hint: "Write \"auto\", or a whole number from 1 to 64 without quotes",
            placeholder: .found,
            read: { value in
                switch value.content {
                case .string("auto"): .value(.found)
                case .integer(let number):
                    (1...64).contains(number) ? .value(.fixed(number)) : .refused("is outside 1 to 64")
                case .string, .decimal, .boolean, .array, .table, .moment: .refused("is \(value.kindName)")
                }
            },
            written: { concurrency in
                switch concurrency {
                case .found: "\"auto\""
                case .fixed(let number): "\(number)"
                }
            })
    }
}
