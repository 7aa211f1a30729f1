internal import Glibc
internal import Support
internal import Vocabulary

/// A tree of day folders, the newest of them today's, with as many names in each. They are links to a few empty files:
/// what is watched and listed is names.
struct WatchTree: Sendable {
    let root: String
    let folders: Int
    let files: Int
    /// Names in all directories.
    var entries: Int { folders + files }

    /// ext4 lets a file have 65,000 names.
    private static let namesOfOne = 50_000

    init(_ root: String, folders: Int, files: Int) throws {
        self.root = root
        self.folders = folders
        self.files = files / folders * folders
        var target = ""
        var names = 0
        for folder in 0..<folders {
            let path = "\(root)/\(WatchTree.day(before: folder))"
            if mkdir(path, 0o755) != 0 && errno != EEXIST { throw WatchTree.failure("make", path) }
            for number in 0..<files / folders {
                let name = "\(path)/\(1_000_000 + number).mp3"
                if names % WatchTree.namesOfOne == 0 {
                    let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
                    guard descriptor >= 0 else { throw WatchTree.failure("create", name) }
                    close(descriptor)
                    target = name
                } else if link(target, name) != 0 {
                    throw WatchTree.failure("link", name)
                }
                names += 1
            }
        }
    }

    private static func failure(_ doing: String, _ path: String) -> BenchFailure {
        BenchFailure(description: "\(doing) \(path): \(String(cString: strerror(errno)))")
    }

    /// `20261121` of so many days before today.
    static func day(before count: Int) -> String {
        var time = time_t(WatchRecorder.now().microseconds / 1_000_000 - Int64(count) * 86_400)
        var parts = tm()
        gmtime_r(&time, &parts)
        return String((Int(parts.tm_year) + 1900) * 10_000 + (Int(parts.tm_mon) + 1) * 100 + Int(parts.tm_mday))
    }
}
