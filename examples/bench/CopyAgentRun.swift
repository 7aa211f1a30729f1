internal import Glibc
internal import Support

/// A whole agent that finds the small files and their rows waiting: from its start to the last commit.
struct CopyAgentRun {
    private let plan: CopyPlan
    /// Of rsync's time for the same files.
    private static let bar = 1.4

    init(_ plan: CopyPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        let count = max(1, Int(10_000 * plan.share))
        var turns: [Turn] = []
        for _ in 0..<plan.rounds { turns.append(try await turn(count, bytes: WatchPlan.writtenBytes)) }
        let long = try await turn(max(1, Int(100 * plan.share)), bytes: CopyAgentRun.longBytes)
        let wall = Distribution(turns.map(\.wall)).percentile(50)
        let peers = turns.compactMap(\.rsync)
        let peer = peers.isEmpty ? nil : Distribution(peers).percentile(50)
        var figures = [
            Figure("agent: \(count) files of 200 KiB with their rows, until all are committed", "s", wall, peer: peer),
            Figure(
                "agent: peak memory", "MiB", turns.map(\.cost.peakMemory).max() ?? 0, bar: bar(CopyAgentRun.memoryBar)),
            Figure(
                "agent: the same, with files of 8 MiB", "MiB", long.cost.peakMemory, bar: bar(CopyAgentRun.memoryBar)),
            Figure("agent: CPU of the agent, of the last turn", "s", turns.last?.cost.cpu ?? 0),
            Figure("agent: CPU of the replay's PostgreSQL, of the last turn", "s", turns.last?.server ?? 0),
        ]
        if let peer {
            figures.append(Figure("agent: of rsync's time", "ratio", wall / peer, bar: bar(CopyAgentRun.bar)))
        }
        return figures
    }

    private static let longBytes = 8 << 20
    /// 64 MB.
    private static let memoryBar = 61.0

    private func bar(_ value: Double) -> Double? { plan.isWhole ? value : nil }

    private struct Turn {
        /// Seconds, until the last commit.
        let wall: Double
        let rsync: Double?
        /// Of the agent.
        let cost: ProcessCost
        /// Seconds of CPU of the replay's PostgreSQL.
        let server: Double
    }

    private func turn(_ count: Int, bytes: Int) async throws -> Turn {
        let cluster = try WatchSite.cluster()
        let site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster, notifies: true)
        let recorder = try await WatchRecorder(site.source, site.recorder.layout)
        try await recorder.prepareBurst(count, bytes: bytes)
        _ = try await recorder.burst()
        let source = site.recorder.mountPrefix + site.recorder.layout.callsRoot
        let rsync =
            CopyPeer.rsync.isInstalled ? try CopyPeer.rsync.copy(from: source, to: site.directory + "/peer").wall : nil
        sync()
        let before = ProcessCost.of(try cluster.processID())
        let begun = WatchRecorder.now().microseconds
        let agent = try site.start(.calls)
        let watched = WatchSite(serving: site, by: agent)
        defer { watched.stop() }
        try await watched.waitForReplicas(count)
        let arrivals = try await watched.arrivals()
        return Turn(
            wall: Double((arrivals.values.map(\.committed).max() ?? begun) - begun) / 1_000_000, rsync: rsync,
            cost: ProcessCost.of(agent.id), server: ProcessCost.of(try cluster.processID()).since(before).cpu)
    }
}
