internal import Files
internal import Glibc
internal import Vocabulary

/// A directory for one job, below the worker's temporary directory, that goes away with all that is in it.
///
/// It carries the process in its name, by its number and when it began: what a killed worker left is removed by the next one
/// that starts there, also where that has the same number, as in a container.
struct PrivateDirectory: ~Copyable {
    let path: FilePath
    private static let prefix = "job-"

    /// Throws ``FileError`` where the temporary directory is not there or not ours.
    init(below parent: FilePath, name: String) throws(FileError) {
        let began = PrivateDirectory.beginning(of: getpid()) ?? 0
        let made = parent.appending("\(PrivateDirectory.prefix)\(getpid())-\(began)-\(name)")
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
            guard name.hasPrefix(prefix), parts.count >= 4, let process = pid_t(parts[1]), let began = UInt64(parts[2])
            else { continue }
            if beginning(of: process) != began { remove(parent.appending(name)) }
        }
    }

    /// When a process began, in ticks since the machine did (proc(5), field 22); nil where there is none of that number that
    /// we may see.
    static func beginning(of process: pid_t) -> UInt64? {
        let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 2048)
        let text = String(decoding: bytes[..<max(0, read(descriptor, &bytes, bytes.count))], as: UTF8.self)
        // The second field is a name, in brackets, and may hold anything.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return fields.count > 20 ? UInt64(fields[20]) : nil
    }

    /// Flat: a job makes files only.
    static func remove(_ path: FilePath) {
        for name in names(in: path) { unlink(path.appending(name).cPath) }
        rmdir(path.cPath)
    }

    static func names(in path: FilePath) -> [String] {
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
    var cPath: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
