package import Files
package import Planning
package import Vocabulary
package import Watching

/// Looks again at files that were copied, on threads of their own: it must not stand in the way of what is new.
package struct OriginalLooker: Sendable {
    private let root: FilePath
    private let threads: FileThreads
    private let timeout: Duration
    private static let blockBytes = 1 << 20

    package init(root: FilePath, threads: FileThreads, timeout: Duration) {
        self.root = root
        self.threads = threads
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - path: below the mount.
    ///   - place: the mount's root, as it was proven.
    package func look(at path: FilePath, on place: MountRoot) async -> Afterlook.Sight {
        let root = root
        return await asked {
            .seen(FileLook(try OriginalLooker.open(path, below: root, provenAs: place, KernelFiles()).observation))
        }
    }

    /// What the file is made of now, with what a look at it showed before and after; nil where it changed meanwhile, or
    /// cannot be read.
    package func digest(of path: FilePath, on place: MountRoot) async -> (look: FileLook, digest: Digest)? {
        let root = root
        return try? await threads.run(timeout: timeout) { pulse in
            let calls = KernelFiles()
            let (file, before) = try OriginalLooker.open(path, below: root, provenAs: place, calls).held()
            let block = UnsafeMutableRawBufferPointer.allocate(
                byteCount: OriginalLooker.blockBytes, alignment: 4096)
            defer { block.deallocate() }
            let hash = StreamHash()
            hash.begin(digest: true, crc32: false)
            var offset: Int64 = 0
            while true {
                try pulse.beat()
                let count = try uninterrupted { () throws(FileError) in
                    try calls.read(file.descriptor, into: block, at: offset)
                }
                if count == 0 { break }
                hash.add(UnsafeRawBufferPointer(rebasing: block[..<count]))
                offset += Int64(count)
            }
            let after = try calls.observe(file.descriptor)
            guard after.isUnchanged(since: before), let digest = hash.finish().digest else { return nil }
            return (FileLook(after), digest)
        }
    }

    private func asked(_ body: @escaping @Sendable () throws -> Afterlook.Sight) async -> Afterlook.Sight {
        do {
            return try await threads.run(timeout: timeout) { _ in try body() }
        } catch let error as FileError {
            switch FileLooker.sight(error) {
            case .absent: return .absent
            case .seen, .refused, .failed: return .unreadable
            }
        } catch {
            return .unreadable
        }
    }

    /// Opened, and not only asked for: a client of NFS compares its attributes with the server's at every open.
    private static func open(
        _ path: FilePath, below root: FilePath, provenAs place: MountRoot, _ calls: KernelFiles
    ) throws -> ObservedFile {
        let directory = try calls.openRoot(root)
        try confirm(directory.descriptor, isRootOf: place)
        return try FileLooker.open(path, beneath: directory.descriptor, on: place, calls)
    }
}
