internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// `synchronized_already_synchronized`, with the built program.
@Suite(.serialized) struct AlreadyMarkedTests {
    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: [CallrecSchema.old, .new]))
    func `what others marked is brought where that is wanted, and then no statement changes a row`(
        schema: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(schema, replaySchema: schema)
        let truths = try await site.recorder.record { options in
            (options.count, options.screens, options.encrypted) = (4, 0, 0)
        }
        let ids = try truths.map { try #require($0.id) }
        try await site.source.perform { session in
            for (id, mark) in zip(ids, ["S", "N", "E", "F"]) {
                try session.execute(
                    "update callrec.couples set synchronized = $2 where id = $1", [.integer(id), .text(mark)])
            }
        }
        let crew = Crew(site)
        try await crew.startServing()
        try await Task.sleep(for: .seconds(3))
        #expect(try await site.count("select count(*) from callrec.couples", in: site.replay) == 0)
        await crew.stop()

        let settings = String(decoding: try readSample(site.settingsPath), as: UTF8.self)
            .split(separator: "interval = ", maxSplits: 1)
        try writeSample(
            Array("\(settings[0])synchronized_already_synchronized = true\ninterval = \(settings[1])".utf8),
            to: site.settingsPath)
        try await crew.startServing()
        let isDone = try await site.wait(upTo: .seconds(60)) {
            let isWhole = try await site.defects(of: truths).isEmpty
            let open = try await site.count(
                "select count(*) from takeup.sighting where state <> 'marked'", in: site.replay)
            let seen = try await site.count("select count(*) from takeup.sighting", in: site.replay)
            return isWhole && open == 0 && seen == 4
        }
        #expect(isDone, "\(site.allLogs())")
        let marks = try await site.source.perform { session in
            try ids.map { id in
                try session.first("select synchronized from callrec.couples where id = $1", [.integer(id)])?
                    .text("synchronized")
            }
        }
        // A mark that licenses deletion already stays; what was given up gets the true one.
        #expect(marks == ["S", "N", "S", "S"])
        let before = try await versions(at: site)
        try await Task.sleep(for: .seconds(5))
        #expect(try await versions(at: site) == before)
        // A late fact of one whose mark is N arrives, and the mark stays.
        try await site.source.perform { session in
            try session.execute(
                "update callrec.couples set callingpartyname = 'Late' where id = $1", [.integer(ids[1])])
        }
        let hasCome = try await site.wait(upTo: .seconds(30)) {
            try await site.count(
                "select count(*) from callrec.couples where callingpartyname = 'Late'", in: site.replay) == 1
        }
        #expect(hasCome, "\(site.allLogs())")
        // Told while nothing of them was held; over with the next round through what is marked.
        #expect(try await site.openProblems().map(\.kind).filter { $0 != "marked-not-held" } == [])
        await crew.stop()
    }

    /// Every row with the transaction that wrote it.
    private func versions(at site: ScratchSite) async throws -> [String] {
        func read(_ tables: [String], _ database: Database) async throws -> [String] {
            try await database.perform { session in
                try tables.flatMap { table in
                    try session.query("select t.xmin::text || ' ' || t::text as row from \(table) t order by 1").map {
                        try $0.text("row")
                    }
                }
            }
        }
        return try await read(["callrec.couples", "callrec.cfiles", "callrec.couple_extdata"], site.source)
            + read(
                [
                    "callrec.calls", "callrec.couples", "callrec.cfiles", "callrec.couple_extdata", "takeup.sighting",
                    "takeup.transfer", "takeup.replica",
                ], site.replay)
    }
}
