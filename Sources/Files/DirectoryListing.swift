internal import Glibc
package import Vocabulary

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
    /// Raw bytes; need not be UTF-8.
    package let name: [UInt8]
    package let kind: EntryKind
    package let inode: UInt64
    package init(name: [UInt8], kind: EntryKind, inode: UInt64) {
        self.name = name
        self.kind = kind
        self.inode = inode
    }
}

/// One name in a directory, as it lies in the kernel's answer.
package struct RawDirectoryEntry {
    /// Only as long as the call that was given it.
    package let name: UnsafeRawBufferPointer
    package let kind: EntryKind
    package let inode: UInt64
}

/// Reads the entries of a directory, in the order the file system gives them: 64 KiB at a time, so that memory does
/// not grow with the directory. `.` and `..` are left out, and so are the `.nfs…` names that NFS clients give to files
/// which were removed while open.
package enum DirectoryListing {
    /// Calls `visit` for each entry until it returns false. `directory` must be open for reading (not O_PATH), and its
    /// position moves: one descriptor gives one listing.
    package static func forEach(
        in directory: CInt, with calls: any FileCalls = KernelFiles(), _ visit: (DirectoryEntry) throws -> Bool
    ) throws {
        try forEachRaw(in: directory, with: calls) { raw in
            try visit(DirectoryEntry(name: Array(raw.name), kind: raw.kind, inode: raw.inode))
        }
    }

    /// The same without an array for each name.
    package static func forEachRaw(
        in directory: CInt, with calls: any FileCalls = KernelFiles(), _ visit: (RawDirectoryEntry) throws -> Bool
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let filled = try uninterrupted { () throws(FileError) in try calls.list(directory, into: buffer) }
            if filled == 0 { return }
            var offset = 0
            while offset + headerLength < filled {
                let length = Int(buffer.loadUnaligned(fromByteOffset: offset + 16, as: UInt16.self))
                let record = UnsafeRawBufferPointer(rebasing: buffer[offset..<min(offset + length, filled)])
                offset += max(length, headerLength)
                if let entry = entry(of: record), try !visit(entry) { return }
            }
        }
    }

    /// All entries; for directories whose size is known to be modest.
    package static func entries(
        in directory: CInt, with calls: any FileCalls = KernelFiles()
    ) throws -> [DirectoryEntry] {
        var all: [DirectoryEntry] = []
        try forEach(in: directory, with: calls) {
            all.append($0)
            return true
        }
        return all
    }

    /// Opens `path` beneath `root` without following links and lists it.
    package static func entries(
        of path: FilePath, beneath root: CInt, with calls: any FileCalls = KernelFiles()
    ) throws -> [DirectoryEntry] {
        let directory = try calls.openDirectory(path, beneath: root)
        return try entries(in: directory.descriptor, with: calls)
    }

    /// Inode (8 bytes), next offset (8), length (2), type (1); the name follows.
    private static let headerLength = 19

    private static func entry(of record: UnsafeRawBufferPointer) -> RawDirectoryEntry? {
        guard record.count > headerLength, let start = record.baseAddress else { return nil }
        let length = strnlen(
            (start + headerLength).assumingMemoryBound(to: CChar.self), record.count - headerLength)
        let name = UnsafeRawBufferPointer(start: start + headerLength, count: length)
        if length == 0 || name[0] == dot && isLeftOut(name) { return nil }
        return RawDirectoryEntry(
            name: name, kind: kind(of: record[18]), inode: record.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    }

    private static func isLeftOut(_ name: UnsafeRawBufferPointer) -> Bool {
        if name.count <= 2 { return name.allSatisfy { $0 == dot } }
        return name.starts(with: silly)
    }

    private static func kind(of type: UInt8) -> EntryKind {
        switch CInt(type) {
        case 0: .unknown
        case 4: .directory
        case 8: .regular
        case 10: .symbolicLink
        default: .other
        }
    }
}

private let dot = UInt8(ascii: ".")
private let silly = Array(".nfs".utf8)

/// What one look at a directory showed. A name that comes, goes or changes place changes it; a file that only grows
/// does not.
package struct DirectoryObservation: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    package let modified: FileTime
    package let changed: FileTime

    package init(_ observation: FileObservation) {
        device = observation.device
        inode = observation.inode
        modified = observation.modified
        changed = observation.changed
    }
}
