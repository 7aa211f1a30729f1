internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Four workers share the pairs of a site; three of them die, or stand still past their lease and go on, at random.
@Suite(.serialized) struct MuxCrewTests {
    struct Size: Sendable, CustomTestStringConvertible {
        let pairs: Int
        /// How often a worker is killed or stopped.
        let blows: Int
        /// Whether leases of who was hit run out at once; else they take the time that they take.
        let hurries: Bool
        var testDescription: String { "\(pairs) pairs, \(blows) blows" }

        static let core = Size(pairs: 8, blows: 4, hurries: true)
        static let full = Size(pairs: 2000, blows: 60, hurries: false)
        static var all: [Size] { getenv("TAKEUP_LONG_TESTS") == nil ? [core] : [core, full] }
    }

    @Test(.timeLimit(.minutes(120)), arguments: Size.all)
    func `whoever is killed or stopped, each pair has one result, and a late worker publishes nothing`(
        size: Size
    ) async throws {
        let seed = getenv("TAKEUP_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
        print("Killing and stopping workers with TAKEUP_SEED=\(seed)")
        let site = try await ScratchSite()
        let truths = try await copied(size.pairs, seed, site)
        let workers = try MuxWorkers(site, count: 4, sleep: size.hurries ? .seconds(2) : .seconds(35))
        do {
            try await strike(size, seed, site, workers)
            let isDone = try await site.wait(upTo: .seconds(3600)) {
                try await workers.keepRunning()
                return try await site.muxedCount() == size.pairs
            }
            let done = try await site.muxedCount()
            try #require(isDone, "\(done) of \(size.pairs)\n\(site.log(.mux).suffix(4000))")
        } catch {
            await workers.killAll()
            throw error
        }
        try await check(size, truths, site, workers)
    }

    /// Sounds and screens on the volumes, with jobs that wait.
    private func copied(_ pairs: Int, _ seed: UInt64, _ site: ScratchSite) async throws -> [RecorderModelTruth] {
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer {
            for agent in agents { agent.send(SIGTERM) }
            for agent in agents { agent.wait() }
        }
        let truths = try await site.recorder.record { options in
            (options.count, options.screens, options.encrypted, options.seed) = (pairs, 100, 20, seed)
        }
        let wanted = truths.filter(\.isPair).count
        try #require(wanted == pairs)
        let isCopied = try await site.wait(upTo: .seconds(1200)) {
            // Before an agent has made its tables there is nothing to count.
            let jobs = try? await site.count("select count(*) from takeup.mux_job where not is_recd", in: site.replay)
            let marked = try await site.markedCount()
            return jobs == pairs && marked == pairs
        }
        try #require(isCopied, "\(site.log(.calls).suffix(4000))")
        return truths
    }

    private func strike(_ size: Size, _ seed: UInt64, _ site: ScratchSite, _ workers: MuxWorkers) async throws {
        var chance = SeededChance(state: seed)
        let moments = (0..<size.blows).map { _ in Int.random(in: 0..<size.pairs * 9 / 10, using: &chance) }.sorted()
        for moment in moments {
            let isReached = try await site.wait(upTo: .seconds(1200)) {
                try await workers.keepRunning()
                return try await site.muxedCount() >= moment
            }
            try #require(isReached, "the work stands still\n\(site.log(.mux).suffix(4000))")
            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<400, using: &chance)))
            // The first one is left alone.
            let number = Int.random(in: 1..<4, using: &chance)
            let isKill = Bool.random(using: &chance)
            if let process = try await workers.strike(number, kills: isKill), size.hurries {
                try await site.expire(leasesOf: process)
            }
        }
    }

    private func check(
        _ size: Size, _ truths: [RecorderModelTruth], _ site: ScratchSite, _ workers: MuxWorkers
    ) async throws {
        // Those that slept wake, and find that all is done.
        await workers.wakeAll()
        let isSwept = try await site.wait(upTo: .seconds(300)) {
            try await workers.keepRunning()
            return try await site.openIntents() == 0
        }
        #expect(isSwept, "\(site.log(.mux).suffix(4000))")
        try await Task.sleep(for: .seconds(1))
        await workers.stopAll()
        let defects = try await site.defects(of: truths)
        #expect(defects == [], "\(site.log(.mux).suffix(6000))")
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
        func count(_ sql: String) async throws -> Int {
            try await site.count("select count(*) from \(sql)", in: site.replay)
        }
        #expect(try await count("takeup.mux_job where state = 'done'") == size.pairs)
        // Where RECD came before the mp4 its job is superseded.
        #expect(try await count("takeup.mux_job where state <> 'superseded' or not is_recd") == size.pairs)
        #expect(try await count("takeup.replica where is_result") == size.pairs)
        let (kills, stops) = await workers.counts
        #expect(kills + stops > 0)
        print("\(kills) kills and \(stops) stops")
        // What the dead left is removed by the next that starts there.
        let last = try site.start(.mux)
        let isClean = try await site.wait(upTo: .seconds(60)) {
            try site.clearLeftovers() == ""
        }
        last.send(SIGTERM)
        last.wait()
        #expect(isClean)
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil))
    func `what a dead worker had is taken over within 45 seconds`() async throws {
        let site = try await ScratchSite()
        _ = try await copied(8, 7, site)
        let first = try site.start(.mux)
        let isTaken = try await site.wait(upTo: .seconds(60)) { try await site.claimed(by: first.id).isEmpty == false }
        try #require(isTaken)
        first.send(SIGSTOP)
        let lost = try await site.claimed(by: first.id)
        try #require(!lost.isEmpty)
        first.send(SIGKILL)
        first.send(SIGCONT)
        first.wait()
        let began = ContinuousClock.now
        let second = try site.start(.mux)
        let isOver = try await site.wait(upTo: .seconds(120)) {
            let holders = try await site.claimed(by: second.id)
            let done = try await site.doneJobs()
            return lost.allSatisfy { holders.contains($0) || done.contains($0) }
        }
        let elapsed = ContinuousClock.now - began
        second.send(SIGTERM)
        second.wait()
        print("Taken over after \(elapsed)")
        #expect(isOver && elapsed < .seconds(45), "\(site.log(.mux).suffix(4000))")
    }
}

