package import Vocabulary

/// The replay server: one database, and the volumes that take copies.
package struct ReplaySettings: Hashable, Sendable {
    package let name: String
    package let database: DatabaseSettings
    /// At least one; one named `default` where only a default path is set.
    package let volumes: [VolumeSettings]
    /// Volumes for screens alone. Empty where screens go where everything goes.
    package let videoVolumes: [VolumeSettings]
    package let ownership: OwnershipSettings
    /// Where a host remembers what must not go back in time with the database; systemd's unless set.
    package let stateDirectory: FilePath?

    /// Every volume there is.
    package var allVolumes: [VolumeSettings] { volumes + videoVolumes }

    /// The volumes that may take a media file of this kind.
    package func volumes(taking kind: MediaKind) -> [VolumeSettings] {
        if videoVolumes.isEmpty { return volumes }
        return switch kind {
        case .video, .recd, .image, .phoneVideo, .phoneVideoMag, .phoneVideoStream: videoVolumes
        case .audio, .mag, .archive, .index: volumes
        }
    }
}

/// A directory that takes copies.
package struct VolumeSettings: Hashable, Sendable {
    package let name: VolumeName
    /// Absolute.
    package let path: FilePath
    /// 1 to 10, lower first.
    package let priority: Int
    /// Share inside a priority, 0 to 100; 0 drains.
    package let balance: Int
    /// Of space and of inodes used, the file to be placed included.
    package let watermark: Watermark
    /// Volumes that name the same account share their space though their file systems look different.
    package let account: AccountID?
}

/// Who owns what is published, and who may read it.
package struct OwnershipSettings: Hashable, Sendable {
    /// Name or number; the process's own where none is set.
    package let user: String?
    package let group: String?
    /// Permission bits of files and of directories.
    package let fileMode: UInt32
    package let directoryMode: UInt32
}

extension ReplaySettings {
    static func read(from reader: inout SectionReader, in environment: SettingsEnvironment) -> ReplaySettings {
        let name = reader.required(
            "name", also: ["sysname"], .name, example: "replay1", "What this replay server is called.")
        let database = DatabaseSettings.read(
            from: &reader, variable: "TAKEUP_REPLAY_PASSWORD",
            example: "host=/run/postgresql dbname=callrec user=takeup",
            "The replay's database; it also holds the ledger. Must not be a source's. A password in"
                + " $TAKEUP_REPLAY_PASSWORD wins over the others.", in: environment)
        let defaultPath = reader.optional(
            "default_path", .path, example: FilePath("/srv/recordings"),
            "Where copies go if there is no [[replay.volumes]]; ignored as soon as there is one.")
        let defaultVideoPath = reader.optional(
            "default_video_path", .path, example: FilePath("/srv/screens"),
            "Where screens go if there is no [[replay.video_volumes]]. Left out: where everything goes.")
        let ownership = OwnershipSettings.read(from: &reader)
        let stateDirectory =
            reader.optional(
                "state_directory", .path, example: FilePath("/var/lib/takeup"),
                "Where each host remembers which marks were given, so that a database restored from a backup is noticed. Left"
                    + " out: $STATE_DIRECTORY, which the units have."
            )
            ?? environment.variables["STATE_DIRECTORY"].flatMap { list in
                list.split(separator: ":").first.map { FilePath(String($0)) }
            }
        let volumes = VolumeSettings.list(
            "volumes", defaultPath: defaultPath, defaultKey: "default_path", defaultName: "default", from: &reader,
            "A directory that takes copies. Made known once with `takeup volume init PATH`.")
        let videoVolumes = VolumeSettings.list(
            "video_volumes", defaultPath: defaultVideoPath, defaultKey: "default_video_path",
            defaultName: "default-video", isCommented: true, from: &reader,
            "A volume for screens (video and RECD) alone. Without any, screens go where everything goes.")
        if volumes.isEmpty && !reader.findings.isDescribing && !reader.has("volumes") {
            reader.findings.refuse(
                reader.path(of: "volumes"), "there is no volume to copy to",
                hint: "Add [[replay.volumes]], or default_path",
                line: reader.findings.line(of: reader.path))
        }
        return ReplaySettings(
            name: name, database: database, volumes: volumes, videoVolumes: videoVolumes, ownership: ownership,
            stateDirectory: stateDirectory)
    }
}

extension VolumeSettings {
    fileprivate static func list(
        _ key: String, defaultPath: FilePath?, defaultKey: String, defaultName: String, isCommented: Bool = false,
        from reader: inout SectionReader, _ help: String
    ) -> [VolumeSettings] {
        let volumes = reader.tables(key, isCommented: isCommented, help) { read(from: &$0) }
        guard let defaultPath else { return volumes }
        if !volumes.isEmpty {
            let path = reader.path(of: defaultKey)
            reader.findings.warn(
                path, "\(defaultKey) is ignored, because there are [[replay.\(key)]]",
                hint: "Remove it, or make a volume of it", line: reader.findings.line(of: path))
            return volumes
        }
        let single = VolumeSettings(
            name: VolumeName(defaultName), path: defaultPath, priority: 1, balance: 100, watermark: standardWatermark,
            account: nil)
        return [single]
    }

    private static let standardWatermark = Watermark.used(Percent(85))

    private static func read(from reader: inout SectionReader) -> VolumeSettings {
        VolumeSettings(
            name: VolumeName(reader.required("name", .name, example: "a", "What the volume is called; unique.")),
            path: reader.required(
                "path", .path, example: FilePath("/srv/recordings/a"),
                "The directory. Not inside another volume or a recorder's mount."),
            priority: reader.value(
                "priority", .integer(1...10), standard: 1, "Lower numbers are used first, as long as they have room."),
            balance: reader.value(
                "balance", .integer(0...100), standard: 100,
                "The volume's share of bytes among those of its priority. 0 drains: nothing new goes there."),
            watermark: reader.value(
                "watermark", .watermark, standard: standardWatermark,
                "Used space, and used inodes, up to which the volume is chosen, the file to be placed included; never"
                    + " more than 256 GiB is kept free. Or what stays free, such as free:200GiB."),
            account: reader.optional(
                "account", .name, example: "pool1",
                "Volumes that name one account share their space though their file systems look different, as on a thin"
                    + " pool. Volumes on one file system share it anyway."
            ).map { AccountID($0) })
    }
}

extension OwnershipSettings {
    fileprivate static func read(from reader: inout SectionReader) -> OwnershipSettings {
        OwnershipSettings(
            user: reader.optional(
                "user", .name, example: "callrec",
                "Who owns what is published, by name or number. Left out: the service's user. Another user needs the"
                    + " drop-in preserve-owner.conf."),
            group: reader.optional(
                "group", .name, example: "callrec",
                "The group of what is published. Left out: the service's group. The service's user must be in it."),
            fileMode: reader.value("file_mode", .mode, standard: 0o640, "Permissions of published files."),
            directoryMode: reader.value("directory_mode", .mode, standard: 0o750, "Permissions of made directories."))
    }
}
