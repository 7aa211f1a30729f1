internal import CLinux
internal import Glibc
internal import Vocabulary

/// An open descriptor with one owner. `deinit` closes it.
struct OwnDescriptor: ~Copyable, Sendable {
    let number: CInt

    init(owning number: CInt) { self.number = number }

    deinit { _ = close(number) }

    static func open(_ path: FilePath, _ flags: CInt, mode: mode_t = 0, doing: String) throws(MediaError)
        -> OwnDescriptor
    {
        let number = Glibc.open(path.cString, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw .system("open", doing: doing) }
        return OwnDescriptor(owning: number)
    }

    /// A file without a name in `directory`, gone with its last descriptor.
    static func unnamed(in directory: FilePath, doing: String) throws(MediaError) -> OwnDescriptor {
        let number = Glibc.open(directory.cString, takeup_O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw .system("open an unnamed file", doing: doing) }
        return OwnDescriptor(owning: number)
    }
}

/// Bytes in the open file; nil where it is no regular file.
func regularSize(of descriptor: CInt, doing: String) throws(MediaError) -> Int64? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("fstat", doing: doing) }
    return status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
}

/// Reads at `offset` until the buffer is full or the file ends; returns the number of bytes read.
func readFully(
    _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, doing: String
) throws(MediaError) -> Int {
    var count = 0
    while count < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else { throw .system("pread", doing: doing) }
        if got == 0 { break }
        count += got
    }
    return count
}

/// Writes all of the buffer at the descriptor's own position.
func writeFully(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, doing: String) throws(MediaError) {
    var rest = bytes
    while !rest.isEmpty {
        let put = write(descriptor, rest.baseAddress, rest.count)
        if put < 0 && errno == EINTR { continue }
        guard put > 0 else { throw .system("write", doing: doing) }
        rest = UnsafeRawBufferPointer(rebasing: rest[put...])
    }
}

extension FilePath {
    /// The path with its terminating zero, as system calls take it.
    var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
