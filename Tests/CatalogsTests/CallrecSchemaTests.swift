import Postgres
import Support
import Testing
import Vocabulary

/// The tables of the test kit behave as those of recorders do: other tests stand on it.
@Suite struct CallrecSchemaTests {
    @Test(arguments: CallrecSchema.allCases)
    func `files are counted as they come, change and go`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").media(sound, screen))
        func counts() async throws -> String? {
            try await fixture.value("select (cfcnt, cftypes::integer) from callrec.couples")
        }
        #expect(try await counts() == "(2,17)")
        try await fixture.run("update callrec.cfiles set cftype = 'RECD' where id = \(built.mediaIDs[1])")
        #expect(try await counts() == "(2,33)")
        try await fixture.run("delete from callrec.cfiles where id = \(built.mediaIDs[0])")
        #expect(try await counts() == "(1,32)")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a protected recording keeps itself and its files, but for RECD`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.builder.add(
            RecordingSample("s").protected().media(sound, MediaSample(.recd, "/opt/callrec/data/screens/recd/a.recd")))
        for table in ["couples", "calls", "cfiles where cftype = 'AUDIO'"] {
            let error = await #expect(throws: PostgresError.self) {
                try await fixture.run("delete from callrec.\(table)")
            }
            #expect(error?.code == .refused, "\(table)")
        }
        try await fixture.run("delete from callrec.cfiles where cftype = 'RECD'")
        try await fixture.run("update callrec.couples set protected = false; delete from callrec.calls")
        #expect(try await fixture.value("select count(*) from callrec.cfiles") == "0")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `deleting takes everything that belongs to it along`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").media(sound).data("k", "v"))
        try await fixture.run(
            """
            insert into callrec.speech_phrases (phrase_text) values ('hello');
            insert into callrec.voice_tags (cfileid, phraseid) values (\(built.mediaIDs[0]), 1);
            insert into callrec.restore_queue (callid, cplid) values (\(built.callID), \(built.id));
            insert into callrec.couple_fixed_extdata (cplid) values (\(built.id));
            delete from callrec.couples
            """)
        for table in ["cfiles", "couple_extdata", "voice_tags", "restore_queue", "couple_fixed_extdata"] {
            #expect(try await fixture.value("select count(*) from callrec.\(table)") == "0", "\(table)")
        }
        #expect(try await fixture.value("select realcplcnt from callrec.calls") == "0")
    }

    @Test(
        arguments: [
            "update callrec.couples set synchronized = 'X'", "update callrec.couples set state = 'DONE'",
            "update callrec.couples set problemstatus = 'FINE'", "update callrec.cfiles set cftype = 'INDEX'",
            "update callrec.couples set cpltype = 'CHAT'", "update callrec.couples set mixed = 'S'",
            "update callrec.couples set sid = null", "update callrec.couples set stop_ts = null",
            "update callrec.cfiles set cfsize = 3000000000", "update callrec.cfiles set cktype = 'MD5'",
        ], CallrecSchema.allCases)
    func `values that recorders do not have are refused`(_ sql: String, _ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.builder.add(RecordingSample("s").media(sound))
        await #expect(throws: PostgresError.self) { try await fixture.run(sql) }
    }

    @Test func `changes are tracked only where that is on`() async throws {
        let fixture = try await CatalogFixture(.new)
        let built = try await fixture.builder.add(RecordingSample("s").media(sound))
        func dirty() async throws -> String? {
            try await fixture.value("select (dirty, updated_ts is not null) from callrec.couples")
        }
        try await fixture.run("update callrec.couples set dirty = false")
        try await fixture.run("insert into callrec.couple_extdata (cplid, key, value) values (\(built.id), 'k', 'v')")
        #expect(try await dirty() == "(f,f)")
        try await fixture.run(CallrecSchema.changeTracking)
        for sql in [
            "insert into callrec.couple_extdata (cplid, key, value) values (\(built.id), 'k', 'w')",
            "update callrec.cfiles set cfsize = 5", "update callrec.couples set callingnr = '1'",
            "delete from callrec.couple_extdata",
        ] {
            // As the consumer of changes does it: not a change itself.
            try await fixture.run(
                "alter table callrec.couples disable trigger user; update callrec.couples set dirty = false; "
                    + "alter table callrec.couples enable trigger user")
            try await fixture.run(sql)
            #expect(try await dirty() == "(t,t)", "\(sql)")
        }
        try await fixture.run("delete from callrec.couples")
        #expect(try await fixture.value("select string_agg(sid, ' ') from callrec.deleted_couples") == "s")
    }
}
