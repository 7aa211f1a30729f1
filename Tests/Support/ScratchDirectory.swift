internal import Files
internal import Glibc
package import Vocabulary

/// A directory for one test, on a real disk (`/tmp`), removed with it.
package struct ScratchDirectory: Sendable {
    package let path: FilePath

    /// Runs `body` with a new, empty directory and removes it whatever happens.
    package static func with<Value>(
        _ body: (ScratchDirectory) async throws -> Value
    ) async throws -> Value {
        var template = Array("/tmp/takeup-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw FileError(.makeDirectory, number: errno)
        }
        let scratch = ScratchDirectory(path: FilePath(bytes: template.map { UInt8(bitPattern: $0) }))
        defer { scratch.remove(scratch.path) }
        return try await body(scratch)
    }

    /// Makes a directory below, with what is above it.
    @discardableResult
    package func directory(_ name: String) throws -> FilePath { try directory(FilePath(name)) }

    @discardableResult
    package func directory(_ name: FilePath) throws -> FilePath {
        var made = path
        for component in name.components {
            made = made.appending(component)
            if made.withPath({ mkdir($0, 0o755) }) != 0, errno != EEXIST {
                throw FileError(.makeDirectory, number: errno, path: made)
            }
        }
        return made
    }

    /// Writes a file below, with its directories.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: FilePath) throws -> FilePath {
        try directory(name.parent)
        let file = path.appending(name.bytes)
        let descriptor = file.withPath { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
        if descriptor < 0 { throw FileError(.open, number: errno, path: file) }
        let opened = OpenFile(owning: descriptor)
        try bytes.withUnsafeBytes { try KernelFiles().writeAll($0, to: opened.descriptor, at: 0) }
        return file
    }

    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> FilePath { try write(bytes, to: FilePath(name)) }

    /// The bytes of a file below; nil where there is none.
    package func read(_ name: FilePath) throws -> [UInt8]? {
        try ScratchDirectory.contents(of: path.appending(name.bytes))
    }

    /// The bytes of any file, also of those below `/proc`, which have no size; nil where there is none.
    package static func contents(of file: FilePath) throws -> [UInt8]? {
        let descriptor = file.withPath { open($0, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileError(.open, number: errno, path: file)
        }
        let opened = OpenFile(owning: descriptor)
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try block.withUnsafeMutableBytes {
                try KernelFiles().read(opened.descriptor, into: $0, at: Int64(bytes.count))
            }
            if count == 0 { return bytes }
            bytes += block[..<count]
        }
    }

    package func read(_ name: String) throws -> [UInt8]? { try read(FilePath(name)) }

    /// What is below `name`, files and links with their paths from there, in order.
    package func files(below name: String = "") throws -> [FilePath] {
        let root = try KernelFiles().openRoot(name.isEmpty ? path : path.appending(name))
        return try files(root: root.descriptor, below: FilePath("")).sorted()
    }

    private func files(root: CInt, below name: FilePath) throws -> [FilePath] {
        try DirectoryListing.entries(of: name, beneath: root).flatMap { entry in
            entry.kind == .directory
                ? try files(root: root, below: name.appending(entry.name)) : [name.appending(entry.name)]
        }
    }

    /// How many descriptors of this process are open below here.
    package func openDescriptors() throws -> Int {
        let own = try KernelFiles().openRoot(FilePath("/proc/self/fd"))
        let all = try DirectoryListing.entries(in: own.descriptor)
        return all.filter { entry in
            var target = [UInt8](repeating: 0, count: 4096)
            let count = FilePath(bytes: entry.name).withPath { name in
                target.withUnsafeMutableBytes { buffer in
                    buffer.withMemoryRebound(to: CChar.self) { buffer in
                        buffer.baseAddress.map { readlinkat(own.descriptor, name, $0, buffer.count) } ?? -1
                    }
                }
            }
            return count > 0 && target.starts(with: path.bytes)
        }.count
    }

    private func remove(_ path: FilePath) {
        if let directory = try? KernelFiles().openRoot(path),
            let entries = try? DirectoryListing.entries(in: directory.descriptor)
        {
            for entry in entries {
                let below = path.appending(entry.name)
                if entry.kind == .directory { remove(below) } else { _ = below.withPath { unlink($0) } }
            }
        }
        _ = path.withPath { rmdir($0) }
    }
}

extension FilePath {
    /// The path as a C string.
    package func withPath<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        let characters = bytes.map { CChar(bitPattern: $0) } + [0]
        return characters.withUnsafeBufferPointer { buffer in
            guard let address = buffer.baseAddress else { preconditionFailure("an array of one has an address") }
            return body(address)
        }
    }
}
