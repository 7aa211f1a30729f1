internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// The unit that ships, with its sandbox and its user, under a systemd of the test's own, beside a mount unit.
@Suite(.serialized, .enabled(if: PrivateSystemd.isPossible, "only root may start a systemd of its own"))
struct UnitMountTests {
    @Test(.timeLimit(.minutes(3)))
    func `an agent outlives its mount unit, sees each mount that comes later, and is never restarted`() async throws {
        let scene = try await UnitScene()
        // The mount unit that it wants fails: the agent starts all the same, and says it.
        try scene.hideRecorder()
        try scene.systemd.run("systemctl start '\(scene.agentUnit)'")
        #expect(try scene.state() == "active")
        #expect(try scene.systemd.run("systemctl is-active '\(scene.mountUnit)' || true") == "failed\n")
        #expect(
            try await scene.site.wait(upTo: .seconds(30)) {
                try scene.journal().contains("is away: nothing is mounted there")
            })
        let process = try scene.mainProcess()
        try scene.showRecorder()
        let first = try await scene.expectResumed { try scene.systemd.run("systemctl start '\(scene.mountUnit)'") }
        // Stopped and started while the agent runs.
        let began = ContinuousClock.now
        try scene.systemd.run("systemctl stop '\(scene.mountUnit)'")
        let isTold = try await scene.site.wait(upTo: .seconds(30)) {
            try await scene.site.openProblems().map(\.kind) == ["mount-unavailable"]
        }
        let seen = ContinuousClock.now - began
        #expect(isTold && seen.isWithin(bar: .seconds(1)), "\(seen)")
        #expect(try scene.state() == "active")
        let second = try await scene.expectResumed { try scene.systemd.run("systemctl start '\(scene.mountUnit)'") }
        #expect(try scene.mainProcess() == process)
        #expect(try scene.systemd.run("systemctl show -P NRestarts '\(scene.agentUnit)'") == "0\n")
        let sandbox = try scene.systemd.run(
            "systemctl show -P PrivateMounts -P ProtectSystem -P User '\(scene.agentUnit)'")
        #expect(sandbox.contains("yes") && sandbox.contains("strict") && sandbox.contains("takeup"), "\(sandbox)")
        try scene.systemd.run("systemctl stop '\(scene.agentUnit)'")
        #expect(try scene.systemd.run("systemctl show -P Result '\(scene.agentUnit)'") == "success\n")
        print(
            "mount unit: resumed \(first.wholeMilliseconds) ms after its late start, its stop seen after "
                + "\(seen.wholeMilliseconds) ms, resumed \(second.wholeMilliseconds) ms after its start")
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: hasAutomounter, "the kernel has no automounter"))
    func `an automounter whose mount fails is not worn out, and mounts when it can`() async throws {
        let scene = try await UnitScene(isAutomounted: true)
        let probe = try await scene.record()
        try scene.hideRecorder()
        try scene.systemd.run("systemctl start '\(scene.automountUnit)' '\(scene.agentUnit)'")
        #expect(try await scene.site.wait(upTo: .seconds(30)) { try scene.journal().contains("is away: ") })
        // systemd's gives up after five failures in 10 seconds.
        try await Task.sleep(for: .seconds(12))
        let state = try scene.systemd.run("systemctl is-active '\(scene.automountUnit)' || true")
        let told = try scene.journal()
        #expect(state == "active\n", "\(told)")
        let resumed = try await scene.expectResumed(with: probe) { try scene.showRecorder() }
        print("automounter: resumed \(resumed.wholeMilliseconds) ms after its mount was possible")
        try scene.systemd.run("systemctl stop '\(scene.agentUnit)'")
    }

    private static var hasAutomounter: Bool {
        (try? ChildProcess.run(["/bin/grep", "-qw", "autofs", "/proc/filesystems"])) != nil
    }
}

private final class UnitScene: Sendable {
    let site: ScratchSite
    let systemd: PrivateSystemd
    let agentUnit: String
    let mountUnit: String
    var automountUnit: String { mountUnit.replacing(".mount", with: ".automount") }

