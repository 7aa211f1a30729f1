internal import Glibc
internal import Support

/// System calls of a process and all its threads, counted by strace(1) for a time.
struct SystemCalls: Sendable {
    /// By name, in a second.
    private var rates: [String: Double] = [:]

    /// All of them, in an hour at the same rate.
    var inHour: Double { rates.values.reduce(0, +) * 3600 }
    /// Those that ask for files and directories, wherever they lie: each could be a round trip to a server.
    var aboutFilesInHour: Double { SystemCalls.aboutFiles.compactMap { rates[$0] }.reduce(0, +) * 3600 }

    private static let aboutFiles = [
        "open", "openat", "openat2", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "getdents64",
        "access", "faccessat", "faccessat2", "readlink", "readlinkat", "inotify_add_watch", "pread64",
    ]

    static var isInstalled: Bool { access("/usr/bin/strace", X_OK) == 0 }

    static func of(_ id: pid_t, seconds: Double, in directory: String) async throws -> SystemCalls {
        let output = directory + "/strace"
        unlink(output)
        let tracer = try ChildProcess(["/usr/bin/strace", "-f", "-c", "-o", output, "-p", "\(id)"])
        try await Task.sleep(for: .seconds(seconds))
        tracer.send(SIGINT)
        tracer.wait()
        var calls = SystemCalls()
        let counts = counts(in: String(decoding: try readSample(output), as: UTF8.self))
        calls.rates = counts.mapValues { $0 / seconds }
        return calls
    }
    /// By name, in what `strace -c` wrote.
    static func counts(in text: String) -> [String: Double] {
        var counts: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            // % time, seconds, usecs/call, calls, errors where there are any, syscall
            let cells = line.split(separator: " ")
            guard cells.count >= 5, let count = Double(cells[3]), let name = cells.last, name != "total" else {
                continue
            }
            counts[String(name)] = count
        }
        return counts
    }
}
