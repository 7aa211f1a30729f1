/// What stands at a mount's path.
package enum MountState: Hashable, Sendable {
    case proven(MountIdentity)
    /// Nothing is mounted there. That proves nothing about any file.
    case absent(MountAbsence)
    /// Something is there, and it is not what it should be.
    case wrong(MountFault)
    /// A call did not come back in time.
    case unresponsive
    /// Nothing could be asked, as descriptors or memory have run out here; the `errno`. Says nothing of the mount, not even
    /// that it is what it was.
    case unknown(Int32)

    var isProven: Bool {
        if case .proven = self { return true }
        return false
    }

    package var isKnown: Bool {
        if case .unknown = self { return false }
        return true
    }
}

package enum MountAbsence: Hashable, Sendable {
    case noDirectory
    /// The directory is there, and nothing is mounted on it (or only an automounter that has not mounted yet).
    case notMountPoint
    /// The server no longer knows what was mounted (`ESTALE`), it does not answer (`EIO`, `ETIMEDOUT`), or the program
    /// behind it is gone (`ENOTCONN`); the `errno`.
    case disconnected(Int32)
}

package enum MountFault: Hashable, Sendable {
    case notDirectory
    /// Another file system than at the start of this process, without a marker that vouches for it.
    case otherFileSystem(was: FileSystemIdentity, is: FileSystemIdentity)
    /// The operator's marker file is not there.
    case noMarker(name: String)
    /// The marker file holds something else than at the start of this process.
    case otherMarker(name: String)
    /// The directory or its marker cannot be read; the `errno`.
    case unreadable(Int32)
}

/// Which file system it is, as far as the kernel can tell; stable over remounts. Device numbers are left out: an NFS
/// client may give a new one at each mount.
package struct FileSystemIdentity: Hashable, Sendable {
    /// As in /proc/self/mountinfo: `ext4`, `nfs4`, `fuse.sshfs`.
    package var type: String
    /// What is mounted: `server:/export`, `/dev/sdb1`.
    package var source: String
    /// Which directory of it, for bind mounts and subvolumes; `/` otherwise.
    package var root: String
    /// `f_fsid` of statfs(2); zero where the file system gives none (NFS, FUSE).
    package var id: UInt64

    package init(type: String, source: String, root: String, id: UInt64) {
        self.type = type
        self.source = source
        self.root = root
        self.id = id
    }

    /// An id that both have decides; otherwise source and root do, which for NFS name server and export.
    package func isSame(as other: FileSystemIdentity) -> Bool {
        guard type == other.type, root == other.root else { return false }
        if id != 0 && other.id != 0 { return id == other.id }
        return source == other.source
    }
}

/// The directory that a look must begin at, so that it sees the mount that was proven: differs after every remount.
package struct MountRoot: Hashable, Sendable {
    /// `stx_mnt_id` of statx(2), the one that is never given twice where the kernel has it (6.8); zero before 5.8.
    package var mountID: UInt64
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    package var inode: UInt64

    package init(mountID: UInt64, deviceMajor: UInt32, deviceMinor: UInt32, inode: UInt64) {
        self.mountID = mountID
        self.deviceMajor = deviceMajor
        self.deviceMinor = deviceMinor
        self.inode = inode
    }
}

/// What a proof found.
package struct MountIdentity: Hashable, Sendable {
    package var fileSystem: FileSystemIdentity
    package var root: MountRoot

    package init(fileSystem: FileSystemIdentity, root: MountRoot) {
        self.fileSystem = fileSystem
        self.root = root
    }
}
