internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// What comes to a recording after its mark, with the built program.
@Suite(.serialized) struct LateChangeTests {
    private static let fast = "sleep_period = \"200ms\"\nfollow_period = \"500ms\""

    @Test(.timeLimit(.minutes(4)), arguments: CallrecSchema.allCases, [false, true])
    func `metadata and a screen that come after the mark arrive, and the mark stays`(
        schema: CallrecSchema, notifies: Bool
    ) async throws {
        // With the trigger the slow rounds are too slow to be what brings it.
        let synchro = notifies ? "sleep_period = \"1h\"\nfollow_period = \"1h\"" : LateChangeTests.fast
        let site = try await ScratchSite(schema, notifies: notifies, synchro: synchro)
        try await site.replay.perform { session in
            try session.script("insert into callrec.speech_phrases (phrase_text) values ('other'), ('late')")
        }
        let builder = try await CatalogBuilder(site.source)
        let agents = try SiteAgents(site)
        // The first look is behind them: from now on only hints bring anything, where the rounds are slow.
        let used = try await site.record("used", [.audio])
        try #require(
            await site.wait(upTo: .seconds(60)) { try await site.mark(of: used) == "S" }, "\(site.log(.calls))")
        let screen = try await site.add(.video, to: used)
        try await site.source.perform { session in
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, 'cdr', 'late')", [.integer(used.id)]
            )
        }
        try await site.source.perform { session in
            let media = try session.first("select min(id) as id from callrec.cfiles")?.integer("id")
            try builder.add(SpokenPhrase(PhraseText("late"), from: "1", to: "2"), to: media ?? 0, on: session)
        }
        let hasCome = try await site.wait(upTo: .seconds(60)) {
            let data = try await site.count(
                "select count(*) from callrec.couple_extdata where key = 'cdr' and value = 'late'", in: site.replay)
            let tags = try await site.count("select count(*) from callrec.voice_tags", in: site.replay)
            return try await site.digests(of: used).contains(screen.sha256) && data == 1 && tags == 1
        }
        #expect(hasCome, "\(site.log(.calls))\n\(site.log(.screens))")
        let isMarked = try await site.wait(upTo: .seconds(40)) {
            try await site.count("select count(*) from takeup.sighting where state = 'marked'", in: site.replay) == 1
        }
        #expect(isMarked)
        #expect(try await site.mark(of: used) == "S")
        let marks = try await site.count(
            "select sum(items)::bigint as count from takeup.tally where what = 'marks'", in: site.replay)
        #expect(marks == 1)
        #expect((site.log(.calls) + site.log(.screens)).contains("has something new since its mark"))
        // Facts of the row alone: what was empty, and what is corrected.
        for name in ["Late", "Later"] {
            try await site.source.perform { session in
                try session.execute(
                    """
                    update callrec.couples set callingpartyname = $2, callingnr = '4242', protected = true,
                        problemstatus = 'ONE_STREAM_INCOMPLETE' where id = $1
                    """, [.integer(used.id), .text(name)])
            }
            let isCorrected = try await site.wait(upTo: .seconds(60)) {
                try await site.count(
                    """
                    select count(*) from callrec.couples where callingpartyname = '\(name)' and callingnr = '4242'
                        and protected and problemstatus = 'ONE_STREAM_INCOMPLETE'
                    """, in: site.replay) == 1
            }
            #expect(isCorrected, "\(name)\n\(site.log(.calls))\n\(site.log(.screens))")
        }
        #expect(try await site.mark(of: used) == "S")
        #expect(try await site.openProblems().map(\.what) == [])
        agents.stop()
    }

    @Test(.timeLimit(.minutes(3)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `what stands is followed in silence, and what is licensed to go is not`(schema: CallrecSchema) async throws {
        let site = try await ScratchSite(schema, notifies: false, synchro: LateChangeTests.fast)
        // Marked by others, before Takeup came: not imported unasked, and told of.
        let foreign = try await site.record("foreign", [.audio, .recd], mark: .synchronized)
        let agents = try SiteAgents(site)
        let kept = try await site.record("kept", [.audio])
        let gone = try await site.record("gone", [.audio])
        let isDone = try await site.wait(upTo: .seconds(60)) {
            guard try await site.mark(of: kept) == "S", try await site.mark(of: gone) == "S" else { return false }
            return try await site.openProblems().contains { $0.kind == "marked-not-held" }
        }
        #expect(isDone, "\(site.log(.calls))\n\(site.log(.screens))")
        // The recorder deletes what it may, as its tools do: the media, or the flag as well.
        try await site.source.perform { session in
            try session.execute("delete from callrec.cfiles where cplid = $1", [.integer(gone.id)])
            try session.execute("update callrec.couples set deleted = 'D' where id = $1", [.integer(gone.id)])
        }
        // Taken note of once: the fingerprint is that of the rows as they are.
        #expect(try await site.comesToRest())
        #expect(try await site.holds(kept, [.audio]))
        #expect(try await site.holds(gone, [.audio]))
        #expect(try await site.digests(of: foreign).isEmpty)
        let states = try await site.replay.perform { session in
            try session.query("select state from takeup.sighting").map { try $0.text("state") }
        }
        #expect(states == ["marked", "marked"])
        // A change that the replay already has is noted once, too.
        try await site.replay.perform { session in
            try session.execute(
                """
                insert into callrec.couple_extdata (cplid, key, value)
                select id, 'cdr', 'x' from callrec.couples where sid = 'kept'
                """)
        }
        try await site.source.perform { session in
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, 'cdr', 'x')", [.integer(kept.id)])
        }
        #expect(try await site.comesToRest())
        #expect(!(site.log(.calls) + site.log(.screens)).contains("has something new since its mark"))
        let told = try await site.openProblems().map(\.what)
        #expect(told.count == 1)
        #expect(told.first?.contains("AUDIO of 1, RECD of 1") == true, "\(told)")
        agents.stop()
    }
}
