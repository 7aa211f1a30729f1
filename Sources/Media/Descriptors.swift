internal import CLinux
internal import Files
internal import Glibc
internal import Vocabulary

/// Opens a path, as open(2) does with `O_CLOEXEC` added.
func openFile(_ path: FilePath, _ flags: CInt, mode: mode_t = 0, doing: String) throws(MediaError) -> OpenFile {
    let descriptor = open(path.cString, flags | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .system("open", doing: doing) }
    return OpenFile(owning: descriptor)
}

/// A file without a name in `directory`, gone with its last descriptor.
func openUnnamedFile(in directory: FilePath, doing: String) throws(MediaError) -> OpenFile {
    let descriptor = open(directory.cString, takeup_O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("open an unnamed file", doing: doing) }
    return OpenFile(owning: descriptor)
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
