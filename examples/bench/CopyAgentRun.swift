internal import Glibc
internal import Support

/// A whole agent that finds the small files and their rows waiting: from its start to the last commit.
struct CopyAgentRun {
    private let plan: CopyPlan
    /// Of rsync's time for the same files.
    private static let bar = 1.4

    init(_ plan: CopyPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        var takeup: [Double] = []
        var rsync: [Double] = []
        var (cpu, memory, server) = (0.0, 0.0, 0.0)
        let count = max(1, Int(10_000 * plan.share))
        for _ in 0..<plan.rounds {
            let cluster = try WatchSite.cluster()
            let site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster, notifies: true)
            let recorder = try await WatchRecorder(site.source, site.recorder.layout)
            try await recorder.prepareBurst(count, bytes: WatchPlan.writtenBytes)
            _ = try await recorder.burst()
            if CopyPeer.rsync.isInstalled {
                let source = site.recorder.mountPrefix + site.recorder.layout.callsRoot
                rsync.append(try CopyPeer.rsync.copy(from: source, to: site.directory + "/peer").wall)
            }
            sync()
            let before = ProcessCost.of(try cluster.processID())
            let begun = WatchRecorder.now().microseconds
            let agent = try site.start(.calls)
            let watched = WatchSite(serving: site, by: agent)
            defer { watched.stop() }
            try await watched.waitForReplicas(count)
            let arrivals = try await watched.arrivals()
            takeup.append(Double((arrivals.values.map(\.committed).max() ?? begun) - begun) / 1_000_000)
            let cost = ProcessCost.of(agent.id)
            (cpu, memory) = (cost.cpu, max(memory, cost.peakMemory))
            server = ProcessCost.of(try cluster.processID()).since(before).cpu
        }
        let wall = Distribution(takeup).percentile(50)
        let peer = rsync.isEmpty ? nil : Distribution(rsync).percentile(50)
        var figures = [
            Figure("agent: \(count) files of 200 KiB with their rows, until all are committed", "s", wall, peer: peer),
            Figure("agent: peak memory", "MiB", memory),
            Figure("agent: CPU of the agent, of the last turn", "s", cpu),
            Figure("agent: CPU of the replay's PostgreSQL, of the last turn", "s", server),
        ]
        if let peer {
            figures.append(
                Figure("agent: of rsync's time", "ratio", wall / peer, bar: plan.isWhole ? CopyAgentRun.bar : nil))
        }
        return figures
    }
}
