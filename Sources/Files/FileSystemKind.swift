/// The type of a file system, by its magic number (statfs(2), linux/magic.h).
package enum FileSystemKind: Hashable, Sendable, CustomStringConvertible {
    case ext, xfs, btrfs, zfs, bcachefs, f2fs, tmpfs, ramfs, overlay, iso, squashfs
    case nfs, cifs, smb2, fuse, v9fs, ceph, afs
    case other(UInt32)

    package init(magic: UInt32) { self = FileSystemKind.byMagic[magic] ?? .other(magic) }

    /// Whether the bytes lie behind a server or a process of others, so that calls can hang and changes that are made
    /// elsewhere raise no events here.
    package var isRemote: Bool {
        switch self {
        case .nfs, .cifs, .smb2, .fuse, .v9fs, .ceph, .afs: true
        case .ext, .xfs, .btrfs, .zfs, .bcachefs, .f2fs, .tmpfs, .ramfs, .overlay, .iso, .squashfs, .other: false
        }
    }

    /// Whether files can change without an inotify event here. An overlay is not remote, but what is written to its
    /// lower directories behind its back raises none either.
    package var changesUnseen: Bool { isRemote || self == .overlay }

    /// Whether bytes live in memory alone: there is no cache to drop and nothing that outlasts a reboot.
    package var isMemory: Bool { self == .tmpfs || self == .ramfs }

    /// Whether mincore(2) tells what of a file is cached: ZFS keeps a cache of its own (ARC) beside the kernel's, a process
    /// behind FUSE may, what lives in memory is nowhere else, and of an unknown type nothing is known.
    package var showsItsCache: Bool {
        switch self {
        case .ext, .xfs, .btrfs, .bcachefs, .f2fs, .overlay, .iso, .squashfs, .nfs, .cifs, .smb2, .v9fs, .ceph, .afs:
            true
        case .tmpfs, .ramfs, .zfs, .fuse, .other: false
        }
    }

    /// Whether `fsync` of a file that has no name yet may do nothing: btrfs passes over inodes without links in Linux
    /// 4.19 to 6.14, and the directory's `fsync` then brings back a name without bytes.
    package var forgetsUnnamedFiles: Bool { self == .btrfs }

    /// Whether what is reserved or written shows as used at once (statvfs): btrfs shows it after `fsync`, servers some
    /// time later.
    package var showsUseAtOnce: Bool {
        switch self {
        case .ext, .xfs, .tmpfs: true
        case .btrfs, .zfs, .bcachefs, .f2fs, .ramfs, .overlay, .iso, .squashfs, .nfs, .cifs, .smb2, .fuse, .v9fs, .ceph,
            .afs, .other:
            false
        }
    }

    package var description: String {
        switch self {
        case .ext: "ext4"
        case .xfs: "xfs"
        case .btrfs: "btrfs"
        case .zfs: "zfs"
        case .bcachefs: "bcachefs"
        case .f2fs: "f2fs"
        case .tmpfs: "tmpfs"
        case .ramfs: "ramfs"
        case .overlay: "overlay"
        case .iso: "iso9660"
        case .squashfs: "squashfs"
        case .nfs: "nfs"
        case .cifs: "cifs"
        case .smb2: "smb2"
        case .fuse: "fuse"
        case .v9fs: "9p"
        case .ceph: "ceph"
        case .afs: "afs"
        case .other(let magic): "type 0x" + String(magic, radix: 16)
        }
    }

    private static let byMagic: [UInt32: FileSystemKind] = [
        0xEF53: .ext, 0x5846_5342: .xfs, 0x9123_683E: .btrfs, 0x2FC1_2FC1: .zfs, 0xCA45_1A4E: .bcachefs,
        0xF2F5_2010: .f2fs, 0x0102_1994: .tmpfs, 0x8584_58F6: .ramfs, 0x794C_7630: .overlay, 0x9660: .iso,
        0x7371_7368: .squashfs, 0x6969: .nfs, 0xFF53_4D42: .cifs, 0x517B: .cifs, 0xFE53_4D42: .smb2,
        0x6573_5546: .fuse, 0x0102_1997: .v9fs, 0x00C3_6400: .ceph, 0x5346_414F: .afs,
    ]
}
