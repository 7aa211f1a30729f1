internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Recordings that deletion at the recorder would lose, with the built program.
@Suite(.serialized) struct RiskTests {
    private static let fast = "sleep_period = \"200ms\"\nfollow_period = \"500ms\""

    /// None before the first agent has made the ledger.
    private func kinds(of site: ScratchSite) async throws -> Set<String> {
        let made = try await site.count(
            "select count(*) from pg_class where oid = to_regclass('takeup.risk')", in: site.replay)
        return made == 0 ? [] : Set(try await site.openProblems().map(\.kind))
    }

    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `what nobody looks for and what comes near its deletion is told of until it is not so`(
        schema: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(
            schema, notifies: false, synchro: RiskTests.fast,
            sourceSettings:
                "interval = \"floatend=1 minutes days=10\"\ndeletion_age = \"30d\"\ndeletion_margin = \"10d\"")
        // Older than ten days: out of the interval. Older than twenty: near the deletion.
        let old = try await site.record("old", [.audio], age: .seconds(15 * 86_400))
        let near = try await site.record("near", [.audio], age: .seconds(25 * 86_400))
        try await site.record("marked", [], mark: .synchronized, age: .seconds(28 * 86_400))
        try await site.record("going", [.audio], age: .seconds(28 * 86_400)) { $0.column("deleted", "D") }
        let agents = try SiteAgents(site)
        let isTold = try await site.wait(upTo: .seconds(60)) {
            try await kinds(of: site) == ["unmarked-older", "deletion-near"]
        }
        #expect(isTold, "\(site.log(.calls))")
        let texts = try await site.openProblems().map(\.what)
        #expect(texts.contains { $0.contains("2 unmarked recordings that ended before its interval") }, "\(texts)")
        #expect(texts.contains { $0.contains("1 unmarked recordings near their deletion at 30 days") }, "\(texts)")
        let log = site.log(.calls) + site.log(.screens)
        #expect(log.contains("2 unmarked recordings of recorder1 are older than its interval"))
        let status = try site.run(["status", "--config", site.settingsPath, "--json"])
        #expect(status.output.contains("\"unmarked_older\": 2"), "\(status.output)")
        #expect(status.output.contains("\"deletion_near\": 1"))
        let page = try site.run(["status", "--config", site.settingsPath])
        #expect(page.output.contains("1 near their deletion; 2 unmarked and older than the interval"), "\(page.output)")
        #expect(try await site.comesToRest())
        for recording in [near, old] {
            try await site.source.perform { session in
                try session.execute(
                    "update callrec.couples set synchronized = 'S' where id = $1", [.integer(recording.id)])
            }
        }
        let isOver = try await site.wait(upTo: .seconds(30)) { try await kinds(of: site).isEmpty }
        #expect(isOver)
        let after = try site.run(["status", "--config", site.settingsPath, "--json"])
        #expect(after.output.contains("\"unmarked_older\": 0"))
        agents.stop()
    }

    @Test(
        .timeLimit(.minutes(4)),
        arguments: [
            ("synchronize = { recd = false }", CallrecSchema.old), ("only_mixed = true", .new),
            ("copy_files = false", .new),
        ])
    func `bytes that the switches leave are marked only where that is allowed, and are told of then`(
        switches: String, schema: CallrecSchema
    ) async throws {
        for isAllowed in [false, true] {
            let site = try await ScratchSite(
                schema, notifies: false, synchro: RiskTests.fast,
                sourceSettings: switches + (isAllowed ? "\nallow_mark_without_copy = true" : ""))
            let agents = try SiteAgents(site)
            let left = try await site.record("left", switches.hasPrefix("only") ? [.recd] : [.audio, .recd])
            let whole = try await site.record("whole", [.audio])
            let takesWhole = !switches.hasPrefix("copy")
            let isBrought = try await site.wait(upTo: .seconds(60)) {
                if takesWhole || isAllowed {
                    guard try await site.mark(of: whole) != nil else { return false }
                }
                if isAllowed {
                    guard try await site.mark(of: left) != nil else { return false }
                }
                return try await site.count("select count(*) from callrec.couples", in: site.replay) == 2
            }
            #expect(isBrought, "\(switches) \(isAllowed)\n\(site.log(.calls))\n\(site.log(.screens))")
            try await Task.sleep(for: .seconds(2))
            #expect(try await (site.mark(of: left) != nil) == isAllowed)
            #expect(try await (site.mark(of: whole) != nil) == (isAllowed || takesWhole))
            let isTold = try await site.wait(upTo: .seconds(40)) {
                let problem = try await site.openProblems().first { $0.kind == "marked-not-held" }
                return (problem?.what.contains("RECD of 1") ?? false) == isAllowed
            }
            #expect(isTold, "\(switches) \(isAllowed)")
            agents.stop()
        }
    }
}
