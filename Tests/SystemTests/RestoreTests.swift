internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// The guide to backup and restore (docs/backup-and-restore.md), step by step, with the built program.
@Suite(.serialized) struct RestoreTests {
    /// How the backup comes back.
    enum Way: String, CaseIterable {
        /// Into a new database of the same name: its number tells.
        case recreated
        /// Over the standing database: only the count of marks tells.
        case inPlace
    }

    /// When the audits are made.
    enum Order: String, CaseIterable {
        /// Before anything is started, as the guide says.
        case first
        /// By somebody who started the agents first.
        case afterStart
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: LongTests.all(
            orFirst: 2,
            of: [(Way.inPlace, Order.afterStart), (.recreated, .first), (.recreated, .afterStart), (.inPlace, .first)]))
    func `what an old backup lost is found by an audit and healed by a repair, and no mark is given before`(
        way: Way, order: Order
    ) async throws {
        let schema: CallrecSchema = (way == .recreated) == (order == .first) ? .new : .old
        let site = try await ScratchSite(
            schema, replaySchema: schema, cluster: try ScratchCluster(), notifies: false,
            synchro: "sleep_period = \"200ms\"")
        let agents = try SiteAgents(site)
        let before = try await site.record("before", [.audio, .recd])
        let removed = try await site.record("removed", [.audio])
        try await expectMarked([before, removed], site)
        try await removeOnPurpose("removed", site)

        let backup = site.directory + "/callrec.dump"
        try dump(site, to: backup)

        // Work goes on. Metadata come late; the recorder deletes what it may: files, and flags in the rows.
        let after = try await site.record("after", [.audio, .video])
        let gone = try await site.record("gone", [.audio, .recd])
        let vanished = try await site.record("vanished", [.audio])
        try await site.source.perform { session in
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, 'late', 'x')", [.integer(before.id)]
            )
        }
        try await expectMarked([after, gone, vanished], site)
        try await deleteAtRecorder([gone, vanished], site)
        for path in try await paths(of: "vanished", site) { try ChildProcess.run(["/bin/rm", path]) }
        agents.stop()

        try restore(site, from: backup, way)
        var new: SiteRecording?
        if order == .afterStart {
            try agents.start()
            new = try await expectStopped(site)
        }

        let found = try site.run(["audit", "--config", site.settingsPath])
        #expect(found.code == 1, "\(found.output)")
        #expect(found.output.contains("AUDIO of recorder1/\(after.id) is not on record; its file stands on volume"))
        #expect(found.output.contains("RECD of recorder1/\(gone.id) is not on record; its file stands on volume"))
        #expect(found.output.contains("AUDIO of recorder1/\(vanished.id) is marked and lost"))
        #expect(found.output.contains(", 1 let go by the replay's own tools"))
        // Of a database that looks like the one that it was, only the agents know.
        #expect(found.output.contains("Marking stays stopped") == (order == .afterStart || way == .recreated))
        #expect(try await site.mark(of: vanished) == "S")

        let repaired = try site.run(["audit", "--config", site.settingsPath, "--repair"])
        // What is lost for good is named, and keeps the audit from passing; marking goes on all the same.
        #expect(repaired.code == 1, "\(repaired.output)")
        #expect(repaired.output.contains("Left to be seen to: lost: 1.\n"), "\(repaired.output)")
        #expect(repaired.output.contains("4 files on volumes adopted"))
        #expect(repaired.output.contains("Marking goes on.") == (order == .afterStart || way == .recreated))
        #expect(try await site.mark(of: vanished) == nil)
        #expect(try await site.mark(of: gone) == "S")
        if order == .first {
            try agents.start()
            new = try await site.record("new", [.audio])
        }
        try await expectMarked([before, after, gone, try #require(new)], site)
        #expect(try await site.holds(before, [.audio, .recd]))
        #expect(try await site.holds(after, [.audio, .video]))
        #expect(try await site.holds(gone, [.audio, .recd]))
        #expect(try await site.digests(of: removed).isEmpty)
        let late = try await site.wait(upTo: .seconds(40)) {
            try await site.count("select count(*) from callrec.couple_extdata where key = 'late'", in: site.replay) == 1
        }
        #expect(late)
        #expect(try await site.unnamedFiles() == [])
        #expect(try site.stagedLeftovers() == [])
        let levels = try await site.replay.perform { session in
            try session.query("select level from takeup.replica where level = 'L0'").count
        }
        #expect(levels == 4)

        let again = try site.run(["audit", "--config", site.settingsPath, "--deep", "--json"])
        #expect(again.code == 0, "\(again.output)")
        #expect(again.output.contains("\"lacking\":0") && again.output.contains("\"copies\":8"), "\(again.output)")
        let told = site.log(.calls) + site.log(.screens)
        #expect(told.contains("Marking goes on at recorder1") == (order == .afterStart))
        #expect(told.contains("Marking has stopped") == (order == .afterStart))
        agents.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a copy that is gone from its volume is found, and brought again or named`() async throws {
        let site = try await ScratchSite(notifies: false, synchro: "sleep_period = \"200ms\"")
        let agents = try SiteAgents(site)
        let one = try await site.record("one", [.audio])
        let two = try await site.record("two", [.audio])
        let three = try await site.record("three", [.recd])
        try await expectMarked([one, two, three], site)
        for name in ["one", "two"] {
            for path in try await paths(of: name, site) { try ChildProcess.run(["/bin/rm", path]) }
        }
        // As many bytes, and others: only a deep audit can see it.
        for path in try await paths(of: "three", site) {
            try writeSample([UInt8](repeating: 65, count: try readSample(path).count), to: path)
        }
        try await deleteAtRecorder([two], site)
        let shallow = try site.run(["audit", "--config", site.settingsPath])
        #expect(shallow.code == 1)
        #expect(shallow.output.contains("copy-missing: 1, lost: 1.") && !shallow.output.contains("copy-changed"))
        #expect(shallow.output.contains("recorder1/\(one.id) has it: a repair brings it again."))
        let repaired = try site.run(["audit", "--config", site.settingsPath, "--repair", "--deep"])
        #expect(repaired.code == 1)
        #expect(repaired.output.contains("recorder1/\(three.id) has it, and it is copied again."), "\(repaired.output)")
        #expect(repaired.output.contains("Left to be seen to: lost: 1."), "\(repaired.output)")
        #expect(repaired.output.contains("AUDIO of recorder1/\(two.id) is marked and lost"), "\(repaired.output)")
        let isHealed = try await site.wait(upTo: .seconds(40)) {
            guard try await site.holds(one, [.audio]), try await site.holds(three, [.recd]) else { return false }
            let marks = [try await site.mark(of: one), try await site.mark(of: two), try await site.mark(of: three)]
            return marks == ["S", nil, "S"]
        }
        #expect(isHealed, "\(site.log(.calls))\n\(site.log(.screens))")
        agents.stop()
    }

    @Test func `an audit says what it cannot do`() async throws {
        let site = try await ScratchSite()
        #expect(try site.run(["audit", "--config", site.directory + "/none.toml"]).code == 78)
        let other = try site.run(["audit", "--config", site.settingsPath, "--source", "nobody"])
        #expect(other.code == 64 && other.output.contains("recorder1"))
        #expect(try site.run(["audit", "--config", site.settingsPath, "--since", "yesterday"]).code == 64)
        let empty = try site.run(["audit", "--config", site.settingsPath])
        #expect(empty.code == 0 && empty.output.contains("The audit has passed."), "\(empty.output)")
    }

    // MARK: Steps

    /// Copies go on, and marks do not.
    private func expectStopped(_ site: ScratchSite) async throws -> SiteRecording {
        let isStopped = try await site.wait(upTo: .seconds(30)) {
            try site.run(["status", "--config", site.settingsPath]).output.contains("Marking is stopped")
        }
        #expect(isStopped, "\(site.log(.calls))")
        #expect(site.log(.calls).contains("Marking has stopped") || site.log(.screens).contains("Marking has stopped"))
        let new = try await site.record("new", [.audio])
        #expect(try await site.wait(upTo: .seconds(30)) { try await site.holds(new, [.audio]) })
        try await Task.sleep(for: .seconds(2))
        #expect(try await site.mark(of: new) == nil)
        return new
    }

    private func expectMarked(_ recordings: [SiteRecording], _ site: ScratchSite) async throws {
        let isDone = try await site.wait(upTo: .seconds(60)) {
            for recording in recordings where try await site.mark(of: recording) == nil { return false }
            return true
        }
        try #require(isDone, "\(site.log(.calls))\n\(site.log(.screens))")
    }

    /// As retention does at the replay, where the tombstones' trigger is installed: the rows and then the files.
    private func removeOnPurpose(_ name: String, _ site: ScratchSite) async throws {
        let script = try ScratchSite.repositoryFile("units/sql/replay-tombstones.sql")
        let files = try await paths(of: name, site)
        try await site.replay.perform { session in
            try session.script(script)
            try session.execute("delete from callrec.couples where sid = $1", [.text(name)])
        }
        for path in files { try ChildProcess.run(["/bin/rm", path]) }
    }

    private func deleteAtRecorder(_ recordings: [SiteRecording], _ site: ScratchSite) async throws {
        for recording in recordings {
            for file in recording.files.values {
                try ChildProcess.run(["/bin/rm", site.recorder.mountPrefix + file.path.displayText])
            }
            try await site.source.perform { session in
                try session.execute("update callrec.couples set deleted = 'D' where id = $1", [.integer(recording.id)])
            }
        }
    }

    private func paths(of name: String, _ site: ScratchSite) async throws -> [String] {
        try await site.replay.perform { session in
            try session.query(
                "select f.cfpath from callrec.couples c join callrec.cfiles f on f.cplid = c.id where c.sid = $1",
                [.text(name)]
            ).map { try $0.text("cfpath") }
        }
    }

    private func dump(_ site: ScratchSite, to path: String) throws {
        let database = site.replayDatabase
        try database.cluster.run("pg_dump", ["-Fc", "-d", database.name, "-f", path])
    }

    private func restore(_ site: ScratchSite, from path: String, _ way: Way) throws {
        let (cluster, name) = (site.replayDatabase.cluster, site.replayDatabase.name)
        switch way {
        case .recreated:
            try cluster.run("dropdb", ["--force", name])
            try cluster.run("createdb", [name])
        case .inPlace:
            try cluster.run("psql", ["-q", "-d", name, "-c", "drop schema callrec, takeup cascade"])
        }
        try cluster.run("pg_restore", ["-d", name, path])
    }
}
