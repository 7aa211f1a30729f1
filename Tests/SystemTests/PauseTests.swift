internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// A source at rest, with the built program.
@Suite(.serialized) struct PauseTests {
    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: [CallrecSchema.new, .old]))
    func `a paused source is left alone, over restarts too, until it is resumed`(schema: CallrecSchema) async throws {
        let site = try await ScratchSite(schema, replaySchema: schema, notifies: schema == .new)
        let crew = Crew(site)
        try await crew.startServing()
        try await bring(3, to: site, asTotal: 3)

        let refused = try site.run(["pause", "--config", site.settingsPath, "--source", "nobody"])
        #expect(refused.code == 64)
        #expect(refused.output == "There is no source nobody. The settings have: recorder1.\n")
        let before = ContinuousClock.now
        #expect(
            try pause(site, "--reason", "the recorder moves") == "Source recorder1 is paused now: the recorder moves\n")
        let areTold = try await site.wait(upTo: .seconds(40)) { isPauseTold(site, times: 1) }
        #expect(areTold, "after \(ContinuousClock.now - before): \(site.allLogs())")
        #expect(try pause(site).hasPrefix("Source recorder1 is paused since "))

        let retried = try site.run(["retry", "--config", site.settingsPath, "--all"])
        #expect(retried.output.contains("Source recorder1 is paused: nothing is tried there before `takeup resume"))
        try await expectRest(of: site, bringing: 2)
        #expect(isPauseTold(site, times: 1))
        await crew.stop()
        try await crew.startServing()
        let areToldAgain = try await site.wait(upTo: .seconds(40)) { isPauseTold(site, times: 2) }
        #expect(areToldAgain, "\(site.allLogs())")
        try await expectRest(of: site, bringing: 1)
        try expectShown(on: site)

        let resumed = try site.run(["resume", "--config", site.settingsPath, "--all"])
        #expect(resumed.code == 0 && resumed.output == "Source recorder1 goes on.\n")
        let isDone = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == 6 }
        #expect(isDone, "\(site.allLogs())")
        #expect(site.log(.calls).contains("Source recorder1 goes on; it was paused since"))
        let again = try site.run(["resume", "--config", site.settingsPath, "--source", "recorder1"])
        #expect(again.code == 0 && again.output == "Source recorder1 was not paused.\n")
        #expect(try await site.openProblems().map(\.what) == [])
        await crew.stop()
    }

    private func pause(_ site: ScratchSite, _ more: String...) throws -> String {
        let outcome = try site.run(["pause", "--config", site.settingsPath, "--source", "recorder1"] + more)
        #expect(outcome.code == 0)
        return outcome.output
    }

    private func isPauseTold(_ site: ScratchSite, times: Int) -> Bool {
        [ScratchSite.Role.calls, .screens].allSatisfy { role in
            site.log(role).split(separator: "\n").filter { $0.contains("Source recorder1 is paused since") }.count
                == times
        }
    }

    private func bring(_ count: Int, to site: ScratchSite, asTotal total: Int) async throws {
        try await record(count, at: site)
        let isDone = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == total }
        #expect(isDone, "\(site.allLogs())")
    }

    private func record(_ count: Int, at site: ScratchSite) async throws {
        _ = try await site.recorder.record { options in
            (options.count, options.encrypted) = (count, 0)
            options.seed = UInt64.random(in: 0...1_000_000)
        }
    }

    /// New recordings stay where they are, and no session of ours runs a statement at the recorder.
    private func expectRest(of site: ScratchSite, bringing count: Int) async throws {
        // Whatever had begun has ended by then.
        try await Task.sleep(for: .seconds(2))
        let marked = try await site.markedCount()
        let copies = try await site.count("select count(*) from takeup.replica", in: site.replay)
        let since = try await site.source.perform { session in
            try session.first("select clock_timestamp()::text as now")?.text("now")
        }
        try await record(count, at: site)
        try await Task.sleep(for: .seconds(4))
        let asked = try await site.source.perform { session in
            try session.query(
                """
                select query from pg_stat_activity where datname = current_database()
                    and application_name = 'takeup agent' and query_start > $1::timestamptz
                """, [.text(try #require(since))]
            ).map { try $0.text("query") }
        }
        // The listening connection proves that it is still there.
        #expect(asked.filter { $0 != "select 1" } == [])
        #expect(try await site.markedCount() == marked)
        #expect(try await site.count("select count(*) from takeup.replica", in: site.replay) == copies)
    }

    private func expectShown(on site: ScratchSite) throws {
        let page = try site.run(["status", "--config", site.settingsPath])
        #expect(page.output.contains("Source recorder1 is paused since 20"))
        #expect(page.output.contains("the recorder moves"))
        let json = try site.run(["status", "--config", site.settingsPath, "--json"])
        #expect(json.output.contains(#""pause_reason": "the recorder moves""#))
    }
}