extension ScratchSite {
    fileprivate func claimed(by process: pid_t) async throws -> [Int64] {
        try await jobs("state = 'claimed' and holder like '%/\(process)/%'")
    }

    fileprivate func doneJobs() async throws -> [Int64] { try await jobs("state = 'done'") }

    private func jobs(_ condition: String) async throws -> [Int64] {
        try await replay.perform { session in
            try session.query("select id from takeup.mux_job where \(condition)").map { try $0.integer("id") }
        }
    }
}

/// Worker processes of a site, by number; who ends is started again, as a service manager would.
private actor MuxWorkers {
    private let site: ScratchSite
    private var standing: [Int: ChildProcess] = [:]
    /// Those that stand still, until when.
    private var sleeping: [Int: ContinuousClock.Instant] = [:]
    private(set) var counts = (kills: 0, stops: 0)
    private let sleep: Duration

    /// - Parameter sleep: how long a stopped one stands still; longer than a lease, or than what is left of it.
    init(_ site: ScratchSite, count: Int, sleep: Duration) throws {
        self.site = site
        self.sleep = sleep
        for number in 0..<count { standing[number] = try site.start(.mux) }
    }

    /// Kills a worker, or stops it until its lease is over; nil where it stands still already.
    func strike(_ number: Int, kills: Bool) throws -> ChildProcess? {
        guard sleeping[number] == nil, let process = standing[number] else { return nil }
        if kills {
            process.send(SIGKILL)
            process.wait()
            standing[number] = nil
            counts.kills += 1
        } else {
            process.send(SIGSTOP)
            sleeping[number] = ContinuousClock.now + sleep
            counts.stops += 1
        }
        return process
    }

    /// Starts who is dead, and wakes whose time has come.
    func keepRunning() throws {
        for (number, until) in sleeping where ContinuousClock.now >= until { wake(number) }
        for number in 0..<4 {
            if let process = standing[number] {
                var status: CInt = 0
                guard waitpid(process.id, &status, WNOHANG) != 0 else { continue }
            }
            standing[number] = try site.start(.mux)
        }
    }

    private func wake(_ number: Int) {
        standing[number]?.send(SIGCONT)
        sleeping[number] = nil
    }

    func wakeAll() { for number in Array(sleeping.keys) { wake(number) } }

    func stopAll() {
        wakeAll()
        for process in standing.values { process.send(SIGTERM) }
        for process in standing.values { process.wait() }
        standing = [:]
    }

    func killAll() {
        for process in standing.values { process.send(SIGKILL) }
        for process in standing.values { process.wait() }
        standing = [:]
    }
}
