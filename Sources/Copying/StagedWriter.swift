internal import Files
internal import Glibc

/// Writes one staged file, past the page cache where that is asked for and as long as it goes: the disk works while other
/// threads digest, and no page is filled only to be dropped again.
struct StagedWriter {
    private let calls: any FileCalls
    private let descriptor: CInt
    private var isDirect: Bool

    /// A file system that refuses is written to through the cache.
    init(_ file: HeldFile, pastCache: Bool, calls: any FileCalls) {
        self.calls = calls
        descriptor = file.descriptor
        isDirect = pastCache && calls.turnsDirect(file, true)
    }

    /// - Parameter bytes: at an aligned address.
    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        let unit = KernelFiles.directUnit
        let whole = !isDirect || offset % Int64(unit) != 0 ? 0 : bytes.count / unit * unit
        if whole > 0 { try writeDirect(UnsafeRawBufferPointer(rebasing: bytes[..<whole]), at: offset) }
        if whole == bytes.count { return }
        if isDirect { try leaveDirect() }
        try calls.writeAll(
            UnsafeRawBufferPointer(rebasing: bytes[whole...]), to: descriptor, at: offset + Int64(whole))
    }

    private mutating func writeDirect(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        do throws(FileError) {
            try calls.writeAll(bytes, to: descriptor, at: offset)
        } catch {
            // A write that fell short leaves an odd rest, and some devices have larger units.
            guard error.number == EINVAL else { throw error }
            try leaveDirect()
            try calls.writeAll(bytes, to: descriptor, at: offset)
        }
    }

    private mutating func leaveDirect() throws(FileError) {
        let (calls, descriptor) = (calls, descriptor)
        try uninterrupted { () throws(FileError) in try calls.setDirect(descriptor, false) }
        isDirect = false
    }
}

extension FileCalls {
    /// Whether the file system agreed.
    func turnsDirect(_ file: HeldFile, _ isDirect: Bool) -> Bool {
        do {
            try uninterrupted { () throws(FileError) in try setDirect(file.descriptor, isDirect) }
            return true
        } catch {
            return false
        }
    }
}
