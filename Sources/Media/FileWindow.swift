internal import CXXHash

/// A regular file, read through a window of fixed size wherever one asks. For one thread.
final class FileWindow {
    let size: Int64
    private let descriptor: CInt
    private let doing: String
    private let window: UnsafeMutableRawBufferPointer
    private var start: Int64 = 0
    private var filled = 0
    private let onRead: () throws(MediaError) -> Void

    /// - Parameter onRead: called each time before it reads, so that one who waits sees it move; what it throws ends it.
    /// Nil where it is no regular file.
    init?(
        _ descriptor: CInt, doing: String, windowBytes: Int = 256 << 10,
        onRead: @escaping () throws(MediaError) -> Void = { () throws(MediaError) in }
    ) throws(MediaError) {
        guard let size = try regularSize(of: descriptor, doing: doing) else { return nil }
        self.descriptor = descriptor
        self.doing = doing
        self.size = size
        self.onRead = onRead
        window = .allocate(byteCount: windowBytes, alignment: 64)
    }

    deinit { window.deallocate() }

    private func fill(from offset: Int64) throws(MediaError) {
        try onRead()
        start = offset
        filled = try readFully(descriptor, into: window, at: offset, doing: doing)
    }

    /// Bytes from `offset` on that stand in the window now: at least one, and `most` at most; none at the end.
    private func some(at offset: Int64, most: Int) throws(MediaError) -> UnsafeRawBufferPointer {
        if offset < start || offset >= start + Int64(filled) {
            try fill(from: offset)
        }
        let from = Int(offset - start)
        return UnsafeRawBufferPointer(rebasing: window[from..<min(filled, from + most)])
    }

    /// `count` bytes at `offset`; fewer only at the end of the file.
    func bytes(at offset: Int64, count: Int) throws(MediaError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let next = try some(at: offset + Int64(bytes.count), most: count - bytes.count)
            if next.isEmpty { break }
            bytes += next
        }
        return bytes
    }

    /// Nil behind the end.
    func byte(at offset: Int64) throws(MediaError) -> UInt8? { try some(at: offset, most: 1).first }

    /// Four bytes as a number, most significant first; nil where the file ends before.
    func number(at offset: Int64) throws(MediaError) -> UInt32? {
        let bytes = try some(at: offset, most: 4)
        if bytes.count == 4 { return bytes.reduce(0) { $0 << 8 | UInt32($1) } }
        let apart = try self.bytes(at: offset, count: 4)
        return apart.count == 4 ? apart.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    /// XXH3-64 of `count` bytes at `offset`; nil where the file ends before.
    func checksum(at offset: Int64, count: Int) throws(MediaError) -> UInt64? {
        let whole = try some(at: offset, most: count)
        if whole.count == count { return XXH3_64bits(whole.baseAddress, count) }
        guard count <= window.count else { return try longChecksum(at: offset, count: count) }
        // It lies across the window's end: read again from its beginning.
        try fill(from: offset)
        return filled >= count ? XXH3_64bits(window.baseAddress, count) : nil
    }

    private func longChecksum(at offset: Int64, count: Int) throws(MediaError) -> UInt64? {
        guard let state = XXH3_createState() else { return nil }
        defer { XXH3_freeState(state) }
        XXH3_64bits_reset(state)
        var done = 0
        while done < count {
            let next = try some(at: offset + Int64(done), most: count - done)
            if next.isEmpty { return nil }
            XXH3_64bits_update(state, next.baseAddress, next.count)
            done += next.count
        }
        return XXH3_64bits_digest(state)
    }
}
