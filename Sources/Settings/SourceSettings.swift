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
    /// What is cut from the front of the recorder's own paths when a path on a volume is made of them.
    package let recorderPrefix: FilePath

    /// Whether marks promise bytes that the switches leave at the recorder.
    package var leavesBytesUncopied: Bool { !copyFiles || onlyMixed || !synchronize.isEverything }
}

/// A directory of a recorder as it is mounted here; one agent serves one.
package struct MountSettings: Hashable, Sendable {
    package let path: MountPath
    /// A file below the mount whose presence proves that the right file system is mounted.
    package let marker: FilePath?
    /// Whether the directory has to be a mount point.
    package let isMountPoint: Bool

    package var directory: FilePath { FilePath(path.rawValue) }
}

/// Which kinds of media are collected from a source.
package struct SynchronizeSettings: Hashable, Sendable {
    package let audio: Bool
    package let video: Bool
    package let recd: Bool
    package let index: Bool

    package var isEverything: Bool { audio && video && recd && index }

    package func takes(_ kind: MediaKind) -> Bool {
        switch kind {
        case .audio, .mag, .archive: audio
        case .video, .image, .phoneVideo, .phoneVideoMag, .phoneVideoStream: video
        case .recd: recd
        case .index: index
        }
    }
}
