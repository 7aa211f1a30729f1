internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Synchronization
internal import Testing
internal import Vocabulary

/// All that can become of a mount, one after the other, while recordings come in: each fault is seen in time, ended
/// without a restart, and leaves no trace but its own problem.
@Suite(.serialized, .enabled(if: geteuid() == 0 && PrivateMounts.isPossible, "only root may mount"))
struct MountFaultTests {
    @Test(.timeLimit(.minutes(4)))
    func `each fault of a mount that is watched by events is seen within a second, and over within 5`() async throws {
        let walk = try await FaultWalk(.bind)
        let place = walk.place
        try await walk.pass("unmounted", seenWithin: .seconds(1), as: "absent") {
            try walk.unmount()
        } end: {
            try walk.mount()
        }
        try await walk.pass("unmounted lazily", seenWithin: .seconds(1), as: "absent") {
            try walk.mounts.run("umount -l \(place)")
        } end: {
            try walk.mount()
        }
        try await walk.pass("another file system over it", seenWithin: .seconds(1), as: "wrong") {
            try walk.mounts.run("mount -t tmpfs other \(place); mkdir -p \(place)/20260101")
        } end: {
            try walk.mounts.run("umount \(place)")
        }
        try await walk.pass("another directory in its place", seenWithin: .seconds(1), as: "wrong") {
            try walk.mounts.run("umount -l \(place); mkdir -p \(walk.spare); mount --bind \(walk.spare) \(place)")
        } end: {
            try walk.mounts.run("umount \(place)")
            try walk.mount()
        }
        try await walk.pass("unmounted, and its directory removed", seenWithin: .seconds(1), as: "absent") {
            try walk.unmount()
            try walk.mounts.run("rmdir \(place)")
        } end: {
            try walk.mount()
        }
        try await walk.passRemount()
        try await walk.expectRestIsStill()
        try await walk.finish(faults: 6)
    }

    @Test(.timeLimit(.minutes(4)), .enabled(if: PrivateMounts.hasRemoteMounts, "bindfs and FUSE are wanted"))
    func `each fault of a mount that is polled is seen within 5 seconds, and over within 5`() async throws {
        let walk = try await FaultWalk(.polled)
        let place = walk.place
        let limit = Duration.seconds(5)
        try await walk.pass("unmounted", seenWithin: limit, as: "absent") {
            try walk.unmount()
        } end: {
            try walk.mount()
        }
        try await walk.pass("unmounted lazily", seenWithin: limit, as: "absent") {
            try walk.mounts.run("umount -l \(place)")
        } end: {
            try walk.mount()
        }
        try await walk.pass("another file system over it", seenWithin: limit, as: "wrong") {
            try walk.mounts.run("mount -t tmpfs other \(place); mkdir -p \(place)/20260101")
        } end: {
            try walk.mounts.run("umount \(place)")
        }
        try await walk.pass("its server gone", seenWithin: limit, as: "absent") {
            try walk.endServer()
        } end: {
            try walk.mounts.run("umount -l \(place)")
            try walk.mount()
        }
        try await walk.pass("its server silent", seenWithin: limit, as: "unresponsive") {
            walk.server?.send(SIGSTOP)
        } end: {
            walk.server?.send(SIGCONT)
        }
        // The server does not come back: what hangs on it must not stand in the way of the next one.
        try await walk.pass(
            "its server silent for ever, and another one in its place", seenWithin: limit, as: "unresponsive"
        ) {
            walk.server?.send(SIGSTOP)
        } end: {
            try walk.mounts.run("umount -l \(place)")
            walk.dropServer()
            try walk.mount()
        }
        try await walk.passRemount()
        try await walk.finish(faults: 6)
    }
}

/// A site with one agent on a mount that a test does things to, and a recorder that goes on all the while.
private final class FaultWalk: Sendable {
    enum Style {
        /// Of a local file system: the kernel announces what is written.
        case bind
        /// By FUSE: what is written behind the mount is found by polling.
        case polled
    }

    let site: ScratchSite
    let mounts: PrivateMounts
    private let style: Style
    private let agent: ChildProcess
    private let state = Mutex(State())

    private struct State {
        var server: ChildProcess?
        var stopped: [ChildProcess] = []
        var recordings: [SiteRecording] = []
        var isRecording = false
    }

