internal import Files
internal import Glibc
package import Vocabulary

/// Files of our own beside copies, such as lists of their digests. Copies are never touched by this.
extension Copier {
    /// The bytes of a file; nil where there is none.
    ///
    /// - Parameter most: a larger one is an error `unsupportedName`.
    package func readBeside(_ path: FilePath, most: Int) async throws(CopyError) -> [UInt8]? {
        try await swept { session, pulse throws(CopyError) in
            guard let directory = try session.directory(path.parent),
                let (file, observation) = try session.regularFile(FilePath(bytes: path.lastComponent), in: directory)
            else { return nil }
            guard observation.size <= Int64(most) else {
                throw CopyError(.unsupportedName, at: .verify, detail: "it is too large")
            }
            var bytes = [UInt8](repeating: 0, count: Int(observation.size))
            var count = 0
            while count < bytes.count {
                try beat(pulse, .verify)
                let (start, end) = (count, min(count + 1 << 20, bytes.count))
                let more = try session.attempt(.verify) { () throws(FileError) in
                    try bytes.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
                        try session.calls.read(
                            file.descriptor,
                            into: UnsafeMutableRawBufferPointer(
                                UnsafeMutableBufferPointer(rebasing: buffer[start..<end])),
                            at: Int64(start))
                    }
                }
                if more == 0 { break }
                count += more
            }
            return Array(bytes.prefix(count))
        }
    }

    /// Writes files into one directory that exists, each durable before it gets its name, which takes the place of what
    /// had it. One that has no bytes is removed. When this returns, all names are durable; when it throws, each file is
    /// the old or the new one.
    package func writeBeside(
        _ files: [(name: FilePath, bytes: [UInt8]?)], in path: FilePath
    ) async throws(CopyError) {
        try await swept { session, pulse throws(CopyError) in
            guard let directory = try session.directory(path) else {
                throw CopyError(.inputOutput, at: .prepare, detail: "its directory is not there")
            }
            for (name, bytes) in files {
                try beat(pulse, .publish)
                guard let bytes else {
                    _ = try session.remove(name, in: directory)
                    continue
                }
                try session.write(bytes, as: name, in: directory)
            }
            try session.attempt(.settle) { () throws(FileError) in
                try session.calls.syncDirectory(directory.descriptor)
            }
            try session.proveStillThere()
        }
    }

    /// Which of these are there as regular files.
    package func standing(_ paths: [FilePath]) async throws(CopyError) -> Set<FilePath> {
        try await swept { session, pulse throws(CopyError) in
            var found: Set<FilePath> = []
            let byDirectory = Dictionary(grouping: paths, by: \.parent)
            for (parent, paths) in byDirectory {
                guard let directory = try session.directory(parent) else { continue }
                for path in paths {
                    try beat(pulse, .lookAgain)
                    let name = FilePath(bytes: path.lastComponent)
                    do throws(FileError) {
                        if try session.calls.observe(name, in: directory.descriptor).isRegular { found.insert(path) }
                    } catch {
                        if error.code != .notFound { throw session.failure(error, at: .lookAgain) }
                    }
                }
            }
            try session.proveStillThere()
            return found
        }
    }
}

extension CopySession {
    fileprivate func write(_ bytes: [UInt8], as name: FilePath, in directory: HeldFile) throws(CopyError) {
        let draft = FilePath(".takeup-" + String(decoding: name.bytes, as: UTF8.self) + ".draft")
        // Who left one died while writing it.
        _ = try remove(draft, in: directory)
        let file = try attempt(.reserve) { () throws(FileError) in
            HeldFile(try calls.createNamed(draft, in: directory.descriptor, mode: 0o600))
        }
        do throws(CopyError) {
            try attempt(.copy) { () throws(FileError) in
                if volume.user != nil || volume.group != nil {
                    try calls.setOwner(file.descriptor, user: volume.user, group: volume.group)
                }
                try calls.setMode(file.descriptor, mode: volume.fileMode)
                try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
                    try calls.writeAll(UnsafeRawBufferPointer(buffer), to: file.descriptor, at: 0)
                }
            }
            try attempt(.sync) { () throws(FileError) in
                try calls.syncFile(file.descriptor)
                try file.close(with: calls)
            }
            try attempt(.publish) { () throws(FileError) in
                try calls.replace(name, by: draft, in: directory.descriptor)
            }
        } catch {
            _ = try? remove(draft, in: directory)
            throw error
        }
    }
}
