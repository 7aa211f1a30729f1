internal import Glibc
package import Vocabulary

/// The file in a volume's root that says which volume it is. A path alone proves nothing: the disk may be absent, or
/// another.
package enum VolumeMarker {
    package static let name = FilePath(".takeup-volume")

    package enum Reading: Hashable, Sendable {
        case volume(VolumeID)
        /// There is no marker: the volume is not mounted, or was never made one.
        case absent
        /// There is a file of that name that names no volume.
        case malformed
    }

    /// Reads the marker through an open directory, so that what is written through the same descriptor goes to the
    /// volume that was proven.
    package static func read(
        in directory: CInt, with calls: any FileCalls = KernelFiles()
    ) throws(FileError) -> Reading {
        guard let file = try open(in: directory, with: calls) else { return .absent }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = try uninterrupted { () throws(FileError) in
            try bytes.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
                try calls.read(file.descriptor, into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            }
        }
        let line = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        let text = String(decoding: line, as: UTF8.self)
        return isIdentity(text) ? .volume(VolumeID(text)) : .malformed
    }

    private static func open(in directory: CInt, with calls: any FileCalls) throws(FileError) -> HeldFile? {
        do throws(FileError) {
            return HeldFile(
                try uninterrupted { () throws(FileError) in
                    try calls.open(name, in: directory, flags: O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
                })
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    package struct Creation: Hashable, Sendable {
        package let id: VolumeID
        /// There was a marker already; nothing was written.
        package let wasThere: Bool
    }

    /// Makes a directory a volume, durably, with a new identity. A marker that is there stays and its identity is
    /// returned. The marker appears whole or not at all. Throws ``FileError/Code/exists`` where a file of that name
    /// names no volume.
    package static func create(
        in directory: CInt, with calls: any FileCalls = KernelFiles()
    ) throws(FileError) -> Creation {
        if let found = try existing(in: directory, with: calls) { return found }
        let id = try makeIdentity()
        let draft = FilePath(".takeup-volume-\(id.rawValue)")
        try write(id, to: draft, in: directory, with: calls)
        do throws(FileError) {
            try uninterrupted { () throws(FileError) in
                try calls.link(draft, in: directory, to: name, in: directory)
            }
        } catch {
            try calls.unlink(draft, in: directory)
            if error.code == .exists, let found = try existing(in: directory, with: calls) { return found }
            throw error
        }
        try calls.unlink(draft, in: directory)
        try calls.syncDirectory(directory)
        return Creation(id: id, wasThere: false)
    }

    private static func existing(
        in directory: CInt, with calls: any FileCalls
    ) throws(FileError) -> Creation? {
        switch try read(in: directory, with: calls) {
        case .volume(let id): return Creation(id: id, wasThere: true)
        case .absent: return nil
        case .malformed:
            throw FileError(.exists, doing: "make a volume where a file has the marker's name", path: name)
        }
    }

    private static func write(
        _ id: VolumeID, to draft: FilePath, in directory: CInt, with calls: any FileCalls
    ) throws(FileError) {
        let file = try calls.createNamed(draft, in: directory, mode: 0o444)
        let text = """
            \(id.rawValue)
            This directory is a volume of Takeup: recordings are copied here. The line above is its identity; do not \
            change, copy or remove this file.

            """
        do throws(FileError) {
            let bytes = Array(text.utf8)
            try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
                try calls.writeAll(UnsafeRawBufferPointer(buffer), to: file.descriptor, at: 0)
            }
            try calls.syncFile(file.descriptor)
        } catch {
            try calls.unlink(draft, in: directory)
            throw error
        }
        try calls.close(file)
    }

    /// A random UUID (RFC 9562, version 4) in lower case.
    private static func makeIdentity() throws(FileError) -> VolumeID {
        var bytes = [UInt8](repeating: 0, count: 16)
        let failed = getentropy(&bytes, bytes.count) != 0
        if failed { throw FileError(.other, doing: "make a volume identity", number: errno) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let groups = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16]
        return VolumeID(groups.map { Hex.text(of: bytes[$0]) }.joined(separator: "-"))
    }

    private static func isIdentity(_ text: String) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.joined().utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

extension FileCalls {
    /// Writes all of `bytes`, also where the kernel takes them in parts.
    package func writeAll(
        _ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int64
    ) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let position = offset + Int64(written)
            let count = try uninterrupted { () throws(FileError) in
                try write(descriptor, from: rest, at: position)
            }
            if count == 0 { throw FileError(.write, number: EIO) }
            written += count
        }
    }
}
