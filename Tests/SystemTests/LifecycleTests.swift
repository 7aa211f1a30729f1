internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// What the replay's own tools do to recordings, with the built program.
@Suite(.serialized) struct LifecycleTests {
    @Test(
        .timeLimit(.minutes(5)),
        arguments: LongTests.all(orFirstOf: [(CallrecSchema.new, CallrecSchema.new), (.old, .old)]))
    func `what the replay's tools did stands, until it is brought back on purpose`(
        source: CallrecSchema, replay: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(source, replaySchema: replay)
        let script = try ScratchSite.repositoryFile("units/sql/replay-tombstones.sql")
        for _ in 1...2 { try await site.replay.perform { session in try session.script(script) } }
        let crew = Crew(site)
        try await crew.startServing()
        let truths = try await site.recorder.record { options in
            (options.count, options.screens, options.encrypted) = (5, 100, 0)
        }
        let pairs = truths.filter(\.isPair).count
        let isDone = try await site.wait(upTo: .seconds(90)) {
            let marked = try await site.markedCount()
            return try await site.muxedCount() == pairs && marked == 5
        }
        #expect(isDone, "\(site.allLogs())")
        let sids = try truths.map { try #require($0.sid) }
        let scene = LifecycleScene(site: site, sids: sids)
        try await scene.takeAway()
        try await scene.openAtSource()
        let isTold = try await site.wait(upTo: .seconds(60)) {
            let marked = try await site.markedCount()
            return try await site.openProblems().map(\.kind) == ["removed-at-replay"] && marked == 4
        }
        let states = try await scene.states()
        #expect(isTold, "\(states) \(site.allLogs())")
        try await Task.sleep(for: .seconds(3))
        try await scene.expectNothingBack()

        let unknown = try site.run(["restore", "--config", site.settingsPath, "nobody knows it"])
        #expect(unknown.code == 1)
        #expect(unknown.output == "Source recorder1 does not have it.\nNo source has it: nothing was changed.\n")
        for sid in sids {
            let outcome = try site.run(["restore", "--config", site.settingsPath, sid])
            #expect(outcome.code == 0, "\(outcome.output)")
            #expect(!outcome.output.contains(sid))
        }
        let isBack = try await site.wait(upTo: .seconds(90)) {
            let marked = try await site.markedCount()
            // A file that is not there yet can't be read.
            let found = try? await site.defects(of: truths)
            return marked == 5 && found?.isEmpty == true
        }
        let found = try? await site.defects(of: truths)
        let defects = found ?? ["a file is not there"]
        let after = try await scene.states()
        #expect(isBack, "\(defects) \(after) \(site.allLogs())")
        try await scene.expectRestored()
        await crew.stop()
    }
}

private struct LifecycleScene {
    let site: ScratchSite
    let sids: [String]

    /// One deleted with a tombstone, one marked deleted with its files gone, one whose sound was removed, one deleted
    /// without a tombstone, and one left alone.
    func takeAway() async throws {
        let sids = sids
        let files = try await site.replay.transaction { session in
            let files = try session.query(
                """
                select f.cfpath from callrec.cfiles f join callrec.couples c on c.id = f.cplid where c.sid = $1
                """, [.text(sids[1])]
            ).map { try $0.text("cfpath") }
            try session.execute("delete from callrec.couples where sid = $1", [.text(sids[0])])
            try session.execute("update callrec.couples set deleted = 'D' where sid = $1", [.text(sids[1])])
            try session.execute(
                """
                delete from callrec.cfiles where cftype = 'AUDIO'
                    and cplid = (select id from callrec.couples where sid = $1)
                """, [.text(sids[2])])
            try session.execute("alter table callrec.couples disable trigger takeup_tombstone")
            try session.execute("delete from callrec.couples where sid = $1", [.text(sids[3])])
            try session.execute("alter table callrec.couples enable trigger takeup_tombstone")
            return files
        }
        for file in files { unlink(file) }
    }

    /// An operator takes all marks away at the recorder: everything is looked at again.
    func openAtSource() async throws {
        try await site.replay.perform { session in
            // A mark that was set this very minute is trusted for a while.
            try session.execute("update takeup.sighting set marked_at = marked_at - interval '1 hour'")
        }
        try await site.source.perform { session in
            try session.execute("update callrec.couples set synchronized = null")
        }
    }

    func expectNothingBack() async throws {
        let sids = sids
        let (rows, sound) = try await site.replay.perform { session in
            (
                try session.query("select sid from callrec.couples").map { try $0.text("sid") },
                try session.query(
                    """
                    select f.id from callrec.cfiles f join callrec.couples c on c.id = f.cplid
                    where c.sid = $1 and f.cftype = 'AUDIO'
                    """, [.text(sids[2])]
                ).count
            )
        }
        #expect(Set(rows) == Set([sids[1], sids[2], sids[4]]))
        #expect(sound == 0)
        let open = try await site.source.perform { session in
            try session.query("select sid from callrec.couples where synchronized is null").map { try $0.text("sid") }
        }
        #expect(open == [sids[3]])
    }

    func expectRestored() async throws {
        let sids = sids
        let restored = try await site.replay.perform { session in
            try session.query("select sid from callrec.couples where restored = 'R'").map { try $0.text("sid") }
        }
        #expect(restored == [sids[1]])
        #expect(try await site.count("select count(*) from takeup.restoration", in: site.replay) == 0)
        let isQuiet = try await site.wait(upTo: .seconds(30)) { try await site.openProblems().isEmpty }
        #expect(isQuiet, "\(site.allLogs())")
        // What is whole is not brought again.
        let again = try site.run(["restore", "--config", site.settingsPath, sids[4]])
        #expect(again.output == "The replay has this recording with all that was brought of it.\n")
    }

    func states() async throws -> [String] {
        try await site.replay.perform { session in
            try session.query("select source_id, state, mark, why, reopened from takeup.sighting order by 1").map {
                row in
                let words = try ["state", "mark", "why", "reopened"].map { try row.optionalText($0) ?? "-" }
                return "\(try row.integer("source_id")): " + words.joined(separator: ", ")
            }
        }
    }
}
