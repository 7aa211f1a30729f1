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
    package let watermark: Percent
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
