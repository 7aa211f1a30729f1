internal import Files
internal import Glibc
internal import Support
internal import Vocabulary
internal import Watching

/// An agent on a large tree that it watches by events: how fast it is up, how fast it has looked at all, and what it takes
/// when nothing happens.
struct WatchTreeRun {
    private let plan: WatchPlan

    private static let folders = 200
    private static let files = 200_000
    /// The promises.
    private static let readyBar = 2.0
    private static let idleBar = 0.1
    private static let memoryBar = 40.0
    private static let scanBar = 200_000.0
    /// What a start leaves behind is over after this: the tree is new, so each of its folders is looked at once more.
    private static let settling = Duration.seconds(60)

    init(_ plan: WatchPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        let cluster = try WatchSite.cluster()
        let site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster, synchro: "")
        let tree = try WatchTree(site.callsMount, folders: WatchTreeRun.folders, files: WatchTreeRun.files)
        try await WatchTreeRows.insert(tree, site)
        // Directories that changed in the second of their listing are listed again, which no old tree needs.
        try await Task.sleep(for: .seconds(5))
        let agent = try await agentFigures(site, tree, cluster)
        let scans = try await WatchScan.rates(tree)
        return agent + [
            Figure(
                "tree: scan of the whole tree", "entries / s", scans.rate, limit: scans.find,
                least: WatchTreeRun.scanBar)
        ]
    }

    private func agentFigures(
        _ site: ScratchSite, _ tree: WatchTree, _ cluster: ScratchCluster
    ) async throws -> [Figure] {
        let start = try await WatchedStart(site, directories: tree.folders + 1)
        defer { start.stop() }
        let agent = start.process.id
        try await Task.sleep(for: WatchTreeRun.settling)
        let watched = WatchSite(serving: site, by: start.process)
        if plan.printsStatements { try await watched.countStatements() }
        let idle = try await WatchIdle.measure(agent, server: try cluster.processID(), site, seconds: plan.idle)
        if plan.printsStatements { try await watched.printStatements("while idle, in \(plan.idle) s") }
        return [
            Figure("tree: ready, from the start of the process", "s", start.ready, bar: WatchTreeRun.readyBar),
            Figure("tree: every directory watched, from the start", "s", start.watched),
            Figure("tree: idle CPU of the agent", "% of a core", idle.cpu, bar: WatchTreeRun.idleBar),
            Figure("tree: idle wakeups of the agent", "/ s", idle.wakeups),
            Figure("tree: idle CPU of the replay's PostgreSQL", "% of a core", idle.serverCPU),
            Figure("tree: idle transactions of the replay", "/ s", idle.transactions),
            Figure("tree: memory of the idle agent", "MiB", idle.memory, bar: WatchTreeRun.memoryBar),
            Figure("tree: peak memory of the agent", "MiB", ProcessCost.of(agent).peakMemory),
        ]
    }
}

/// An agent that was started with an ear for what it tells systemd.
struct WatchedStart {
    let process: ChildProcess
    /// Seconds from the start of the process to READY=1, and until the kernel has a watch for every directory.
    let ready: Double
    let watched: Double

    init(_ site: ScratchSite, directories: Int) async throws {
        let socket = try NotifySocket(in: site.directory)
        let begun = ContinuousClock.now
        process = try ChildProcess(
            [
                "/usr/bin/env", "NOTIFY_SOCKET=" + socket.path, try ScratchSite.builtProgram(), "agent", "--config",
                site.settingsPath, "--mount", site.callsMount,
            ], outputPath: site.logPath(.calls))
        try socket.waitForReady()
        ready = (ContinuousClock.now - begun) / .seconds(1)
        while WatchedStart.watchCount(of: process.id) < directories {
            guard ContinuousClock.now - begun < .seconds(120) else {
                throw BenchFailure(
                    description: "\(WatchedStart.watchCount(of: process.id)) of \(directories) directories are watched")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        watched = (ContinuousClock.now - begun) / .seconds(1)
    }

    func stop() {
        process.send(SIGTERM)
        process.wait()
    }

    /// inotify watches, as the kernel counts them.
    private static func watchCount(of id: pid_t) -> Int {
        guard let stream = opendir("/proc/\(id)/fdinfo") else { return 0 }
        defer { closedir(stream) }
        var count = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let text = ProcessCost.read("/proc/\(id)/fdinfo/\(name)") ?? ""
            count += text.split(separator: "\n").count { $0.hasPrefix("inotify ") }
        }
        return count
    }
}

/// What an agent takes while nothing happens.
struct WatchIdle {
    /// Percent of a core.
    var cpu: Double
    var serverCPU: Double
    /// In a second.
    var wakeups: Double
    var transactions: Double
    /// MiB, now.
    var memory: Double

    static func measure(
        _ agent: pid_t, server: pid_t, _ site: ScratchSite, seconds: Double
    ) async throws -> WatchIdle {
        let (cost, serverCost) = (ProcessCost.of(agent), ProcessCost.of(server))
        let (cpu, commits) = (ProcessCost.exactCPU(of: agent), try await commitCount(site))
        let begun = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        let span = (ContinuousClock.now - begun) / .seconds(1)
        return WatchIdle(
            cpu: 100 * (ProcessCost.exactCPU(of: agent) - cpu) / span,
            serverCPU: 100 * ProcessCost.of(server).since(serverCost).cpu / span,
            wakeups: ProcessCost.of(agent).since(cost).sleeps / span,
            transactions: Double(try await commitCount(site) - commits) / span,
            memory: ProcessCost.memory(of: agent))
    }

    /// A backend that idles gives its counts away within ten seconds.
    private static func commitCount(_ site: ScratchSite) async throws -> Int {
        try await site.count(
            "select xact_commit as count from pg_stat_database where datname = current_database()", in: site.replay)
    }
}

/// Scans by the watcher itself, in this process: from the proof of the mount until the whole tree was looked at.
enum WatchScan {
    private static let scans = 5

    /// Entries a second, the median of five, and find(1)'s as the limit.
    static func rates(_ tree: WatchTree) async throws -> (rate: Double, find: Double) {
        var seconds: [Double] = []
        var findSeconds: [Double] = []
        for _ in 0..<scans {
            seconds.append(try await scan(tree.root))
            let begun = ContinuousClock.now
            try ChildProcess.run(["/usr/bin/find", tree.root, "-name", "no such name"])
            findSeconds.append((ContinuousClock.now - begun) / .seconds(1))
        }
        let entries = Double(tree.entries)
        return (entries / Distribution(seconds).percentile(50), entries / Distribution(findSeconds).percentile(50))
    }

    private static func scan(_ root: String) async throws -> Double {
        let threads = FileThreads(name: "bench-watch", count: 2)
        let watcher = TreeWatcher(
            proof: MountProof(
                MountExpectation(path: FilePath(root), mustBeMountPoint: false, marker: nil), threads: threads,
                timeout: .seconds(10)), threads: threads)
        let running = Task { await watcher.run() }
        defer { running.cancel() }
        var proven: ContinuousClock.Instant?
        for await hints in watcher.hints {
            for hint in hints {
                if case .mountProven = hint { proven = .now }
                if case .rescanned = hint, let proven { return (ContinuousClock.now - proven) / .seconds(1) }
            }
        }
        throw BenchFailure(description: "the watcher ended before it had looked at \(root)")
    }
}
