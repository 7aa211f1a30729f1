internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Sources that are not what their settings say, with the built program.
@Suite(.serialized) struct SharedDatabaseTests {
    enum Way: String, CaseIterable, Sendable {
        /// Over TCP as another user, where the replay is reached by a socket.
        case address
        /// A program in between, as a pooler or a forwarded port is.
        case proxy
        /// Another name for the socket's directory, which is not there when the agent starts.
        case late
    }

    @Test(.timeLimit(.minutes(3)), arguments: Way.allCases)
    func `a source that is the replay's own database is refused, however and whenever it is reached`(
        way: Way
    ) async throws {
        let address = "127.0.\(UInt8.random(in: 1...250)).\(UInt8.random(in: 2...250))"
        let cluster = try ScratchCluster(settings: ["listen_addresses=\(address)"])
        let site = try await ScratchSite(.new, cluster: cluster)
        let proxy = try DroppingProxy(to: cluster)
        defer { proxy.stop() }
        let link = site.directory + "/socket"
        let twin =
            switch way {
            case .address: "host=\(address) dbname=\(site.replayDatabase.name) user=other"
            case .proxy: proxy.settings(for: site.replayDatabase).connectionString
            case .late: "host=\(link) dbname=\(site.replayDatabase.name) user=postgres"
            }
        try await site.replay.perform { session in try session.script("create role other superuser login") }
        try site.rewriteSettings { $0.replacing(site.recorder.database.connectionString, with: twin) }
        // What would be collected if it were a recorder's.
        let now = try await site.replay.perform { session in
            try session.first("select (extract(epoch from localtimestamp) * 1000000)::bigint as now")?.integer("now")
        }
        let sample = RecordingSample("own", stop: WallTime(microseconds: try #require(now))).media(
            MediaSample(.audio, FilePath(site.recorder.layout.callsRoot + "/20260101/own.mp3")))
        try await CatalogBuilder(site.replay).add(sample)
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        if way == .late {
            let isAway = try await site.wait(upTo: .seconds(40)) { site.log(.calls).contains("cannot be reached") }
            #expect(isAway, "\(site.log(.calls))")
            symlink(cluster.directory, link)
        }
        let isTold = try await site.wait(upTo: .seconds(40)) {
            (try? await site.openProblems().map(\.kind)) == ["same-database"]
        }
        #expect(isTold, "\(site.log(.calls))")
        #expect(try await site.openProblems().first?.what.contains("is the replay's own") == true)
        try await Task.sleep(for: .seconds(3))
        #expect(site.log(.calls).ranges(of: "Nothing is collected from \(ScratchSite.sourceName)").count == 1)
        #expect(kill(agent.id, 0) == 0)
        let sightings = try await site.count("select count(*) from takeup.sighting", in: site.replay)
        let marks = try await site.count(
            "select count(*) from callrec.couples where synchronized is not null", in: site.replay)
        #expect((sightings, marks) == (0, 0))
        #expect(try site.run(["check", "--config", site.settingsPath]).output.contains("the replay's own database"))
    }

    @Test(.timeLimit(.minutes(3)))
    func `two sources that are one database are refused, and go on when the settings are corrected`() async throws {
        let other = "/tmp/takeup-twin-\(UInt64.random(in: 0 ... .max))"
        try ChildProcess.run(["/bin/mkdir", "-p", other + "/calls"])
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", other]) }
        let site = try await ScratchSite(.old, notifies: false)
        symlink(site.recorder.database.cluster.directory, other + "/socket")
        let correct = try site.settingsText()
        try site.rewriteSettings { text in
            text + """

                [[sources]]
                name = "recorder2"
                database = "host=\(other)/socket dbname=\(site.recorder.database.name) user=postgres"
                mount_path = "\(other)"
                mounts = [{ path = "\(other)/calls", mount_point = false }]
                time_zone = "UTC"
                """
        }
        let truths = try await site.recorder.record { $0.count = 2 }
        let program = try ScratchSite.builtProgram()
        let twin = try ChildProcess(
            [program, "agent", "--config", site.settingsPath, "--mount", other + "/calls"],
            outputPath: site.directory + "/twin.log")
        let isSeen = try await site.wait(upTo: .seconds(40)) {
            (try? await site.count("select count(*) from takeup.source_database", in: site.replay)) == 1
        }
        #expect(isSeen)
        twin.send(SIGSTOP)
        let agent = try site.start(.calls)
        let isTold = try await site.wait(upTo: .seconds(30)) {
            try await site.openProblems().map(\.kind).contains("same-database")
        }
        #expect(isTold, "\(site.log(.calls))")
        #expect(site.log(.calls).contains("is that of source recorder2, reached in another way"))
        #expect(try site.run(["check", "--config", site.settingsPath]).output.contains("the database of source"))
        #expect(try await site.markedCount() == 0)
        for process in [twin, agent] {
            process.send(SIGCONT)
            process.send(SIGTERM)
            process.wait()
        }
        try site.rewriteSettings { _ in correct }
        // What the other one planned meanwhile is for nobody any more.
        let crew = try ScratchSite.Role.allCases.map { try site.start($0) }
        defer {
            for process in crew {
                process.send(SIGTERM)
                process.wait()
            }
        }
        let isDone = try await site.wait(upTo: .seconds(60)) {
            guard try await site.markedCount() == truths.count else { return false }
            return try await site.openProblems().allSatisfy { $0.kind != "same-database" }
        }
        let open = try await site.openProblems().map(\.what)
        #expect(isDone, "\(site.allLogs()) \(open)")
    }
}
