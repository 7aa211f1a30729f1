internal import CLinux
internal import Glibc
package import Vocabulary

/// A file system's time stamp, to the nanosecond, since 1970-01-01 00:00 UTC.
package struct FileTime: Hashable, Comparable, Sendable {
    package let seconds: Int64
    /// 0 to 999,999,999.
    package let nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (one: FileTime, other: FileTime) -> Bool {
        (one.seconds, one.nanoseconds) < (other.seconds, other.nanoseconds)
    }

    /// Cut to the microsecond, and to the years 1 to 9999: file systems and servers say anything.
    package var instant: Instant {
        let near = min(max(seconds, -62_135_596_800), 253_402_300_799)
        return Instant(microseconds: near * 1_000_000 + Int64(nanoseconds / 1000))
    }

    /// Equal where the times are, and for times that lie 584 years apart; it has no order beyond 2262.
    package var nanosecondsSince1970: Int64 { seconds &* 1_000_000_000 &+ Int64(nanoseconds) }
}

/// What one look at a file showed (statx(2)).
package struct FileObservation: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// Bytes.
    package let size: Int64
    package let modified: FileTime
    /// When content, name count or attributes last changed. No program can set it.
    package let changed: FileTime
    package let links: UInt32
    /// Permission bits only.
    package let mode: UInt32
    package let user: UInt32
    package let group: UInt32
    package let kind: EntryKind
    /// Whether this is the root of a mount; nil before Linux 5.8.
    package let isMountRoot: Bool?
    /// A part was never written. Only where somebody looked (``KernelFiles/hasHoles(_:size:)``), and no part of any
    /// comparison: writing there changes the times.
    package var hasHoles = false

    package var isRegular: Bool { kind == .regular }
    package var isDirectory: Bool { kind == .directory }

    package func isSameFile(as other: FileObservation) -> Bool { device == other.device && inode == other.inode }

    /// Whether nothing shows that the content changed since `earlier`. A file renamed away or replaced shows too:
    /// that changes `changed`.
    package func isUnchanged(since earlier: FileObservation) -> Bool {
        isSameFile(as: earlier) && size == earlier.size && modified == earlier.modified && changed == earlier.changed
    }
}

/// What a directory entry is.
package enum EntryKind: Hashable, Sendable {
    case regular, directory, symbolicLink, other
    /// The file system does not say while listing; a look at the file does.
    case unknown
}

extension FileObservation {
    init(_ from: statx) {
        device = UInt64(from.stx_dev_major) << 32 | UInt64(from.stx_dev_minor)
        inode = from.stx_ino
        size = Int64(clamping: from.stx_size)
        modified = FileTime(seconds: from.stx_mtime.tv_sec, nanoseconds: from.stx_mtime.tv_nsec)
        changed = FileTime(seconds: from.stx_ctime.tv_sec, nanoseconds: from.stx_ctime.tv_nsec)
        links = from.stx_nlink
        mode = UInt32(from.stx_mode) & 0o7777
        user = from.stx_uid
        group = from.stx_gid
        kind =
            switch mode_t(from.stx_mode) & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        let mountRoot: UInt64 = 0x2000  // STATX_ATTR_MOUNT_ROOT
        isMountRoot = from.stx_attributes_mask & mountRoot == 0 ? nil : from.stx_attributes & mountRoot != 0
    }
}
