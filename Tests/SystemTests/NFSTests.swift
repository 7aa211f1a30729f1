internal import Agent
internal import Files
internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary
internal import Watching

/// A real NFS client and server, in a Linux of the test's own, where the suite below runs.
@Suite(.serialized, .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "a long one"))
struct NFSTests {
    @Test(.timeLimit(.minutes(12)), .enabled(if: UserModeLinux.isPossible, "only root, with user-mode-linux and nfsd"))
    func `over NFS, recordings arrive in time, and whatever becomes of the server leaves no trace`() throws {
        let binary = try ScratchSite.builtProgram()
        let tests = FilePath(binary).parent.appending("takeupPackageTests.xctest").displayText
        let repository = FilePath(#filePath).parent.parent.parent.displayText
        let output = try UserModeLinux.run(
            """
            cd \(repository)
            export TAKEUP_GUEST=nfs
            timeout 500 \(tests) --testing-library swift-testing --filter NFSGuestTests
            echo "guest ended with $?"
            """, repository: repository, upTo: 600)
        #expect(output.contains("guest ended with 0"), "\(output.suffix(6000))")
        for line in output.split(whereSeparator: \.isNewline) where line.hasPrefix("nfs: ") { print(line) }
    }
}

/// Runs in the guest alone.
@Suite(.serialized, .enabled(if: getenv("TAKEUP_GUEST") != nil, "in a guest of NFSTests")) struct NFSGuestTests {
    @Test(.timeLimit(.minutes(8))) func `an agent on NFS`() async throws {
        let scene = try await NFSScene()
        try await scene.expectResumed("mounted")
        try await scene.expectForgottenAbsence()
        let delays = try await scene.site.remoteDelays(count: 240, each: .milliseconds(100))
        #expect(delays.count == 240, "\(scene.site.log(.calls).suffix(3000))")
        let (middle, high) = (delays[delays.count / 2], delays[delays.count * 99 / 100])
        print(
            "nfs: remote writer, default attribute cache, \(delays.count) files: p50 \(middle.wholeMilliseconds) ms, "
                + "p99 \(high.wholeMilliseconds) ms, bar 3500 ms")
        #expect(high <= .milliseconds(3500))
        try await scene.pass("unexported (stale handle)", as: ["absent", "wrong"]) {
            try ChildProcess.run(["/usr/sbin/exportfs", "-ua"])
        } end: {
            try scene.export()
        }
        try await scene.pass("server stopped, soft", as: ["unresponsive", "absent"]) {
            try ChildProcess.run(["/usr/sbin/rpc.nfsd", "0"])
        } end: {
            try scene.startServer()
        }
        try await scene.pass("unmounted", as: ["absent"]) {
            try ChildProcess.run(["/bin/umount", "-l", scene.place])
        } end: {
            try scene.mount("hard,timeo=20,retrans=1")
        }
        try await scene.pass("server stopped, hard", as: ["unresponsive"]) {
            try ChildProcess.run(["/usr/sbin/rpc.nfsd", "0"])
        } end: {
            try scene.startServer()
        }
        try await scene.finish()
    }
}

private final class NFSScene: Sendable {
    let site: ScratchSite
    let place: String
    private let agent: ChildProcess

