internal import Files
internal import Glibc
internal import Vocabulary

/// What a volume in trouble has to show before it is used again. All of it can hang.
struct VolumeTrial: Sendable {
    let root: FilePath
    let calls: any FileCalls

    /// The size of what is written.
    private static let sample = 256 << 10

    /// What is written at most where nothing can be reserved.
    private static let most = 8 << 20

    /// Throws unless so many bytes can be reserved. Where the volume reserves none they are written, as far as is
    /// reasonable, and made durable: a server tells of a quota only then.
    func reserve(_ bytes: Int64) throws(FileError) {
        let (file, _) = try create()
        defer { try? file.close(with: calls) }
        do throws(FileError) {
            try uninterrupted { () throws(FileError) in
                try calls.allocate(file.descriptor, byteCount: max(1, bytes), keepsSize: true)
            }
        } catch {
            if error.code != .unsupported { throw error }
            for offset in stride(from: 0, to: min(Int(clamping: bytes), VolumeTrial.most), by: VolumeTrial.sample) {
                try write(to: file, at: Int64(offset))
            }
            try calls.syncFile(file.descriptor)
            try file.close(with: calls)
        }
    }

    /// Throws unless something can be written.
    func write() throws(FileError) {
        let (file, _) = try create()
        defer { try? file.close(with: calls) }
        try write(to: file)
    }

    /// Whether what is written is durable, and comes back as it was written, past the cache where that can be.
    func keeps() throws(FileError) -> Bool {
        let (file, _) = try create()
        defer { try? file.close(with: calls) }
        let written = try write(to: file)
        try calls.syncFile(file.descriptor)
        try calls.dropCache(file.descriptor)
        var back = [UInt8](repeating: 0, count: written.count)
        var offset = 0
        while offset < back.count {
            let start = offset
            let count = try back.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
                let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[start...]))
                return try uninterrupted { () throws(FileError) in
                    try calls.read(file.descriptor, into: rest, at: Int64(start))
                }
            }
            if count == 0 { break }
            offset += count
        }
        return back == written
    }

    /// Without a name, or with a hidden one that is gone at once.
    private func create() throws(FileError) -> (HeldFile, FilePath?) {
        let directory = try calls.openRoot(root)
        do throws(FileError) {
            return (HeldFile(try calls.createUnnamed(in: directory.descriptor, mode: 0o600)), nil)
        } catch {
            if error.code != .unsupported { throw error }
        }
        let name = FilePath(".takeup-trial-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        let file = HeldFile(try calls.createNamed(name, in: directory.descriptor, mode: 0o600))
        try calls.unlink(name, in: directory.descriptor)
        return (file, name)
    }

    @discardableResult
    private func write(to file: HeldFile, at offset: Int64 = 0) throws(FileError) -> [UInt8] {
        var seed = UInt64.random(in: 1 ... .max)
        let bytes = (0..<VolumeTrial.sample).map { _ in
            seed ^= seed << 13
            seed ^= seed >> 7
            seed ^= seed << 17
            return UInt8(truncatingIfNeeded: seed)
        }
        try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
            try calls.writeAll(UnsafeRawBufferPointer(buffer), to: file.descriptor, at: offset)
        }
        return bytes
    }
}
