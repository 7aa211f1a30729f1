package import Vocabulary

/// A recorder: its database and its mounted directories.
package struct SourceSettings: Hashable, Sendable {
    package let name: SourceName
    package let isEnabled: Bool
    package let database: DatabaseSettings
    /// What stands before the recorder's own absolute paths on this machine.
    package let mountPath: FilePath
    /// At least one, each at or below ``mountPath``.
    package let mounts: [MountSettings]
    /// Sources of one group take turns; one without a group waits for nobody.
    package let group: String?
    package let interval: Interval
    /// IANA name of the zone that the recorder's clock shows.
    package let timeZone: String
    package let copyFiles: Bool
    package let onlyMixed: Bool
    package let synchronize: SynchronizeSettings
    package let allowMarkWithoutCopy: Bool
    package let synchronizedAlreadySynchronized: Bool
    /// Where index files may lie; empty where no rule is known.
    package let indexFiles: [IndexPattern]
    /// How long an index file may be missing after its sound came before there is none.
    package let indexGrace: Duration
    /// What is cut from the front of the recorder's own paths when a path on a volume is made of them.
    package let recorderPrefix: FilePath
    /// When the recorder deletes a recording, counted from its end; nil where that is not known.
    package let deletionAge: Duration?
    /// How long before ``deletionAge`` an unmarked recording is told of.
    package let deletionMargin: Duration?
    /// Bytes a second that all agents of the source together read for copies; nil for as fast as it goes.
    package let readLimit: Int64?

    /// Whether marks promise media that the switches leave at the recorder. Index files are none: no row names them.
    package var leavesBytesUncopied: Bool { !copyFiles || onlyMixed || !synchronize.isEverything }
}

/// A directory of a recorder as it is mounted here; one agent serves one.
package struct MountSettings: Hashable, Sendable {
    package let path: MountPath
    /// A file below the mount whose presence proves that the right file system is mounted.
    package let marker: FilePath?
    /// Whether the directory has to be a mount point.
    package let isMountPoint: Bool
    package let watch: WatchWish

    package var directory: FilePath { FilePath(path.rawValue) }
}

/// Which kinds of media are collected from a source.
package struct SynchronizeSettings: Hashable, Sendable {
    package let audio: Bool
    package let video: Bool
    package let recd: Bool
    package let index: Bool

    package var isEverything: Bool { audio && video && recd }

    package func takes(_ kind: MediaKind) -> Bool {
        switch kind {
        case .audio, .mag, .archive: audio
        case .video, .image, .phoneVideo, .phoneVideoMag, .phoneVideoStream: video
        case .recd: recd
        case .index: index
        }
    }
}

extension SourceSettings {
    static func read(from reader: inout SectionReader, in environment: SettingsEnvironment) -> SourceSettings {
        let name = SourceName(
            reader.required(
                "name", also: ["sysname"], .name, example: "rec_cluster_B", "What the recorder is called; unique."))
        let isEnabled = reader.value("enabled", .boolean, standard: true, "Whether recordings are collected from it.")
        let database = DatabaseSettings.read(
            from: &reader, variable: passwordVariable(of: name),
            example: "host=rec-b.example dbname=callrec user=takeup_reader sslmode=verify-full",
            "The recorder's database. A password in $TAKEUP_SOURCE_<NAME>_PASSWORD (the name in capitals, with _ for"
                + " what is no letter or digit) wins over the others.", in: environment)
        let mountPath = reader.required(
            "mount_path", .path, example: FilePath("/mnt/rec_cluster_B"),
            "What stands before the recorder's own absolute paths on this machine; unique.")
        let mounts = reader.list(
            "mounts", shortKey: "path",
            example: "[\"/mnt/rec_cluster_B/opt/callrec/data/calls\", \"/mnt/rec_cluster_B/opt/callrec/data/screens\"]",
            "The recorder's directories as they are mounted here, at or below mount_path. One agent serves each.",
            tableHelp: "A mount with more to say than its path. Replaces mounts = [ … ]."
        ) { MountSettings.read(from: &$0) }
        let timeZone = readTimeZone(from: &reader, in: environment)
        let source = SourceSettings(
            name: name, isEnabled: isEnabled, database: database, mountPath: mountPath, mounts: mounts,
            group: reader.optional(
                "group", .name, example: "north",
                "Sources of one group take turns. Left out: this source waits for no other."),
            interval: reader.value(
                "interval", .interval, standard: .lastWeek,
                "How far back recordings are looked for: yesterday, last-week and last-month begin at midnight so many"
                    + " days ago and reach to now; \"floatend=30 minutes days=3\" is three days that end 30 minutes ago."
                    + " floatend takes seconds, minutes, hours and days; left out, the window ends now. days left out: 7."
            ),
            timeZone: timeZone,
            copyFiles: reader.value(
                "copy_files", .boolean, standard: true,
                "Whether media are copied. If not, the replay's rows point to the recorder's files."),
            onlyMixed: reader.value(
                "only_mixed", .boolean, standard: false, "Whether screens without sound are left at the recorder."),
            synchronize: reader.table("synchronize", "Which kinds of media are collected.") {
                SynchronizeSettings.read(from: &$0)
            },
            allowMarkWithoutCopy: reader.value(
                "allow_mark_without_copy", .boolean, standard: false,
                "Whether recordings are marked although the switches leave bytes of them uncopied. Other tools delete"
                    + " marked originals."),
            synchronizedAlreadySynchronized: reader.value(
                "synchronized_already_synchronized", .boolean, standard: false,
                "Whether recordings that carry a mark are looked at again. For recovery after errors only."),
            indexFiles: reader.value(
                "index_files", .indexPatterns, standard: [],
                "Where the recorder keeps the index file of a sound, which no row names: patterns with {stem} (the sound's"
                    + " file name without its last ending), {name} (the whole) and {day} (YYYYMMDD), from the sound's"
                    + " directory, or absolute as the recorder's own path. Left out: index files stay at the recorder, so"
                    + " hold back the index group of its delete tool."),
            indexGrace: reader.value(
                "index_grace", .duration(.seconds(1)...(.seconds(7 * 86_400))), standard: .seconds(600),
                "How long an index file may be missing after its sound was copied. Then there is none, and the mark waits"
                    + " no longer. Of recordings that are older than this by a day each is looked for once."),
            recorderPrefix: reader.value(
                "recorder_prefix", .path, standard: FilePath("/opt/callrec/data"),
                "What is cut from the front of the recorder's own paths when a path on a volume is made of them."),
            deletionAge: reader.optional(
                "deletion_age", .duration(.seconds(86_400)...(.seconds(3650 * 86_400))), example: .seconds(30 * 86_400),
                "The age at which the recorder deletes recordings. Unmarked ones that come near it are a problem before"
                    + " they are lost. Left out: not known."),
            deletionMargin: reader.optional(
                "deletion_margin", .duration(.seconds(3600)...(.seconds(3650 * 86_400))), example: .seconds(7 * 86_400),
                "How long before deletion_age that is told. Left out: a quarter of deletion_age."),
            readLimit: reader.optional(
                "read_limit", .byteCount(SourceSettings.slowest...SourceSettings.fastest), example: 20 << 20,
                "Bytes a second that all agents of this source together read for copies. `takeup limit` says otherwise"
                    + " without a restart. Left out: as fast as it goes."))
        if !reader.has("index_files") && !reader.findings.isDescribing { source.warnOfIndexFiles(reader) }
        return source
    }

