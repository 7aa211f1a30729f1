internal import Glibc
internal import Vocabulary

/// A file that a recorder writes in pieces, under its final name from the first byte on.
final class RecorderModelFile {
    private var descriptor: CInt
    private let path: FilePath

    /// Makes the directories above it where they are missing. Throws where a file of that name is there already.
    init(_ path: FilePath) throws {
        self.path = path
        try Self.makeDirectories(path.parent)
        descriptor = path.withPointer { open($0, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw RecorderModelFailure("create", path, errno) }
    }

    deinit { finish() }

    func append(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw RecorderModelFailure("write", path, errno) }
            rest = rest.dropFirst(count)
        }
    }

    func finish() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    /// `mkdir -p`.
    static func makeDirectories(_ path: FilePath) throws {
        guard !path.isEmpty, path.withPointer({ access($0, F_OK) }) != 0 else { return }
        try makeDirectories(path.parent)
        guard path.withPointer({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
            throw RecorderModelFailure("create directory", path, errno)
        }
    }

    static func makeLink(_ path: FilePath, to target: String) throws {
        try makeDirectories(path.parent)
        guard path.withPointer({ symlink(target, $0) }) == 0 else { throw RecorderModelFailure("link", path, errno) }
    }

    /// All bytes of a small file.
    static func read(_ path: FilePath) throws -> [UInt8] {
        let descriptor = path.withPointer { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw RecorderModelFailure("open", path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RecorderModelFailure("look at", path, errno) }
        let size = Int(status.st_size)
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size {
                let count = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), size - filled)
                guard count > 0 else { throw RecorderModelFailure("read", path, count == 0 ? EIO : errno) }
                filled += count
            }
        }
    }
}

/// A file call of the recorder to play with that failed.
package struct RecorderModelFailure: Error, CustomStringConvertible {
    package let description: String
    init(_ doing: String, _ path: FilePath, _ number: CInt) {
        description = "\(doing) \(path.displayText): \(String(cString: strerror(number)))"
    }
    init(_ description: String) { self.description = description }
}

extension FilePath {
    /// The path as C takes it.
    fileprivate func withPointer<Outcome>(_ body: (UnsafePointer<CChar>) -> Outcome) -> Outcome {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("a path has at least its end") }
            return body(start)
        }
    }
}
