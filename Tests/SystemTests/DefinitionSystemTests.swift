internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct DefinitionSystemTests {
    @Test(
        .timeLimit(.minutes(3)),
        arguments: LongTests.all(orFirstOf: [(CallrecSchema.old, CallrecSchema.new), (.new, .old)]))
    func `phrases and speech tags of the replay come to the recorder, and go again; those of others stay`(
        source: CallrecSchema, replay: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(source, replaySchema: replay)
        let builder = try await CatalogBuilder(site.source)
        // One phrase is there already, with a voice tag of a recording that did not travel yet.
        try await site.source.perform { session in
            try session.script(
                "insert into callrec.speech_phrases (phrase_text) values ('theirs'), ('shared'), ('theirs too')")
        }
        try await site.replay.perform { session in
            try session.script(
                """
                insert into callrec.speech_phrases (phrase_text, confidence) values ('shared', 60), ('brought', 70);
                insert into callrec.speech_tags (tag_name) values ('Group');
                insert into callrec.tag_to_phrases (tagid, phraseid) select tagid, phraseid
                from callrec.speech_tags, callrec.speech_phrases where phrase_text = 'brought';
                """)
        }
        let tagged = try await site.addRecording("tagged", builder) { $0.tag("shared") }
        let process = try site.start(.calls)
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        @Sendable func phrases() async throws -> String? {
            try await site.source.perform { session in
                try session.first(
                    """
                    select string_agg(phrase_text || coalesce(confidence::text, ''), ',' order by phrase_text) as list
                    from callrec.speech_phrases
                    """)?.optionalText("list")
            }
        }
        #expect(
            try await site.wait(upTo: .seconds(40)) { try await phrases() == "brought70,shared60,theirs,theirs too" },
            "\(site.log(.calls))")
        #expect(
            try await site.wait(upTo: .seconds(40)) {
                try await site.count("select count(*) from callrec.tag_to_phrases", in: site.source) == 1
            })
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await site.count("select count(*) from callrec.voice_tags", in: site.replay) == 1
            }, "\(site.log(.calls))")
        // The voice tag at the recorder kept its phrase.
        #expect(
            try await site.count(
                """
                select count(*) from callrec.voice_tags v join callrec.speech_phrases s on s.phraseid = v.phraseid
                where v.cfileid = \(tagged.mediaIDs[0]) and s.phrase_text = 'shared'
                """, in: site.source) == 1)

        // What did not change writes nothing, also over several turns.
        let before = try await versions(site)
        try await Task.sleep(for: .seconds(6))
        #expect(try await versions(site) == before)

        try await site.replay.perform { session in
            try session.script(
                """
                update callrec.speech_phrases set confidence = 75 where phrase_text = 'shared';
                delete from callrec.speech_phrases where phrase_text = 'brought';
                delete from callrec.speech_tags;
                """)
        }
        #expect(
            try await site.wait(upTo: .seconds(40)) { try await phrases() == "shared75,theirs,theirs too" },
            "\(site.log(.calls))")
        #expect(try await site.count("select count(*) from callrec.speech_tags", in: site.source) == 0)

        // An adopted phrase is not removed with the replay's; a recording that still names it is not held up by it.
        try await site.replay.perform { session in
            try session.script("delete from callrec.speech_phrases where phrase_text = 'shared'")
        }
        let late = try await site.addRecording("late", builder) { $0.tag("shared") }
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await site.count(
                    "select count(*) from callrec.couples where id = \(late.id) and synchronized = 'S'",
                    in: site.source) == 1
            }, "\(site.log(.calls))")
        #expect(try await phrases() == "shared75,theirs,theirs too")
        #expect(try await site.openProblems().map(\.what) == [])
    }

    @Test(.timeLimit(.minutes(3)))
    func `a recorder that takes no definitions is told of once, and recordings travel`() async throws {
        let site = try await ScratchSite(.new)
        let builder = try await CatalogBuilder(site.source)
        try await site.source.perform { session in
            try session.script(
                """
                create function callrec.refuse() returns trigger language plpgsql as
                    $$ begin raise exception 'no phrases here'; end $$;
                create trigger refuse before insert on callrec.speech_phrases
                    for each row execute procedure callrec.refuse();
                """)
        }
        try await site.replay.perform { session in
            try session.script("insert into callrec.speech_phrases (phrase_text) values ('a'), ('b')")
        }
        let built = try await site.addRecording("one", builder)
        let process = try site.start(.calls)
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await site.count(
                    "select count(*) from callrec.couples where id = \(built.id) and synchronized = 'S'",
                    in: site.source) == 1
            }, "\(site.log(.calls))")
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("no phrases here") })
        try await site.replay.perform { session in
            try session.script("insert into callrec.speech_phrases (phrase_text) values ('c')")
        }
        try await Task.sleep(for: .seconds(8))
        let told = site.log(.calls).split(separator: "\n").filter { $0.contains("does not take the replay's phrases") }
        #expect(told.count == 1, "\(told)")
    }

    /// Which versions of rows stand at the recorder, and in what is known of them: others after any write.
    private func versions(_ site: ScratchSite) async throws -> [String?] {
        @Sendable func rows(_ table: String, _ session: Session) throws -> String? {
            try session.first("select string_agg(ctid || ' ' || xmin, ',' order by ctid) as rows from \(table)")?
                .optionalText("rows")
        }
        let standing = try await site.source.perform { session in
            try ["speech_phrases", "speech_tags", "tag_to_phrases"].map { try rows("callrec.\($0)", session) }
        }
        return try await standing + [site.replay.perform { session in try rows("takeup.definition", session) }]
    }
}
