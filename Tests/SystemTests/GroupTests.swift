internal import Glibc
internal import Support
internal import Testing
internal import Vocabulary

/// Sources that share a group with others that are in a bad way.
@Suite(.serialized) struct GroupTests {
    @Test(.timeLimit(.minutes(3)))
    func `a dead and a mute source of the same group delay no recording for long`() async throws {
        let site = try await ScratchSite(.old, notifies: false)
        let home = site.directory + "/others"
        try ChildProcess.run(["/bin/mkdir", "-p", home + "/dead/calls", home + "/mute/calls", home + "/socket"])
        let mute = try muteServer(at: home + "/socket/.s.PGSQL.5432")
        defer { close(mute) }
        try site.rewriteSettings { text in
            text.replacing("time_zone = \"UTC\"", with: "time_zone = \"UTC\"\ngroup = \"north\"")
                + ["dead", "mute"].map { name in
                    """

                    [[sources]]
                    name = "\(name)"
                    group = "north"
                    database = "host=\(home)/\(name == "mute" ? "socket" : "nowhere") dbname=callrec user=postgres"
                    mount_path = "\(home)/\(name)"
                    mounts = [{ path = "\(home)/\(name)/calls", mount_point = false }]
                    time_zone = "UTC"

                    """
                }.joined()
        }
        let program = try ScratchSite.builtProgram()
        var agents = try ["dead", "mute"].map { name in
            try ChildProcess(
                [program, "agent", "--config", site.settingsPath, "--mount", "\(home)/\(name)/calls"],
                outputPath: "\(site.directory)/\(name).log")
        }
        defer { SwitchScene.stop(agents) }
        for name in ["dead", "mute"] {
            let isAway = try await site.wait(upTo: .seconds(30)) {
                String(decoding: (try? readSample("\(site.directory)/\(name).log")) ?? [], as: UTF8.self)
                    .contains("The database of \(name) cannot be reached")
            }
            #expect(isAway, "\(name)")
        }
        agents += try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        let truths = try await site.recorder.record { options in
            options.count = 5
            options.encrypted = 0
        }
        let isDone = try await site.wait(upTo: .seconds(40)) { try await site.markedCount() == truths.count }
        #expect(isDone, "\(site.log(.calls))\n\(site.log(.screens))")
    }

    /// A socket that takes connections and never says anything.
    private func muteServer(at path: String) throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(descriptor, 64) == 0)
        return descriptor
    }
}
