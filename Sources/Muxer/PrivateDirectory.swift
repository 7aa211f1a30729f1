internal import Files
internal import Glibc
internal import Vocabulary

/// A directory for one job, below the worker's temporary directory, that goes away with all that is in it.
///
/// It carries the process id in its name: what a killed worker left is removed by the next one that starts there.
struct PrivateDirectory: ~Copyable {
    let path: FilePath
    private static let prefix = "job-"

    /// Throws ``FileError`` where the temporary directory is not there or not ours.
    init(below parent: FilePath, name: String) throws(FileError) {
        let made = parent.appending("\(PrivateDirectory.prefix)\(getpid())-\(name)")
        if mkdir(made.cPath, 0o700) != 0 { throw FileError(.makeDirectory, number: errno, path: made) }
        // Only now: once all is set, a throw would run `deinit`, and remove what is another's.
        path = made
    }

    deinit { PrivateDirectory.remove(path) }

    /// The temporary directory is not there, or we may not write to it.
    struct Unusable: Error, CustomStringConvertible {
        let path: FilePath
        var description: String {
            "the directory \(path.displayText) of `mux.temporary_directory` is not there or can't be written: the unit makes "
                + "it on a tmpfs; by hand, make one that only this worker can read"
        }
    }

    /// Throws ``Unusable``, so that a worker says once what would fail every job.
    static func prove(_ parent: FilePath) throws {
        if access(parent.cPath, W_OK | X_OK) != 0 { throw Unusable(path: parent) }
    }

    /// Nil where it can't be asked.
    static func fileSystem(of path: FilePath) -> FileSystemKind? {
        guard let root = try? KernelFiles().openRoot(path) else { return nil }
        return try? KernelFiles().fileSystem(root.descriptor).kind
    }

    /// Removes the directories of processes that are gone.
    static func removeAbandoned(below parent: FilePath) {
        for name in names(in: parent) {
            let parts = name.split(separator: "-")
            guard name.hasPrefix(prefix), parts.count >= 3, let process = pid_t(parts[1]) else { continue }
            if kill(process, 0) != 0 && errno == ESRCH { remove(parent.appending(name)) }
        }
    }

    /// Flat: a job makes files only.
    private static func remove(_ path: FilePath) {
        for name in names(in: path) { unlink(path.appending(name).cPath) }
        rmdir(path.cPath)
    }

    private static func names(in path: FilePath) -> [String] {
        guard let directory = opendir(path.cPath) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

extension FilePath {
    fileprivate var cPath: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
