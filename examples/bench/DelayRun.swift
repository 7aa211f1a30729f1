internal import Glibc
internal import Postgres
internal import Support

/// One run of the built program: some seconds of recording, then some of nothing.
struct DelayRun {
    private let plan: DelayPlan
    private let roles: [ScratchSite.Role]

    /// The promise: of a recording whose every file shows its own end.
    private static let bar = 1.0
    /// CPU that an agent with nothing to do may take, in percent of a core.
    private static let idleBar = 0.5

    init(_ plan: DelayPlan, roles: [ScratchSite.Role]) {
        self.plan = plan
        self.roles = roles
    }

    private var hasWorker: Bool { roles.contains(.mux) }
    private var place: String { hasWorker ? ", beside a mux worker" : "" }

    func figures(peer: PeerCost?) async throws -> [Figure] {
        let cluster = try ScratchCluster(
            isDurable: true,
            settings: [
                "track_commit_timestamp=on", "shared_preload_libraries=pg_stat_statements",
                "pg_stat_statements.track_planning=on", "shared_buffers=256MB",
                "autovacuum=on",
            ])
        let site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster)
        let processes = try roles.map { (role: $0, process: try site.start($0)) }
        defer {
            for (_, process) in processes { process.send(SIGTERM) }
            for (_, process) in processes { process.wait() }
        }
        guard
            try await site.wait(
                upTo: .seconds(30),
                until: { try await upCount(site) == roles.count })
        else { throw BenchFailure(description: "the agents did not come up: \(site.log(.calls))") }
        // As the unit's CPUWeight: a mux can wait, a recording must not wait for one. Later threads inherit it.
        for (role, process) in processes where role == .mux {
            for thread in ProcessCost.threads(process.id) {
                setpriority(CInt(PRIO_PROCESS.rawValue), id_t(thread), 10)
            }
        }
        try await Task.sleep(for: .seconds(3))
        return try await measure(site, cluster, processes, peer: peer)
    }

    /// Processes that have told the ledger of themselves; the first of them makes it.
    private func upCount(_ site: ScratchSite) async throws -> Int {
        let hasLedger = try await site.count(
            "select count(*) from pg_namespace where nspname = 'takeup'", in: site.replay)
        return hasLedger == 0 ? 0 : try await site.count("select count(*) from takeup.agent", in: site.replay)
    }

    private func measure(
        _ site: ScratchSite, _ cluster: ScratchCluster, _ processes: [(role: ScratchSite.Role, process: ChildProcess)],
        peer: PeerCost?
    ) async throws -> [Figure] {
        if plan.printsStatements {
            try await site.replay.perform { try $0.script("create extension pg_stat_statements") }
        }
        let server = try cluster.processID()
        let started = processes.map { ProcessCost.of($0.process.id) }
        let serverStarted = ProcessCost.of(server)
        let commits = try await commitCount(site)
        let truths = try await plan.record(site, hasLongSounds: !hasWorker)
        // Muxes follow in their own time.
        let isDone = try await site.wait(upTo: .seconds(120)) { try await site.markedCount() == truths.count }
        guard isDone else {
            throw BenchFailure(description: "not all recordings arrived: \(site.log(.calls).suffix(4000))")
        }
        let thousands = Double(truths.count) / 1000
        var figures = try await delays(of: truths, site, peer: peer)
        var agents = 0.0
        for (index, (role, process)) in processes.enumerated() {
            let cost = ProcessCost.of(process.id).since(started[index])
            let place = role == .mux ? "" : place
            if role != .mux { agents += cost.cpu }
            figures.append(Figure("CPU of \(role.words)\(place)", "s / 1,000 recordings", cost.cpu / thousands))
            figures.append(Figure("peak memory of \(role.words)\(place)", "MiB", cost.peakMemory))
        }
        figures.append(
            Figure("CPU of both agents\(place)", "s / 1,000 recordings", agents / thousands, peer: peer?.cpu))
        let serverCost = ProcessCost.of(server).since(serverStarted)
        figures.append(
            Figure("CPU of the replay's PostgreSQL\(place)", "s / 1,000 recordings", serverCost.cpu / thousands))
        if hasWorker {
            let share = 100 * Double(try await site.muxedCount()) / Double(max(1, truths.filter(\.isPair).count))
            figures.append(Figure("pairs muxed when the last recording was marked", "%", share))
        }
        let more = Double(try await commitCount(site) - commits)
        figures.append(Figure("replay transactions\(place)", "/ recording", more / Double(truths.count)))
        if plan.printsStatements { try await printStatements(site, "while recording") }
        if !hasWorker, plan.idle > 0 { figures += try await idle(site, server, processes) }
        return figures
    }

    // MARK: Delay

    private struct Arrival: Sendable {
        var sid: String
        var isOpaque: Bool
        /// Microseconds since 1970 UTC.
        var committed: Int64
    }

    /// By the commit timestamps of the media rows: neither the program's clock nor its word has a part in it.
    private func delays(
        of truths: [RecorderModelTruth], _ site: ScratchSite, peer: PeerCost?
    ) async throws -> [Figure] {
        let arrivals = try await site.replay.perform { session in
            try session.query(
                """
                select c.sid, f.cftype = 'RECD' as is_opaque,
                    (extract(epoch from pg_xact_commit_timestamp(f.xmin)) * 1000000)::bigint as committed
                from callrec.cfiles f join callrec.couples c on c.id = f.cplid
                where not exists (
                    select from takeup.replica r where r.replay_media_id = f.id and r.is_result)
                """
            ).map { row in
                Arrival(
                    sid: try row.text("sid"), isOpaque: try row.boolean("is_opaque"),
                    committed: try row.integer("committed"))
            }
        }
        let bySid = Dictionary(grouping: arrivals, by: \.sid)
        var visible: [Double] = []
        var opaque: [Double] = []
        for truth in truths {
            guard let complete = truth.complete, let rows = truth.sid.flatMap({ bySid[$0] }),
                rows.count == truth.media.count, let last = rows.map(\.committed).max()
            else { throw BenchFailure(description: "recording \(truth.number) is not whole on the replay") }
            let delay = Double(last - complete) / 1_000_000
            if rows.contains(where: \.isOpaque) { opaque.append(delay) } else { visible.append(delay) }
        }
        return figures("delay of sound and mp4", visible, peer: peer?.delays, bar: hasWorker ? nil : DelayRun.bar)
            + figures("delay with an opaque screen", opaque, peer: nil, bar: nil)
    }

    private func figures(_ name: String, _ delays: [Double], peer: Distribution?, bar: Double?) -> [Figure] {
        let delays = Distribution(delays)
        return [("p50", 50.0), ("p99", 99), ("max", 100)].map { word, percent in
            Figure(
                "\(name), \(word)\(place)", "s", delays.percentile(percent), peer: peer?.percentile(percent),
                bar: word == "p99" ? bar : nil)
        }
    }

    // MARK: Idle

    private func idle(
        _ site: ScratchSite, _ server: pid_t, _ processes: [(role: ScratchSite.Role, process: ChildProcess)]
    ) async throws -> [Figure] {
        // A backend that idles gives its counts away within ten seconds.
        try await Task.sleep(for: .seconds(12))
        let started = processes.map { ProcessCost.of($0.process.id) }
        let serverStarted = ProcessCost.of(server)
        let commits = try await commitCount(site)
        let begin = ContinuousClock.now
        try await Task.sleep(for: .seconds(plan.idle))
        let span = (ContinuousClock.now - begin) / .seconds(1)
        if plan.printsStatements { try await printStatements(site, "while idle") }
        var figures: [Figure] = []
        for (index, (role, process)) in processes.enumerated() {
            let cost = ProcessCost.of(process.id).since(started[index])
            figures.append(
                Figure("idle CPU of \(role.words)", "% of a core", 100 * cost.cpu / span, bar: DelayRun.idleBar))
            figures.append(Figure("idle wakeups of \(role.words)", "/ s", cost.sleeps / span))
        }
        let serverCost = ProcessCost.of(server).since(serverStarted)
        figures.append(Figure("idle CPU of the replay's PostgreSQL", "% of a core", 100 * serverCost.cpu / span))
        figures.append(
            Figure("idle replay transactions, both agents", "/ s", Double(try await commitCount(site) - commits) / span)
        )
        return figures
    }

    // MARK: The replay's server

    private func commitCount(_ site: ScratchSite) async throws -> Int {
        try await site.count(
            "select xact_commit as count from pg_stat_database where datname = current_database()", in: site.replay)
    }

    /// Since the last time, and begins anew.
    private func printStatements(_ site: ScratchSite, _ when: String) async throws {
        let lines = try await site.replay.perform { session in
            try session.query(
                """
                select format('%7s calls %9s ms run %9s ms planned %7s rows  %s', calls,
                    round(total_exec_time::numeric, 1), round(total_plan_time::numeric, 1), rows,
                    left(regexp_replace(query, '\\s+', ' ', 'g'), 150)) as line
                from pg_stat_statements
                where dbid = (select oid from pg_database where datname = current_database())
                order by total_exec_time + total_plan_time desc limit 60
                """
            ).map { try $0.text("line") }
        }
        try await site.replay.perform { session in try session.query("select pg_stat_statements_reset()") }
        print("statements \(when):")
        print(lines.joined(separator: "\n"))
    }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
}

extension ScratchSite.Role {
    fileprivate var words: String {
        switch self {
        case .calls: "the agent of calls"
        case .screens: "the agent of screens"
        case .mux: "the mux worker"
        }
    }
}