    init() async throws {
        site = try await ScratchSite(
            watching: "quiet = \"1s\"\ngrace_missing = \"8s\"\ngrace_orphan = \"8s\"", isMounted: true)
        place = site.callsMount
        try await site.replay.perform { session in
            try session.script("create table public.charge (what text)")
        }
        agent = try site.start(.calls)
        let site = site
        #expect(try await site.wait(upTo: .seconds(60)) { site.log(.calls).contains("keeper of") })
        try await site.replay.perform { session in
            try session.script(
                """
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
        try export()
        try mount("soft,timeo=20,retrans=1")
    }

    deinit {
        agent.send(SIGKILL)
        agent.wait()
    }

    func export() throws {
        try ChildProcess.run([
            "/usr/sbin/exportfs", "-o", "rw,no_root_squash,insecure,fsid=0,no_subtree_check,sync",
            "127.0.0.1:" + site.recorder.mountPrefix + site.recorder.layout.callsRoot,
        ])
    }

    func mount(_ options: String) throws {
        try ChildProcess.run(["/bin/mount", "-t", "nfs", "-o", "vers=4.2,\(options)", "127.0.0.1:/", place])
    }

    func startServer() throws {
        try ChildProcess.run(["/usr/sbin/rpc.nfsd", "-G", "10", "-L", "10", "-N", "3", "-U", "2"])
    }

    /// A client that looked in vain believes itself for up to a minute; a look of ours does not.
    func expectForgottenAbsence() async throws {
        let threads = FileThreads(name: "looker", count: 1)
        let proof = MountProof(MountExpectation(path: FilePath(place)), threads: threads)
        guard case .proven(let identity) = await proof.look() else {
            Issue.record("the mount is not proven")
            return
        }
        let looker = FileLooker(root: FilePath(place), threads: threads, timeout: .seconds(20))
        let served = site.recorder.mountPrefix + site.recorder.layout.callsRoot
        for path in ["20200101/late.mp3", "20200101/later.mp3", "elsewhere/deeper/late.mp3"] {
            let before = await looker.look(at: FilePath(path), on: identity.root, isEncrypted: false)
            guard case .absent = before else {
                Issue.record("\(path) was there too early: \(before)")
                continue
            }
            let directory = FilePath(served + "/" + path).parent.displayText
            try ChildProcess.run(["/bin/sh", "-c", "mkdir -p \(directory) && echo sound > \(served)/\(path)"])
            let after = await looker.look(at: FilePath(path), on: identity.root, isEncrypted: false)
            guard case .seen = after else {
                Issue.record("\(path) is there, and was not seen: \(after)")
                continue
            }
            // For orphans there is no time in this guest.
            try ChildProcess.run(["/bin/rm", "\(served)/\(path)"])
        }
    }

    func pass(_ name: String, as words: Set<String>, begin: () throws -> Void, end: () throws -> Void) async throws {
        // Files that came later than their rows were missing before.
        try await site.replay.perform { session in try session.execute("delete from public.charge") }
        let began = ContinuousClock.now
        try begin()
        let told = try await site.wait(upTo: .seconds(30)) {
            try await self.site.openProblems().contains { $0.kind == "mount-unavailable" }
        }
        let seen = ContinuousClock.now - began
        #expect(told && seen <= .seconds(5), "\(name): seen after \(seen)\n\(site.log(.calls).suffix(3000))")
        let word = try await site.replay.perform { session in
            try session.first("select state ->> 'mount' as word from takeup.agent where role = 'agent'")?
                .optionalText("word")
        }
        // What this slow guest takes to start the program at all is not the answer's.
        let bare = try timed { _ = try site.run(["--version"]) }
        let status = try timed { try site.run(["status", "--config", site.settingsPath]) }
        let answered = status.took - bare.took
        #expect(
            answered < .seconds(1) && words.contains(word ?? ""),
            "\(name): \(answered), \(word ?? "")\n\(status.value.output)")
        // Recordings come in behind the mount for longer than the grace times.
        var recordings: [SiteRecording] = []
        for number in 0..<10 {
            recordings.append(try await site.record("\(name) \(number)", [.audio]))
            try await Task.sleep(for: .seconds(1))
        }
        let problems = try await site.openProblems().map(\.kind)
        #expect(problems == ["mount-unavailable"], "\(name)")
        let ended = ContinuousClock.now
        try end()
        // When the client itself has it again: its own timers are none of ours.
        let file = recordings[0].files[.audio]?.path.displayText ?? ""
        let beneath = place + file.dropFirst(site.recorder.layout.callsRoot.count)
        try ChildProcess.run([
            "/bin/sh", "-c",
            "n=0; until timeout -s KILL 2 cat '\(beneath)' > /dev/null 2>&1; do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.1; done",
        ])
        let answers = ContinuousClock.now
        for recording in recordings {
            let came = try await site.wait(upTo: .seconds(30)) {
                try await !self.site.digests(of: recording).isEmpty
            }
            #expect(came, "\(recording.name)\n\(self.site.log(.calls).suffix(3000))")
        }
        let resumed = ContinuousClock.now - answers
        #expect(resumed <= .seconds(5), "\(name): \(resumed)\n\(site.log(.calls).suffix(3000))")
        #expect(try await site.wait(upTo: .seconds(40)) { try await self.site.openProblems().isEmpty }, "\(name)")
        print(
            "nfs: \(name): seen after \(seen.wholeMilliseconds) ms as \(word ?? ""), status in "
                + "\(answered.wholeMilliseconds) ms, the client has it again \((answers - ended).wholeMilliseconds) ms after its "
                + "end, all 10 recordings of the outage committed \(resumed.wholeMilliseconds) ms later")
        let charges = try await site.replay.perform { session in
            try session.query("select what from public.charge").map { try $0.text("what") }
        }
        #expect(charges == [], "\(name)")
    }

    private func timed<Value>(_ body: () throws -> Value) rethrows -> (value: Value, took: Duration) {
        let began = ContinuousClock.now
        let value = try body()
        return (value, ContinuousClock.now - began)
    }

    func expectResumed(_ name: String) async throws {
        let probe = try await site.record("probe \(name)", [.audio])
        #expect(
            try await site.wait(upTo: .seconds(40)) { try await !self.site.digests(of: probe).isEmpty },
            "\(site.log(.calls).suffix(3000))")
    }

    func finish() async throws {
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await self.site.count(
                    "select count(*) from callrec.couples where synchronized is null", in: self.site.source)
                    == 0
            })
        let others = try await site.replay.perform { session in
            try session.query("select kind, what from takeup.problem where kind <> 'mount-unavailable'")
                .map { try $0.text("kind") + ": " + $0.text("what") }
        }
        #expect(others == [])
        #expect(kill(agent.id, 0) == 0)
        #expect(try await site.unnamedFiles() == [])
    }
}
