internal import Support

/// Tiny files as fast as they can be written, with their rows: until every replica is committed, and all of them read
/// again afterwards.
struct WatchBurstRun {
    private let plan: WatchPlan

    /// The promise: seconds for 20,000, and MiB.
    private static let secondsBar = 8.0
    private static let memoryBar = 100.0

    init(_ plan: WatchPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        let peer = try await peerSeconds()
        let cluster = try WatchSite.cluster()
        let site = try await WatchSite(cluster, notifies: true)
        defer { site.stop() }
        let recorder = try await site.recorder()
        let server = try cluster.processID()
        try await recorder.prepareBurst(plan.files, bytes: WatchPlan.tinyBytes)
        ScratchPlace.settle()
        let before = ProcessCost.of(site.agent.id)
        let serverBefore = ProcessCost.of(server)
        let begun = WatchRecorder.now().microseconds
        let written = try await recorder.burst()
        let writing = Double(WatchRecorder.now().microseconds - begun) / 1_000_000
        try await site.waitForReplicas(plan.files)
        let arrivals = try await site.arrivals()
        let committed = (arrivals.values.map(\.committed).max() ?? begun) - begun
        let cost = ProcessCost.of(site.agent.id).since(before)
        let serverCost = ProcessCost.of(server).since(serverBefore)
        if plan.printsStatements { try await site.printStatements("of the burst") }
        try verify(written, arrivals, site)
        try await site.waitForMarks(plan.files)
        let marked = Double(WatchRecorder.now().microseconds - begun) / 1_000_000
        let isWhole = plan.files >= 20_000
        return [
            Figure(
                "burst of \(plan.files) files until all are committed", "s", Double(committed) / 1_000_000,
                peer: peer?.seconds, bar: isWhole ? WatchBurstRun.secondsBar : nil),
            Figure("burst: writing the files and their rows", "s", writing),
            Figure("burst: until all are marked and checked, at most", "s", marked),
            Figure("burst: peak memory of the agent", "MiB", cost.peakMemory, bar: WatchBurstRun.memoryBar),
            Figure("burst: CPU of the agent", "s", cost.cpu, peer: peer?.sum.cpu),
            Figure("burst: CPU of the replay's PostgreSQL", "s", serverCost.cpu),
        ]
    }

    private func peerSeconds() async throws -> (sum: WatchSum, seconds: Double)? {
        guard plan.hasPeers, let peer = try await WatchPeer.start(.lsyncdByRsync) else { return nil }
        defer { peer.stop() }
        return try await peer.burst(plan.files, bytes: WatchPlan.tinyBytes)
    }

    /// Reads every file of the recorder and every replica again.
    private func verify(
        _ written: [WatchRecorder.Written], _ arrivals: [String: WatchSite.Arrival], _ site: WatchSite
    ) throws {
        guard arrivals.count == written.count else {
            throw BenchFailure(description: "\(arrivals.count) of \(written.count) files are on the replay")
        }
        var places: Set<String> = []
        for one in written {
            guard let arrival = arrivals[one.sid], places.insert(arrival.path).inserted else {
                throw BenchFailure(description: "\(one.sid) has no replica of its own")
            }
            let digest = try sha256(ofFile: site.site.recorder.mountPrefix + one.path)
            guard try sha256(ofFile: arrival.path) == digest else {
                throw BenchFailure(description: "the replica of \(one.sid) is not what was recorded")
            }
        }
    }
}