    /// Bytes a second that a limit may say.
    package static let slowest: Int64 = 64 << 10
    package static let fastest: Int64 = 1 << 40

    /// Unmarked recordings older than this are near their deletion.
    package var deletionIsNearAfter: Duration? {
        deletionAge.map { age in max(.zero, age - (deletionMargin ?? age / 4)) }
    }

    private func warnOfIndexFiles(_ reader: SectionReader) {
        guard isEnabled, copyFiles, synchronize.index else { return }
        reader.findings.warn(
            reader.path(of: "index_files"),
            "no rule says where \(name) keeps index files, so they stay there; marks do not wait for them",
            hint:
                "Set index_files; or set index_files = [] and hold back the index group of the recorder's delete tool",
            line: reader.findings.line(of: reader.path))
    }

    /// `TAKEUP_SOURCE_REC_CLUSTER_B_PASSWORD`
    package static func passwordVariable(of name: SourceName) -> String {
        let word = name.rawValue.utf8.map { byte -> Character in
            switch byte {
            case 48...57, 65...90: Character(Unicode.Scalar(byte))
            case 97...122: Character(Unicode.Scalar(byte - 32))
            default: "_"
            }
        }
        return "TAKEUP_SOURCE_\(String(word))_PASSWORD"
    }

    private static func readTimeZone(from reader: inout SectionReader, in environment: SettingsEnvironment) -> String {
        let zone = reader.value(
            "time_zone", .timeZone(isKnown: environment.knowsTimeZone), standard: "UTC",
            "The time zone that the recorder's clock shows. Recorders write local time without saying which.")
        if !reader.has("time_zone") && !reader.findings.isDescribing {
            reader.findings.warn(
                reader.path(of: "time_zone"), "no time_zone is given, so the recorder's clock is taken to show UTC",
                hint: "Say time_zone = \"UTC\" if it does, or the recorder's zone, such as \"Europe/Prague\"",
                line: reader.findings.line(of: reader.path))
        }
        return zone
    }
}

extension MountSettings {
    fileprivate static func read(from reader: inout SectionReader) -> MountSettings {
        let path = reader.required(
            "path", .path, example: FilePath("/mnt/rec_cluster_B/opt/callrec/data/calls"), "The mounted directory.")
        return MountSettings(
            path: MountPath(path.displayText),
            marker: reader.optional(
                "marker", .pathBelow, example: FilePath(".takeup-mount"),
                "A file below the mount whose presence proves that the right file system is mounted."),
            isMountPoint: reader.value(
                "mount_point", .boolean, standard: true,
                "Whether the directory has to be a mount point. false for a plain directory, as on a test machine."),
            watch: reader.value(
                "watch", .choice(WatchWish.auto), standard: .auto,
                "How changes are noticed. auto: by the type of the file system, and by what comes without an event."
                    + " event: by the kernel's events, with a rare check. mixed: by events and polling. polling: by"
                    + " polling alone. Set it where auto is wrong, as for a network file system that this machine writes."
            ))
    }
}

extension SynchronizeSettings {
    fileprivate static func read(from reader: inout SectionReader) -> SynchronizeSettings {
        SynchronizeSettings(
            audio: reader.value("audio", .boolean, standard: true, "Sound."),
            video: reader.value("video", .boolean, standard: true, "Screens as video."),
            recd: reader.value("recd", .boolean, standard: true, "Screens in RECD format."),
            index: reader.value("index", .boolean, standard: true, "Index files, and voice tags with them."))
    }
}

extension SettingsEnvironment {
    /// Whether the machine has rules for the zone.
    func knowsTimeZone(_ name: String) -> Bool {
        if name == "UTC" { return true }
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
                true
            default: false
            }
        }
        guard isName, !name.isEmpty, let rules = try? readFile(FilePath("/usr/share/zoneinfo").appending(name)) else {
            return false
        }
        return rules.starts(with: "TZif".utf8)
    }
}