    var place: String { site.callsMount }
    var spare: String { site.recorder.mountPrefix + "/spare" }
    var server: ChildProcess? { state.withLock { $0.server } }

    init(_ style: Style) async throws {
        self.style = style
        site = try await ScratchSite(
            watching: "quiet = \"1s\"\ngrace_missing = \"2s\"\ngrace_orphan = \"2s\"", isMounted: true)
        mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        agent = try site.start(.calls, in: mounts)
        let site = site
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("keeper of") })
        // Whatever is laid to a file's charge is written down, however soon it is over.
        try await site.replay.perform { session in
            try session.script(
                """
                create table public.charge (at timestamptz default clock_timestamp(), what text);
                create function public.charge() returns trigger language plpgsql as $body$
                begin
                    if new.missing_since is not null or new.failures > 0 or new.faults > 0 then
                        insert into public.charge (what)
                        select format('missing %s, failures %s, faults %s: %s', new.missing_since is not null,
                            new.failures, new.faults, new.last_error);
                    end if;
                    return new;
                end $body$;
                create trigger charge after insert or update on takeup.transfer
                    for each row execute function public.charge();
                """)
        }
        try mount()
        try await expectResumed("mounted at last", since: .now)
    }

    deinit {
        agent.send(SIGKILL)
        agent.wait()
        state.withLock { state in
            for process in state.stopped + [state.server].compactMap({ $0 }) {
                process.send(SIGKILL)
                process.wait()
            }
        }
    }

    // MARK: The mount

    func mount() throws {
        switch style {
        case .bind: try site.mount(.calls, in: mounts)
        case .polled:
            try mounts.run("mkdir -p \(place)")
            let server = try ChildProcess(
                mounts.entering + [
                    "/usr/bin/bindfs", "-f", site.recorder.mountPrefix + site.recorder.layout.callsRoot, place,
                ])
            state.withLock { $0.server = server }
            try mounts.run("n=0; until mountpoint -q \(place); do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.01; done")
        }
    }

    func unmount() throws {
        try site.unmount(.calls, in: mounts)
        if let server { server.wait() }
        state.withLock { $0.server = nil }
    }

    func endServer() throws {
        server?.send(SIGKILL)
        server?.wait()
        state.withLock { $0.server = nil }
    }

    func dropServer() {
        state.withLock { state in
            state.stopped += [state.server].compactMap { $0 }
            state.server = nil
        }
    }

    // MARK: Faults

    /// Brings a fault about, and ends it, while a call is recorded every 250 ms.
    func pass(
        _ name: String, seenWithin limit: Duration, as word: String, begin: @Sendable () async throws -> Void,
        end: @Sendable () async throws -> Void
    ) async throws {
        try await whileRecording {
            let told = try await mountProblems()
            let began = ContinuousClock.now
            try await begin()
            let events = try await site.wait(upTo: limit * 4) { try await self.mountProblems() == told + 1 }
            let seen = ContinuousClock.now - began
            #expect(
                events && seen.isWithin(bar: limit), "\(name): seen after \(seen)\n\(site.log(.calls).suffix(4000))")
            let said = try await site.wait(upTo: limit * 4) { try await self.agentWord() == word }
            let shown = ContinuousClock.now - began
            #expect(said && shown.isWithin(bar: limit + .milliseconds(500)), "\(name): status has it after \(shown)")
            let asked = ContinuousClock.now
            let status = try site.run(["status", "--config", site.settingsPath])
            let answered = ContinuousClock.now - asked
            #expect(
                answered.isWithin(bar: .seconds(1)) && status.output.contains(word), "\(answered): \(status.output)")
            // Long after the grace times.
            try await Task.sleep(for: .seconds(3))
            let back = ContinuousClock.now
            try await end()
            let resumed = try await expectResumed(name, since: back)
            print(
                "mount fault, \(self.style): \(name): seen \(seen.text), status \(shown.text), "
                    + "status answered in \(answered.text), resumed \(resumed.text)")
        }
        try await expectNoCharge(name)
    }

    /// Away and back before anybody looks.
    func passRemount() async throws {
        try await whileRecording {
            let back = ContinuousClock.now
            try self.mounts.run("umount -l \(self.place)")
            if let server = self.server { server.wait() }
            try self.mount()
            let resumed = try await self.expectResumed("remounted", since: back)
            print("mount fault, \(self.style): remounted at once: resumed \(resumed.text)")
        }
        try await expectNoCharge("remounted")
    }

    /// A recording whose file is there is committed, and the mount's problem is closed.
    @discardableResult
    private func expectResumed(_ name: String, since: ContinuousClock.Instant) async throws -> Duration {
        let probe = try await site.record("probe-\(UInt32.random(in: 0 ... .max))", [.audio])
        state.withLock { $0.recordings.append(probe) }
        let came = try await site.wait(upTo: .seconds(40)) {
            try await !self.site.digests(of: probe).isEmpty
        }
        let resumed = ContinuousClock.now - since
        #expect(
            came && resumed.isWithin(bar: .seconds(5)),
            "\(name): resumed after \(resumed)\n\(site.log(.calls).suffix(4000))")
        #expect(try await site.wait(upTo: .seconds(40)) { try await self.site.openProblems().isEmpty }, "\(name)")
        return resumed
    }

    private func whileRecording(_ body: @Sendable () async throws -> Void) async throws {
        state.withLock { $0.isRecording = true }
        async let recorder: Void = keepRecording()
        do {
            try await body()
        } catch {
            state.withLock { $0.isRecording = false }
            throw error
        }
        state.withLock { $0.isRecording = false }
        try await recorder
    }

    private func keepRecording() async throws {
        while state.withLock({ $0.isRecording }) {
            let one = try await site.record("call-\(UInt64.random(in: 0 ... .max))", [.audio])
            state.withLock { $0.recordings.append(one) }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    // MARK: What is so

    private func mountProblems() async throws -> Int {
        try await site.count(
            "select count(*) from takeup.problem where kind = 'mount-unavailable'", in: site.replay)
    }

    private func agentWord() async throws -> String? {
        try await site.replay.perform { session in
            try session.first(
                "select state::json ->> 'mount' as word from takeup.agent where role = 'agent' and left_at is null")?
                .optionalText("word")
        }
    }

    private func expectNoCharge(_ name: String) async throws {
        let charges = try await site.replay.perform { session in
            try session.query("select what from public.charge").map { try $0.text("what") }
        }
        #expect(charges == [], "\(name)")
    }

    /// With nobody recording, a mount that goes changes no row but its problem's.
    func expectRestIsStill() async throws {
        #expect(try await site.comesToRest())
        // A session that goes idle tells its counts up to 10 s later (PostgreSQL, PGSTAT_IDLE_INTERVAL).
        let untilTold = Duration.seconds(11)
        try await Task.sleep(for: untilTold)
        let before = try await site.rowChanges()
        try unmount()
        try await Task.sleep(for: .seconds(1) + untilTold)
        var after = try await site.rowChanges()
        let problem = "replay takeup.problem"
        #expect((after[problem] ?? 0) - (before[problem] ?? 0) == 1)
        after[problem] = before[problem]
        #expect(after == before)
        try mount()
        try await expectResumed("unmounted at rest", since: .now)
    }

    /// All has arrived, once and byte for byte, and the journal has each fault once.
    func finish(faults: Int) async throws {
        let recordings = state.withLock { $0.recordings }
        #expect(
            try await site.wait(upTo: .seconds(30)) { try await self.site.markedCount() == recordings.count },
            "\(site.log(.calls).suffix(4000))")
        for recording in recordings {
            #expect(try await site.holds(recording, [.audio]), "\(recording.name)")
        }
        let problems = try await site.replay.perform { session in
            try session.query("select kind, what, count from takeup.problem where kind <> 'mount-unavailable'")
                .map { try $0.text("kind") + ": " + $0.text("what") }
        }
        #expect(problems == [])
        // One more at the start, when nothing was mounted yet, and one where the remount was slow enough to be seen.
        #expect((faults + 1...faults + 2).contains(try await mountProblems()))
        #expect(try await site.unnamedFiles() == [])
        #expect(kill(agent.id, 0) == 0 && site.log(.calls).ranges(of: "serves mount").count == 1)
    }
}

extension Duration {
    /// Milliseconds.
    fileprivate var text: String { "\(wholeMilliseconds) ms" }
}
