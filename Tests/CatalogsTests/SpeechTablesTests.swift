import Catalogs
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SpeechTablesTests {
    private struct Side {
        let fixture: CatalogFixture
        let tables: SpeechTables

        init(_ schema: CallrecSchema) async throws {
            fixture = try await CatalogFixture(schema)
            tables = try #require(SpeechTables(try await fixture.source().columns))
        }

        func read() async throws -> SpeechDefinitions {
            let tables = tables
            return try await fixture.database.perform { try tables.read(on: $0) }
        }

        func apply(_ changes: [DefinitionChange]) async throws -> [KnownDefinition] {
            let tables = tables
            return try await fixture.database.transaction { try tables.apply(changes, on: $0) }
        }
    }

    @Test(arguments: CallrecSchema.allCases)
    func `definitions of one database become those of another, and are removed again`(
        _ schema: CallrecSchema
    ) async throws {
        let master = try await Side(.new)
        let source = try await Side(schema)
        try await master.fixture.run(
            """
            insert into callrec.speech_phrases (phrase_text, confidence, enabled, interaction_count, state)
            values ('skip', 1, true, 0, 'READY'), ('náhrada škody', 70, false, 12, 'INDEXING'), ('hello', null, true, 3, 'READY');
            delete from callrec.speech_phrases where phrase_text = 'skip';
            insert into callrec.speech_tags (tag_name, icon, searchid) values ('Claims', 'red', 5), ('Empty', null, null);
            insert into callrec.tag_to_phrases (tagid, phraseid)
            select tagid, phraseid from callrec.speech_tags, callrec.speech_phrases where tag_name = 'Claims';
            """)
        try await source.fixture.run("insert into callrec.speech_phrases (phrase_text) values ('theirs')")
        let wanted = try await master.read()
        #expect(wanted.phrases.count == 2 && wanted.tags.count == 2 && wanted.links.count == 2)
        let plan = definitionPlan(master: wanted, standing: try await source.read(), known: [])
        let made = try await source.apply(plan.changes)
        #expect(made.count == 6 && made.allSatisfy(\.isOurs))
        // Carried out twice, nothing is there twice.
        #expect(try await source.apply(plan.changes).isEmpty)
        let standing = try await source.read()
        #expect(definitionPlan(master: wanted, standing: standing, known: Set(made)).changes.isEmpty)
        #expect(standing.phrases.count == 3)
        // What a server counts for itself stays its own.
        let counted = try await source.fixture.value(
            "select string_agg(interaction_count || state, ',') from callrec.speech_phrases")
        #expect(counted == "0READY,0READY,0READY")
        #expect(
            try await source.fixture.value(
                "select confidence || ' ' || enabled from callrec.speech_phrases where phrase_text = 'náhrada škody'")
                == "70 false")

        try await master.fixture.run(
            """
            update callrec.speech_phrases set enabled = true, confidence = null where phrase_text = 'náhrada škody';
            update callrec.speech_tags set tag_name = 'CLAIMS' where tag_name = 'Claims';
            """)
        let ids = try await source.fixture.value(
            "select string_agg(phraseid::text, ',' order by phraseid) from callrec.speech_phrases")
        let changed = try await master.read()
        #expect(
            try await source.apply(
                definitionPlan(master: changed, standing: standing, known: Set(made)).changes) == [])
        #expect(
            definitionPlan(master: changed, standing: try await source.read(), known: Set(made)).changes.isEmpty)
        #expect(
            try await source.fixture.value(
                "select string_agg(phraseid::text, ',' order by phraseid) from callrec.speech_phrases") == ids)

        let none = definitionPlan(
            master: SpeechDefinitions(columns: changed.columns), standing: try await source.read(), known: Set(made))
        _ = try await source.apply(none.changes)
        let left = try await source.read()
        #expect(left.phrases.keys.map(\.text) == ["theirs"] && left.tags.isEmpty && left.links.isEmpty)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a phrase that voice tags hang on is disabled, and removed when none does`(
        _ schema: CallrecSchema
    ) async throws {
        let side = try await Side(schema)
        try await side.fixture.builder.add(RecordingSample("s").media(sound.tag("hello")))
        let id = try #require(try await side.read().phrases[PhraseText("hello")]?.id)
        #expect(try await side.apply([.removePhrase(id: id, PhraseText("hello"))]) == [])
        let standing = try await side.read()
        #expect(standing.phrases[PhraseText("hello")]?.facts["enabled"] == "f")
        #expect(try await side.fixture.value("select count(*) from callrec.voice_tags") == "1")
        try await side.fixture.run("delete from callrec.voice_tags")
        #expect(
            try await side.apply([.removePhrase(id: id, PhraseText("hello"))])
                == [KnownDefinition(.phrase(PhraseText("hello")), isOurs: false)])
        #expect(try await side.read().phrases.isEmpty)
    }

    @Test func `tables that are not there take no definitions`() async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.run("drop table callrec.tag_to_phrases, callrec.speech_tags")
        let tables = try #require(SpeechTables(try await fixture.source().columns))
        let standing = try await fixture.database.perform { try tables.read(on: $0) }
        var master = SpeechDefinitions(columns: ["speech_tags.tag_name"])
        master.tags[PhraseText("a")] = SpeechDefinitions.Definition(id: 1, name: PhraseText("A"))
        #expect(definitionPlan(master: master, standing: standing, known: []).changes.isEmpty)
        try await fixture.run("drop table callrec.voice_tags, callrec.speech_phrases")
        #expect(SpeechTables(try await fixture.source().columns) == nil)
    }
}
