internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// A mount whose server has a request and never answers: the caller sits in a call that no signal ends.
@Suite(.serialized, .enabled(if: PrivateMounts.hasRemoteMounts, "only root may mount, and bindfs and FUSE are wanted"))
struct HungMountTests {
    @Test(.timeLimit(.minutes(4)))
    func `a mount that hangs hurts only itself: it is flagged, the watchdog fed, status answers, others go on`()
        async throws
    {
        let scene = try await HungScene()
        try await scene.start()
        let before = try await scene.screenDelays(count: 15)
        let began = ContinuousClock.now
        scene.silence()
        let flagged = try await scene.site.wait(upTo: .seconds(20)) {
            scene.site.log(.calls).contains("has not answered for")
        }
        let seen = ContinuousClock.now - began
        #expect(flagged && seen.isWithin(bar: .seconds(5)), "\(seen)\n\(scene.site.log(.calls).suffix(3000))")
        var answers: [Duration] = []
        for _ in 0..<5 {
            let asked = ContinuousClock.now
            let status = try scene.site.run(["status", "--config", scene.site.settingsPath])
            answers.append(ContinuousClock.now - asked)
            #expect(status.output.contains("unresponsive"), "\(status.output)")
            try await Task.sleep(for: .milliseconds(300))
        }
        #expect(answers.allSatisfy { $0.isWithin(bar: .seconds(1)) }, "\(answers)")
        let during = try await scene.screenDelays(count: 15)
        // Other mounts are served as before: the keeper of their source is the agent whose mount hangs.
        #expect(during.median.isWithin(bar: before.median * 2 + .milliseconds(100)), "\(before) then \(during)")
        try await Task.sleep(for: .seconds(4))
        let gap = scene.longestPause(since: began)
        #expect(gap < .microseconds(HungScene.watchdog), "the watchdog was not fed for \(gap)")
        let back = ContinuousClock.now
        scene.speak()
        let probe = try await scene.site.record("after", [.audio])
        let came = try await scene.site.wait(upTo: .seconds(20)) {
            try await !scene.site.digests(of: probe).isEmpty
        }
        let resumed = ContinuousClock.now - back
        #expect(came && resumed.isWithin(bar: .seconds(5)), "\(resumed)")
        #expect(try await scene.site.wait(upTo: .seconds(20)) { try await scene.site.openProblems().isEmpty })
        print(
            "hung mount: flagged after \(seen.wholeMilliseconds) ms, status in at most "
                + "\((answers.max() ?? .zero).wholeMilliseconds) ms, watchdog unfed for at most "
                + "\(gap.wholeMilliseconds) ms, the other mount \(before.median.wholeMilliseconds) ms before and "
                + "\(during.median.wholeMilliseconds) ms meanwhile, resumed after \(resumed.wholeMilliseconds) ms")
        try await scene.expectStopWithin(.seconds(30))
    }
}

private final class HungScene: Sendable {
    /// Microseconds.
    static let watchdog = 6_000_000

    let site: ScratchSite
    let mounts: PrivateMounts
    private let notified: NotifySocket
    private let listening: Task<Void, Never>
    private let server: ChildProcess
    private let relay: ChildProcess
    private let agent: ChildProcess
    private let screens: ChildProcess

    /// The agent asks a relay, which asks the server: the relay has taken the request when the server is silent, so that
    /// no signal ends the agent's call.
    init() async throws {
        let site = try await ScratchSite(watching: "quiet = \"1s\"", isMounted: true)
        self.site = site
        mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let (place, middle) = (site.callsMount, site.directory + "/middle")
        try mounts.run("mkdir -p \(place) \(middle)")
        func serve(_ from: String, at point: String, _ mounts: PrivateMounts) throws -> ChildProcess {
            let process = try ChildProcess(mounts.entering + ["/usr/bin/bindfs", "-f", from, point])
            try mounts.run("n=0; until mountpoint -q \(point); do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.01; done")
            return process
        }
        server = try serve(site.recorder.mountPrefix + site.recorder.layout.callsRoot, at: middle, mounts)
        relay = try serve(middle, at: place, mounts)
        try site.mount(.screens, in: mounts)
        let notified = try NotifySocket()
        self.notified = notified
        listening = Task { await notified.listen() }
        agent = try ChildProcess(
            mounts.entering + notified.entering(watchdog: HungScene.watchdog) + [
                try ScratchSite.builtProgram(), "agent", "--config", site.settingsPath, "--mount", place,
            ], outputPath: site.logPath(.calls))
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("keeper of") })
        screens = try site.start(.screens, in: mounts)
    }

    deinit {
        listening.cancel()
        for process in [server, relay, agent, screens] {
            process.send(SIGKILL)
            process.send(SIGCONT)
        }
        for process in [server, relay, agent, screens] { process.wait() }
    }

    func start() async throws {
        let probe = try await site.record("before", [.audio])
        #expect(try await site.wait(upTo: .seconds(30)) { try await !self.site.digests(of: probe).isEmpty })
    }

    func silence() { server.send(SIGSTOP) }
    func speak() { server.send(SIGCONT) }

    /// From row to commit, of recordings whose only file lies on the other mount.
    func screenDelays(count: Int) async throws -> [Duration] {
        var delays: [Duration] = []
        for _ in 0..<count {
            let one = try await site.record("screen-\(UInt64.random(in: 0 ... .max))", [.video])
            let began = ContinuousClock.now
            #expect(
                try await site.wait(upTo: .seconds(20)) { try await !self.site.digests(of: one).isEmpty })
            delays.append(ContinuousClock.now - began)
        }
        return delays
    }

    /// The longest time without food for the watchdog.
    func longestPause(since: ContinuousClock.Instant) -> Duration {
        let times = [since] + notified.times(of: "WATCHDOG=1").filter { $0 > since } + [.now]
        return zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? .zero
    }

    /// The agent is told to stop while calls of its mount hang: it leaves the ledger and lets go of its mount, and is gone
    /// as soon as the kernel lets it.
    func expectStopWithin(_ limit: Duration) async throws {
        silence()
        #expect(
            try await site.wait(upTo: .seconds(20)) { self.site.log(.calls).ranges(of: "has not answered").count == 2 })
        let began = ContinuousClock.now
        agent.send(SIGTERM)
        let stopped = try await site.wait(upTo: limit) { !self.notified.times(of: "STOPPING=1").isEmpty }
        let told = ContinuousClock.now - began
        #expect(stopped, "\(site.log(.calls).suffix(3000))")
        let left = """
            select (select count(*) from takeup.agent where mount = '\(site.callsMount)' and left_at is null)
                + (select count(*) from pg_locks where locktype = 'advisory' and granted and objsubid = 1
                    and (classid::bigint << 32 | objid::bigint)
                        = hashtextextended('takeup mount \(site.callsMount)', 0)) as count
            """
        #expect(try await site.wait(upTo: .seconds(10)) { try await self.site.count(left, in: self.site.replay) == 0 })
        // The relay has the request and no answer: the kernel keeps the process until it has.
        speak()
        let answered = ContinuousClock.now
        #expect(agent.wait() == 0)
        print(
            "hung mount: all was put away \(told.wholeMilliseconds) ms after SIGTERM, the process gone "
                + "\((ContinuousClock.now - answered).wholeMilliseconds) ms after the mount answered")
    }
}

extension [Duration] {
    fileprivate var median: Duration { isEmpty ? .zero : sorted()[count / 2] }
}
