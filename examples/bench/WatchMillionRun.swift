internal import Support

/// An agent that finds a backlog on a tree of a million files: how fast it is up, how fast new recordings go past the
/// backlog, and what the tree costs when nothing happens.
struct WatchMillionRun {
    private let plan: WatchPlan

    private static let folders = 2000
    private static let backlog = 5000
    /// New recordings, in a second and in all.
    private static let rate = 10.0
    private static let newest = 100
    /// The promise.
    private static let readyBar = 5.0
    /// The first round through all directories, 16 in a second, and some rest.
    private static let settling = Duration.seconds(150)
    private static let tracing = 60.0

    init(_ plan: WatchPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        let cluster = try WatchSite.cluster()
        let site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster, synchro: "")
        let begun = ContinuousClock.now
        let tree = try WatchTree(site.callsMount, folders: WatchMillionRun.folders, files: plan.treeFiles)
        try await WatchTreeRows.insert(tree, site)
        print("a tree of \(tree.entries) entries was made in \(Int((ContinuousClock.now - begun) / .seconds(1))) s")
        var figures = try await backlogFigures(site, tree)
        guard SystemCalls.isInstalled else {
            print("system calls are left out: strace is not installed")
            return figures
        }
        for mode in ["event", "polling"] { figures += try await idleFigures(mode, site, tree, cluster) }
        return figures
    }

    // MARK: A backlog

    private func backlogFigures(_ site: ScratchSite, _ tree: WatchTree) async throws -> [Figure] {
        let recorder = try await WatchRecorder(site.source, site.recorder.layout)
        try await recorder.prepareBurst(WatchMillionRun.backlog, bytes: WatchPlan.tinyBytes)
        let old = try await recorder.burst()
        let start = try await WatchedStart(site, directories: tree.folders + 1)
        let agent = WatchSite(serving: site, by: start.process)
        defer { agent.stop() }
        let new = try await recorder.write(
            WatchMillionRun.newest, after: 0, rate: WatchMillionRun.rate, bytes: WatchPlan.writtenBytes)
        try await agent.waitForMarks(tree.files + old.count + new.count)
        let arrivals = try await agent.arrivals()
        let end = old.compactMap { arrivals[$0.sid]?.committed }.max() ?? 0
        let first = (arrivals.values.map(\.committed).min() ?? end)
        let beside = new.filter { $0.closed < end }
        let delays = Distribution(
            beside.compactMap { one in arrivals[one.sid].map { Double($0.committed - one.closed) / 1000 } })
        let rest = Distribution(
            new.filter { $0.closed >= end }.compactMap { one in
                arrivals[one.sid].map { Double($0.committed - one.closed) / 1000 }
            })
        return [
            Figure(
                "million: ready, from the start of the process", "s", start.ready, bar: WatchMillionRun.readyBar),
            Figure("million: every directory watched, from the start", "s", start.watched),
            Figure(
                "million: backlog, from its first commit on", "recordings / s",
                Double(old.count) / max(0.001, Double(end - first) / 1_000_000)),
            Figure("million: new recordings that came beside the backlog", "", Double(delays.count)),
            Figure("million: from close to commit beside the backlog, p50", "ms", delays.percentile(50)),
            Figure("million: from close to commit beside the backlog, p99", "ms", delays.percentile(99)),
            Figure("million: from close to commit after it, p50", "ms", rest.percentile(50)),
            Figure("million: peak memory of the agent", "MiB", ProcessCost.of(start.process.id).peakMemory),
        ]
    }

    // MARK: Nothing to do

    private func idleFigures(
        _ mode: String, _ site: ScratchSite, _ tree: WatchTree, _ cluster: ScratchCluster
    ) async throws -> [Figure] {
        try site.rewriteSettings { text in
            text.replacing("mount_point = false, watch = \"event\"", with: "mount_point = false")
                .replacing("mount_point = false", with: "mount_point = false, watch = \"\(mode)\"")
        }
        let start = try await WatchedStart(site, directories: mode == "event" ? tree.folders + 1 : 0)
        defer { start.stop() }
        let agent = start.process.id
        try await Task.sleep(for: WatchMillionRun.settling)
        let idle = try await WatchIdle.measure(agent, server: try cluster.processID(), site, seconds: plan.idle)
        let calls = try await SystemCalls.of(agent, seconds: WatchMillionRun.tracing, in: site.directory)
        return [
            Figure("million: idle CPU, mode \(mode)", "% of a core", idle.cpu),
            Figure("million: memory of the idle agent, mode \(mode)", "MiB", idle.memory),
            Figure("million: system calls about files, mode \(mode)", "/ h", calls.aboutFilesInHour),
            Figure("million: all system calls, mode \(mode)", "/ h", calls.inHour),
        ]
    }
}
