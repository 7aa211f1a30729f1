internal import Glibc
internal import Support

/// Those that copy a tree to an empty directory.
enum CopyPeer: CaseIterable, Sendable {
    case takeup, cp, rsync, rclone

    static let description =
        "rsync -a, which verifies nothing that it wrote; where the name says so, rclone copy and check"

    var words: String {
        switch self {
        case .takeup: "Takeup"
        case .cp: "cp -r"
        case .rsync: "rsync -a"
        case .rclone: "rclone copy + check"
        }
    }

    private var program: String {
        switch self {
        case .takeup: "/proc/self/exe"
        case .cp: "/bin/cp"
        case .rsync: "/usr/bin/rsync"
        case .rclone: "/usr/bin/rclone"
        }
    }

    var isInstalled: Bool { access(program, X_OK) == 0 }

    /// What a shell runs: the copy, and the sync that all of them end with.
    private var script: String {
        let copy =
            switch self {
            case .takeup: "\"$3\" copy-engine \"$1\" \"$2\""
            case .cp: "cp -r \"$1\"/. \"$2\""
            case .rsync: "rsync -a \"$1\"/ \"$2\"/"
            case .rclone:
                "rclone --config /dev/null -q copy \"$1\" \"$2\" && rclone --config /dev/null -q check \"$1\" \"$2\""
            }
        return copy + " && sync -f \"$2\""
    }

    /// To a directory that is made for it, and stays: where thousands of files have just been removed, ext4 searches for
    /// minutes after inodes that were not in use lately, at the cost of whoever comes next.
    func copy(from source: String, to target: String) throws -> CopyTurn {
        try ChildProcess.run(["/bin/mkdir", target])
        sync()
        let before = CopyPeer.childCPU()
        let begun = ContinuousClock.now
        let output = try ChildProcess.run(["/bin/sh", "-c", script, "-", source, target, try CopyPeer.ownPath()])
        let wall = (ContinuousClock.now - begun).inSeconds
        let memory = self == .takeup ? Double(output.trimmed) : nil
        let turn = CopyTurn(wall: wall, cpu: CopyPeer.childCPU() - before, memory: memory)
        try CopyPeer.dropCache(of: target)
        return turn
    }

    /// What was written is no load for the memory of those who come next.
    private static func dropCache(of target: String) throws {
        let paths = try ChildProcess.run(["/usr/bin/find", target, "-type", "f"])
        for path in paths.split(separator: "\n") {
            let descriptor = open(String(path), O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
    }

    static func ownPath() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw BenchFailure(description: "this program does not know where it lies") }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Seconds of CPU of all children that have ended, and theirs.
    static func childCPU() -> Double {
        var use = rusage()
        getrusage(RUSAGE_CHILDREN.rawValue, &use)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(use.ru_utime) + seconds(use.ru_stime)
    }
}

/// One turn of one of them.
struct CopyTurn: Sendable {
    /// Seconds.
    var wall: Double
    var cpu: Double
    /// MiB at most; nil where it was not asked for.
    var memory: Double?
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension String {
    var trimmed: String { String(drop { $0.isWhitespace }.prefix { !$0.isWhitespace }) }
}
