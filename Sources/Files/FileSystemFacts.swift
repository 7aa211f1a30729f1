internal import CLinux
internal import Glibc
package import Vocabulary

/// What a file system says about itself (statfs(2), statvfs(3)).
package struct FileSystemFacts: Hashable, Sendable {
    package var kind: FileSystemKind
    /// The kernel's identity of the file system. Zero on some; not stable over reboots on others: no lasting key.
    package var identity: UInt64
    package var isReadOnly: Bool
    /// Bytes in all, and those that nobody uses; `available` is the part of the free ones that we may use.
    package var totalBytes: Int64
    package var freeBytes: Int64
    package var availableBytes: Int64
    /// Zero where the file system makes inodes as it goes (btrfs): then inodes are no limit.
    package var totalInodes: Int64
    package var freeInodes: Int64
    package var availableInodes: Int64

    package init(
        kind: FileSystemKind, identity: UInt64 = 0, isReadOnly: Bool = false, totalBytes: Int64 = 0,
        freeBytes: Int64 = 0, availableBytes: Int64 = 0, totalInodes: Int64 = 0, freeInodes: Int64 = 0,
        availableInodes: Int64 = 0
    ) {
        self.kind = kind
        self.identity = identity
        self.isReadOnly = isReadOnly
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.availableBytes = availableBytes
        self.totalInodes = totalInodes
        self.freeInodes = freeInodes
        self.availableInodes = availableInodes
    }

    package var usedBytes: Int64 { totalBytes - freeBytes }
    package var usedInodes: Int64 { totalInodes - freeInodes }

    /// 0 to 1, of what is used or open to us: what the file system holds back for root counts in neither, as in `df`.
    package var usedShare: Double { share(of: usedBytes, and: availableBytes) }
    /// 0 to 1; nil where inodes are no limit.
    package var usedInodeShare: Double? {
        totalInodes == 0 ? nil : share(of: usedInodes, and: availableInodes)
    }
    package var isOutOfInodes: Bool { totalInodes > 0 && availableInodes <= 0 }

    private func share(of used: Int64, and available: Int64) -> Double {
        let both = used + available
        return both <= 0 ? 1 : Double(used) / Double(both)
    }
}

extension FileSystemFacts {
    init(_ type: statfs, _ space: statvfs) {
        let unit = Int64(clamping: space.f_frsize)
        let words = type.f_fsid.__val
        self.init(
            kind: FileSystemKind(magic: UInt32(truncatingIfNeeded: type.f_type)),
            identity: UInt64(UInt32(bitPattern: words.0)) << 32 | UInt64(UInt32(bitPattern: words.1)),
            isReadOnly: UInt(space.f_flag) & 1 != 0,  // ST_RDONLY
            totalBytes: Int64(clamping: space.f_blocks) * unit, freeBytes: Int64(clamping: space.f_bfree) * unit,
            availableBytes: Int64(clamping: space.f_bavail) * unit, totalInodes: Int64(clamping: space.f_files),
            freeInodes: Int64(clamping: space.f_ffree), availableInodes: Int64(clamping: space.f_favail))
    }

    /// Looks at the file system that `path` lies on. Can hang on a dead mount: call on ``FileThreads``.
    package static func look(at path: FilePath, with calls: any FileCalls = KernelFiles()) throws(FileError) -> Self {
        let file = try uninterrupted { () throws(FileError) in
            try calls.open(path, in: KernelFiles.workingDirectory, flags: takeup_O_PATH | O_DIRECTORY)
        }
        return try uninterrupted { () throws(FileError) in try calls.fileSystem(file.descriptor) }
    }
}
