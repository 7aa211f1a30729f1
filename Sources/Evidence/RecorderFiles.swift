internal import Files
internal import Settings
internal import Vocabulary
internal import Watching

/// The recorder's own files below one mount, as an audit looks at them.
struct RecorderFiles: Sendable {
    private let root: FilePath
    private let proof: MountProof
    private let threads: FileThreads
    private let patience: Duration

    enum Sight: Hashable, Sendable {
        case present(size: Int64)
        /// On a mount that proved itself before and after.
        case absent
        /// The mount does not prove itself, or the file cannot be looked at: nothing is concluded.
        case unknown
    }

    init(_ mount: MountSettings, patience: Duration) {
        root = mount.directory
        threads = FileThreads(name: "audit-mount", count: 2)
        self.patience = patience
        proof = MountProof(
            MountExpectation(
                path: mount.directory, mustBeMountPoint: mount.isMountPoint, marker: mount.marker?.utf8Text),
            threads: threads, timeout: patience)
    }

    /// - Parameter path: below the mount.
    func look(at path: FilePath) async -> Sight {
        guard await isProven else { return .unknown }
        let root = root
        do {
            let size = try await threads.run(timeout: patience) { _ in
                let directory = try KernelFiles().openRoot(root)
                return try KernelFiles().openRegularFile(path, beneath: directory.descriptor).observation.size
            }
            return .present(size: size)
        } catch let error as FileError where error.code == .notFound || error.code == .notDirectory {
            return await isProven ? .absent : .unknown
        } catch {
            return .unknown
        }
    }

    /// SHA-256 of the whole file; nil where it cannot be read.
    func digest(of path: FilePath) async -> Digest? {
        let root = root
        return try? await threads.run(timeout: patience) { pulse in
            let calls = KernelFiles()
            let directory = try calls.openRoot(root)
            let opened = try calls.openRegularFile(path, beneath: directory.descriptor)
            let hash = StreamHash()
            hash.begin(digest: true, crc32: false)
            let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
            defer { block.deallocate() }
            var offset: Int64 = 0
            while true {
                try pulse.beat()
                let count = try calls.read(opened.file.descriptor, into: block, at: offset)
                if count == 0 { break }
                hash.add(UnsafeRawBufferPointer(rebasing: block[..<count]))
                offset += Int64(count)
            }
            return hash.finish().digest
        }
    }

    private var isProven: Bool {
        get async {
            if case .proven = await proof.look() { true } else { false }
        }
    }
}