    init(isAutomounted: Bool = false) async throws {
        let site = try await ScratchSite(isMounted: true)
        self.site = site
        // /tmp is the unit's own: all that lies there is seen elsewhere.
        var places = [(site.directory, "/srv/site"), (site.recorder.mountPrefix, "/srv/recorder")]
        for text in try site.settingsText().split(whereSeparator: { $0 == " " || $0 == "\"" || $0 == "\n" })
        where text.hasPrefix("host=") {
            let host = String(text.dropFirst(5))
            if !places.contains(where: { $0.0 == host }) { places.append((host, "/srv/database\(places.count)")) }
        }
        for (place, _) in places { try ChildProcess.run(["/bin/chmod", "a+x", place]) }
        try ChildProcess.run(["/bin/chmod", "-R", "a+rX", site.recorder.mountPrefix, site.settingsPath])
        let binary = FilePath(try ScratchSite.builtProgram())
        places.append((binary.parent.displayText, "/srv/bin"))
        let binds = places
        try site.rewriteSettings { text in
            var text = binds.reduce(text) { $0.replacing($1.0, with: $1.1) }
            text.replace("state_directory = \"/srv/site/state\"", with: "state_directory = \"/var/lib/takeup\"")
            return text
        }
        try ChildProcess.run(["/bin/chmod", "a+r", site.settingsPath])
        let mount = site.callsMount.replacing(site.directory, with: "/srv/site")
        let name = try ChildProcess.run(["/usr/bin/systemd-escape", "-p", mount]).filter { $0 != "\n" }
        agentUnit = "takeup@\(name).service"
        mountUnit = "\(name).mount"
        let automounter = ["\(name).automount": "[Automount]\nWhere=\(mount)\n"]
        systemd = try await PrivateSystemd(
            units: [
                "takeup@.service": try ScratchSite.repositoryFile("units/takeup@.service"),
                "takeup@.service.d/site.conf": """
                [Service]
                ExecStart=
                ExecStart=/srv/bin/takeup agent --config /srv/site/takeup.toml --mount %f
                ReadWritePaths=/srv/site/volumes
                """,
                "\(name).mount": """
                [Mount]
                What=/srv/recorder\(site.recorder.layout.callsRoot)
                Where=\(mount)
                Type=none
                Options=bind
                """,
            ].merging(isAutomounted ? automounter : [:]) { one, _ in one }, binds: binds,
            users: FilePath(#filePath).parent.parent.parent.appending("units/takeup.sysusers").displayText)
        try systemd.run("chown -R takeup: /srv/site/volumes")
    }

    private var recorderRoot: String { site.recorder.mountPrefix + site.recorder.layout.callsRoot }
    /// systemd makes the directory that a bind mount lacks, but cannot mount a file on one.
    func hideRecorder() throws {
        try ChildProcess.run(["/bin/mv", recorderRoot, recorderRoot + ".away"])
        try ChildProcess.run(["/bin/touch", recorderRoot])
    }
    func showRecorder() throws {
        try ChildProcess.run(["/bin/rm", recorderRoot])
        try ChildProcess.run(["/bin/mv", recorderRoot + ".away", recorderRoot])
    }

    func state() throws -> String {
        try systemd.run("systemctl is-active '\(agentUnit)' || true").filter { $0 != "\n" }
    }
    func mainProcess() throws -> String { try systemd.run("systemctl show -P MainPID '\(agentUnit)'") }
    func journal() throws -> String { try systemd.run("journalctl -o cat --no-pager -u '\(agentUnit)'") }

    func record() async throws -> SiteRecording {
        let one = try await site.record("probe-\(UInt32.random(in: 0 ... .max))", [.audio])
        try ChildProcess.run(["/bin/chmod", "-R", "a+rX", site.recorder.mountPrefix])
        return one
    }

    /// A recording whose file is there is committed within 5 s of the mount's start, and no problem is left.
    /// - Parameter probe: recorded before; one is recorded now where there is none.
    func expectResumed(with probe: SiteRecording? = nil, after start: () throws -> Void) async throws -> Duration {
        let made = if let probe { probe } else { try await record() }
        let began = ContinuousClock.now
        try start()
        let came = try await site.wait(upTo: .seconds(40)) { try await !self.site.digests(of: made).isEmpty }
        let resumed = ContinuousClock.now - began
        #expect(came && resumed.isWithin(bar: .seconds(5)), "\(resumed)\n\((try? journal())?.suffix(3000) ?? "")")
        #expect(try await site.wait(upTo: .seconds(40)) { try await self.site.openProblems().isEmpty })
        return resumed
    }
}
