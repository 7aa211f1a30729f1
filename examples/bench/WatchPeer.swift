internal import Glibc
internal import Support

/// A peer that copies what a recorder of its own writes to a directory of this machine. Neither makes anything durable or
/// knows a row.
struct WatchPeer {
    enum Kind: CaseIterable {
        case lsyncd, lsyncdByRsync, shell

        var words: String {
            switch self {
            case .lsyncd: "lsyncd"
            case .lsyncdByRsync: "lsyncd with rsync"
            case .shell: "shell script"
            }
        }
        fileprivate var needs: [String] {
            switch self {
            case .lsyncd, .lsyncdByRsync: ["/usr/bin/lsyncd", "/usr/bin/rsync"]
            case .shell: ["/usr/bin/inotifywait"]
            }
        }
    }

    static let description = """
        lsyncd with delay 0 to a local directory, by cp for single files and by rsync for the burst; it verifies nothing, \
        and nothing of it is durable
        """

    let kind: Kind
    private let scene: ScratchRecorder
    private let recorder: WatchRecorder
    private let process: ChildProcess
    private let target: String

    /// Starts it and gives it time to watch. Nil, which is said, where it is not installed.
    static func start(_ kind: Kind) async throws -> WatchPeer? {
        for program in kind.needs where access(program, X_OK) != 0 {
            print("\(kind.words) is left out: \(program) is not installed")
            return nil
        }
        return try await WatchPeer(kind)
    }

    private init(_ kind: Kind) async throws {
        self.kind = kind
        scene = try await ScratchRecorder(.new)
        recorder = try await WatchRecorder(scene.database.connect(label: "source", connections: 1), scene.layout)
        let source = scene.mountPrefix + scene.layout.callsRoot
        target = scene.mountPrefix + "/peer"
        try ChildProcess.run(["/bin/mkdir", "-p", target])
        let log = scene.mountPrefix + "/peer.log"
        switch kind {
        case .lsyncd, .lsyncdByRsync:
            let way = kind == .lsyncd ? "direct" : "rsync"
            let settings = """
                settings { nodaemon = true, inotifyMode = "CloseWrite" }
                sync { default.\(way), source = "\(source)", target = "\(target)", delay = 0 }
                """
            let path = scene.mountPrefix + "/lsyncd.lua"
            try writeSample(Array(settings.utf8), to: path)
            process = try ChildProcess(
                ["/usr/bin/setsid", "/usr/bin/lsyncd", "-nodaemon", path], outputPath: log)
        case .shell:
            process = try ShellPeer.start(from: source, to: target, log: log)
        }
        try await Task.sleep(for: .seconds(3))
    }

    func stop() {
        kill(-process.id, SIGKILL)
        process.wait()
    }

    /// Lets the recorder write, and waits until all copies are whole.
    func write(_ count: Int, after first: Int, rate: Double, bytes: Int) async throws -> WatchSum {
        ScratchPlace.settle()
        let before = ProcessCost.of(process.id)
        return try await sum(
            try await recorder.write(count, after: first, rate: rate, bytes: bytes), since: before)
    }

    func burst(_ count: Int, bytes: Int) async throws -> (sum: WatchSum, seconds: Double) {
        try await recorder.prepareBurst(count, bytes: bytes)
        ScratchPlace.settle()
        let before = ProcessCost.of(process.id)
        let begun = WatchRecorder.now().microseconds
        let sum = try await sum(try await recorder.burst(), since: before)
        return (sum, sum.last - Double(begun) / 1_000_000)
    }

    private func sum(_ written: [WatchRecorder.Written], since before: ProcessCost) async throws -> WatchSum {
        var times: [String: Double] = [:]
        let end = ContinuousClock.now + .seconds(180)
        while true {
            times = try copied()
            if written.allSatisfy({ times[$0.path] != nil }) { break }
            guard ContinuousClock.now < end else {
                let missing = written.count { times[$0.path] == nil }
                throw BenchFailure(description: "\(kind.words) has not copied \(missing) of \(written.count) files")
            }
            try await Task.sleep(for: .milliseconds(500))
        }
        var sum = WatchSum()
        sum.files = written.count
        sum.delays = written.map { ((times[$0.path] ?? 0) - Double($0.closed) / 1_000_000) * 1000 }
        sum.last = written.compactMap { times[$0.path] }.max() ?? 0
        let cost = ProcessCost.of(process.id).since(before)
        (sum.cpu, sum.memory) = (cost.cpu, cost.peakMemory)
        return sum
    }

    /// When each copy was whole, in seconds since 1970 UTC, by its recorder's path: its last change, which is earlier than
    /// what any poll sees.
    private func copied() throws -> [String: Double] {
        let listing = try ChildProcess.run([
            "/usr/bin/find", target, "-type", "f", "-name", "*.mp3", "-size", "+0", "-printf", "%C@ %P\\n",
        ])
        var times: [String: Double] = [:]
        for line in listing.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { continue }
            times[scene.layout.callsRoot + "/" + line[line.index(after: blank)...]] = Double(line[..<blank])
        }
        return times
    }
}

/// What one of those that are compared reached.
struct WatchSum: Sendable {
    var files = 0
    /// From close(2) to the copy that counts, in milliseconds.
    var delays: [Double] = []
    /// Seconds of CPU.
    var cpu = 0.0
    var serverCPU = 0.0
    /// MiB.
    var memory = 0.0
    /// When the last copy counted, in seconds since 1970 UTC.
    var last = 0.0

    mutating func add(_ other: WatchSum) {
        files += other.files
        delays += other.delays
        cpu += other.cpu
        serverCPU += other.serverCPU
        memory = max(memory, other.memory)
        last = max(last, other.last)
    }

    /// Seconds of CPU for 1,000 files.
    func perThousand(_ cpu: Double) -> Double { cpu / Double(max(1, files)) * 1000 }
}
