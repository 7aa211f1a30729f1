internal import Files
internal import Glibc
internal import Vocabulary

/// A worker's own directory below one that it may share with others, for clear bytes; it goes away with the worker.
///
/// A lock that ends with the process says that it is in use, also to workers in other containers: what a killed worker
/// left is removed by the next one that starts there, what a living one has is left alone.
final class WorkerDirectory: Sendable {
    let path: FilePath
    private let lock: HeldFile
    private static let prefix = "takeup-mux-"

    /// Throws ``Unusable`` where `parent` is not there or can't be written.
    init(below parent: FilePath) throws {
        WorkerDirectory.removeAbandoned(below: parent)
        var number = EAGAIN
        for _ in 1...WorkerDirectory.attempts {
            var pattern = parent.appending("\(WorkerDirectory.prefix)XXXXXX").cPath
            guard mkdtemp(&pattern) != nil else { throw Unusable(path: parent, number: errno) }
            let made = FilePath(bytes: pattern.dropLast().map { UInt8(bitPattern: $0) })
            // Until it is locked another one that starts takes it for left, and may remove it.
            let lock = WorkerDirectory.lock(made)
            if lock == nil { number = errno }
            if let lock, WorkerDirectory.isNamed(lock) {
                path = made
                self.lock = lock
                return
            }
            WorkerDirectory.remove(made)
        }
        throw Unusable(path: parent, number: number)
    }

    private static let attempts = 50

    /// Whether the file is not removed.
    private static func isNamed(_ file: HeldFile) -> Bool {
        var status = stat()
        return fstat(file.descriptor, &status) == 0 && status.st_nlink > 0
    }

    deinit { WorkerDirectory.remove(path) }

    struct Unusable: Error, CustomStringConvertible {
        let path: FilePath
        let number: CInt
        var description: String {
            "the directory \(path.displayText) (temp_dir) is not usable: \(String(cString: strerror(number))); make one, best "
                + "on a tmpfs, that Takeup's user may write to"
        }
    }

    private static func removeAbandoned(below parent: FilePath) {
        for name in PrivateDirectory.names(in: parent) where name.hasPrefix(prefix) {
            let directory = parent.appending(name)
            // One that was made just now has no lock yet.
            var status = stat()
            guard stat(directory.cPath, &status) == 0, time(nil) - status.st_mtim.tv_sec > 60 || hasLock(directory),
                status.st_uid == geteuid(), let held = lock(directory)
            else { continue }
            remove(directory)
            withExtendedLifetime(held) {}
        }
    }

    private static func hasLock(_ directory: FilePath) -> Bool { access(directory.appending("lock").cPath, F_OK) == 0 }

    /// Nil where another process has it.
    private static func lock(_ directory: FilePath) -> HeldFile? {
        let descriptor = open(directory.appending("lock").cPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        let file = HeldFile(OpenFile(owning: descriptor))
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? file : nil
    }

    /// Two levels deep: a worker makes directories of files.
    private static func remove(_ path: FilePath) {
        for name in PrivateDirectory.names(in: path) {
            let entry = path.appending(name)
            if unlink(entry.cPath) != 0 { PrivateDirectory.remove(entry) }
        }
        rmdir(path.cPath)
    }
}
