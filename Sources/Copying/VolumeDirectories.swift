internal import Files
internal import Glibc
internal import Synchronization
internal import Vocabulary

/// The directories of one group's orders, open; made where they are missing, never across a mount. Used while a group
/// is prepared, by one thread, and read only after that.
struct VolumeDirectories: Sendable {
    private let session: CopySession
    private let durable: DurableNames
    private var open: [FilePath: HeldFile]
    /// Directories that hold the name of one below them which is not known to be durable.
    private(set) var owed: Set<FilePath> = []
    private var newNames: [FilePath: [DurableNames.Name]] = [:]

    init(session: CopySession, durable: DurableNames) {
        self.session = session
        self.durable = durable
        open = [FilePath(bytes: []): session.root]
    }

    /// The open directory `path` below the root; empty for the root. Throws only for what was never prepared.
    func handle(_ path: FilePath) -> HeldFile? { open[path] }

    /// Opens a directory, making it and what is above it where needed.
    mutating func prepare(_ path: FilePath) throws(CopyError) -> HeldFile {
        if let held = open[path] { return held }
        let (held, isNew) = try openOrMake(path)
        open[path] = held
        let observation = try session.attempt(.prepare) { () throws(FileError) in
            try uninterrupted { () throws(FileError) in try session.calls.observe(held.descriptor) }
        }
        let name = DurableNames.Name(path: path, device: observation.device, inode: observation.inode)
        // One that was made now can have the number of one that was removed.
        if isNew || !durable.contains(name) {
            // The name may be there and yet not durable: its maker can have died before it was.
            _ = try prepare(path.parent)
            owed.insert(path.parent)
            newNames[path.parent, default: []].append(name)
        }
        return held
    }

    func letGo() {
        for held in open.values { try? held.close(with: session.calls) }
    }

    /// Notes that the names in `path` are durable.
    func settled(_ path: FilePath) { durable.insert(newNames[path] ?? []) }

    private mutating func openOrMake(_ path: FilePath) throws(CopyError) -> (HeldFile, isNew: Bool) {
        let calls = session.calls
        do throws(FileError) {
            return (HeldFile(try calls.openDirectory(path, beneath: session.root.descriptor)), false)
        } catch {
            if error.code != .notFound { throw session.failure(error, at: .prepare) }
        }
        let parent = try prepare(path.parent)
        let name = FilePath(bytes: path.lastComponent)
        let isNew = try session.attempt(.prepare) { () throws(FileError) in
            try makeDirectory(name, in: parent.descriptor)
        }
        return try session.attempt(.prepare) { () throws(FileError) in
            let held = HeldFile(try calls.openDirectory(path, beneath: session.root.descriptor))
            if isNew { try dress(held.descriptor) }
            return (held, isNew)
        }
    }

    /// Whether it was made here: another may have been quicker.
    private func makeDirectory(_ name: FilePath, in parent: CInt) throws(FileError) -> Bool {
        do throws(FileError) {
            try uninterrupted { () throws(FileError) in
                try session.calls.makeDirectory(name, in: parent, mode: session.volume.directoryMode)
            }
            return true
        } catch {
            if error.code == .exists { return false }
            throw error
        }
    }

    /// Mode and owner; `mkdirat` alone would be cut by the umask.
    private func dress(_ directory: CInt) throws(FileError) {
        let volume = session.volume
        try session.calls.setMode(directory, mode: volume.directoryMode)
        if volume.user != nil || volume.group != nil {
            try session.calls.setOwner(directory, user: volume.user, group: volume.group)
        }
    }
}

/// Names of directories that this process has made durable, so that a group pays for each only once. Bounded; what it
/// forgets is made durable again.
final class DurableNames: Sendable {
    struct Name: Hashable, Sendable {
        let path: FilePath
        let device: UInt64
        let inode: UInt64
    }

    private let names = Mutex<Set<Name>>([])

    func contains(_ name: Name) -> Bool { names.withLock { $0.contains(name) } }

    func insert(_ more: [Name]) {
        names.withLock {
            if $0.count + more.count > 10_000 { $0.removeAll() }
            $0.formUnion(more)
        }
    }
}
