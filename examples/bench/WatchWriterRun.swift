internal import Support

/// Files of 200 KiB that are closed one after the other: the delay from close(2) to the committed replica, and the cost.
/// Those that are compared take turns, so that a busy minute of the machine is everyone's.
struct WatchWriterRun {
    private let plan: WatchPlan

    /// The promise, in milliseconds.
    private static let medianBar = 20.0
    private static let tailBar = 60.0

    init(_ plan: WatchPlan) { self.plan = plan }

    func figures() async throws -> [Figure] {
        let cluster = try WatchSite.cluster()
        let told = try await WatchSite(cluster, notifies: true)
        defer { told.stop() }
        let untold = try await WatchSite(cluster, notifies: false)
        defer { untold.stop() }
        let sites = [
            (site: told, recorder: try await told.recorder(), name: "told by the trigger"),
            (site: untold, recorder: try await untold.recorder(), name: "without the trigger"),
        ]
        var peers: [WatchPeer] = []
        defer { for peer in peers { peer.stop() } }
        if plan.hasPeers {
            for kind in [WatchPeer.Kind.lsyncd, .shell] {
                if let peer = try await WatchPeer.start(kind) { peers.append(peer) }
            }
        }
        var sums = sites.map { _ in WatchSum() }
        var peerSums: [WatchPeer.Kind: WatchSum] = [:]
        let count = max(1, Int(plan.rate * plan.seconds / Double(plan.rounds)))
        for round in 0..<plan.rounds {
            for (place, one) in sites.enumerated() {
                sums[place].add(
                    try await measure(one.site, one.recorder, cluster.processID(), count, after: round * count))
                if plan.printsStatements { try await one.site.printStatements("\(one.name), round \(round + 1)") }
            }
            for peer in peers {
                peerSums[peer.kind, default: WatchSum()].add(
                    try await peer.write(
                        count, after: round * count, rate: plan.rate, bytes: WatchPlan.writtenBytes))
            }
        }
        let lsyncd = peerSums[.lsyncd]
        var figures: [Figure] = []
        for (place, one) in sites.enumerated() {
            figures += self.figures(one.name, sums[place], lsyncd, isPromised: place == 0)
        }
        if let shell = peerSums[.shell] { figures += shellFigures(shell) }
        return figures
    }

    private func measure(
        _ site: WatchSite, _ recorder: WatchRecorder, _ server: Int32, _ count: Int, after first: Int
    ) async throws -> WatchSum {
        ScratchPlace.settle()
        let before = ProcessCost.of(site.agent.id)
        let serverBefore = ProcessCost.of(server)
        let written = try await recorder.write(
            count, after: first, rate: plan.rate, bytes: WatchPlan.writtenBytes)
        try await site.waitForMarks(first + count)
        let cost = ProcessCost.of(site.agent.id).since(before)
        let arrivals = try await site.arrivals()
        var sum = WatchSum()
        sum.files = count
        (sum.cpu, sum.memory) = (cost.cpu, cost.peakMemory)
        sum.serverCPU = ProcessCost.of(server).since(serverBefore).cpu
        sum.delays = try written.map { one in
            guard let arrival = arrivals[one.sid] else {
                throw BenchFailure(description: "\(one.sid) is marked and not on the replay")
            }
            return Double(arrival.committed - one.closed) / 1000
        }
        return sum
    }

    private func figures(_ name: String, _ sum: WatchSum, _ lsyncd: WatchSum?, isPromised: Bool) -> [Figure] {
        let delays = Distribution(sum.delays)
        let peer = lsyncd.map { Distribution($0.delays) }
        let bars = isPromised ? [WatchWriterRun.medianBar, WatchWriterRun.tailBar, nil] : [nil, nil, nil]
        var figures = zip([("p50", 50.0), ("p99", 99), ("max", 100)], bars).map { percentile, bar in
            Figure(
                "from close to commit, \(name), \(percentile.0)", "ms", delays.percentile(percentile.1),
                peer: peer?.percentile(percentile.1), bar: bar)
        }
        let peerCost = lsyncd.map { $0.perThousand($0.cpu) }
        figures.append(
            Figure(
                "CPU of the agent, \(name)", "s / 1,000 files", sum.perThousand(sum.cpu), peer: peerCost,
                bar: isPromised ? peerCost : nil))
        figures.append(
            Figure("CPU of the replay's PostgreSQL, \(name)", "s / 1,000 files", sum.perThousand(sum.serverCPU)))
        figures.append(Figure("peak memory of the agent, \(name)", "MiB", sum.memory, peer: lsyncd?.memory))
        return figures
    }

    private func shellFigures(_ sum: WatchSum) -> [Figure] {
        let delays = Distribution(sum.delays)
        return [("p50", 50.0), ("p99", 99), ("max", 100)].map { word, percent in
            Figure("from close to copy, shell script, \(word)", "ms", delays.percentile(percent))
        } + [Figure("CPU of the shell script", "s / 1,000 files", sum.perThousand(sum.cpu))]
    }
}
