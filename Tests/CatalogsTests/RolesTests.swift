import Catalogs
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct RolesTests {
    @Test(arguments: CallrecSchema.allCases)
    func `the source's role reads and marks, and can do nothing else`(_ schema: CallrecSchema) async throws {
        let looked = try await SourceMarkingTests.Looked(schema)
        try await looked.fixture.run(try OperatorScripts.text("source-notify.sql"))
        let script = try OperatorScripts.text("source-role.sql")
        try await install(script, on: looked.fixture)
        try await install(script, on: looked.fixture)
        let reader = try await connect(as: "takeup_reader", to: looked.fixture)
        let (source, request) = (looked.source, looked.request)
        let (found, outcome) = try await reader.transaction { session in
            (
                try SourceCatalog(source: "north", timeZone: "UTC", reading: session)
                    .recordings(.thatDay, limit: 5, on: session).rows.count,
                try source.mark([request], on: session)[request.id]
            )
        }
        #expect(found == 1 && outcome == .marked)
        for sql in [
            "delete from callrec.couples", "update callrec.couples set protected = false",
            "update callrec.cfiles set cfpath = ''", "insert into callrec.calls default values",
            "delete from callrec.couple_extdata", "create table callrec.x (a int)",
            "select * from callrec.managed_keys", "delete from callrec.voice_tags",
            "update callrec.voice_tags set confidence = 0", "update callrec.speech_phrases set phrase_text = ''",
            "update callrec.speech_phrases set interaction_count = 0", "update callrec.speech_tags set state = ''",
        ] {
            let error = await #expect(throws: PostgresError.self) { try await reader.perform { try $0.execute(sql) } }
            #expect(error?.code == .permission, "\(sql)")
        }
    }

    @Test(arguments: CallrecSchema.allCases)
    func `the replay's role commits, and cannot delete`(_ schema: CallrecSchema) async throws {
        let sides = try await ReplayCatalogTests.Sides(.new, schema)
        try await sides.replay.run("insert into callrec.extdata_map (key, col) values ('agent', 1)")
        try await sides.replay.run("insert into callrec.speech_phrases (phrase_text) values ('hello')")
        try await install(try OperatorScripts.text("replay-tombstones.sql"), on: sides.replay)
        try await install(try OperatorScripts.text("replay-role.sql"), on: sides.replay)
        let takeup = try await connect(as: "takeup", to: sides.replay)
        let recording = sides.recording
        let removed = try await takeup.transaction { session in
            let catalog = try ReplayCatalog(reading: session)
            let call = try catalog.ensureCall(recording.call, on: session)
            let id = try catalog.ensureRecording(recording, callID: call, on: session).id
            let row = MediaRow(copyOf: recording.media[0], path: "/srv/a", size: 4711)
            let media = try catalog.addMedia(row, to: id, on: session)
            try catalog.replaceMedia(media, with: row, on: session)
            try catalog.attach(recording.externalData, to: id, on: session)
            _ = try catalog.voiceTags(on: [media], phrases: [], in: session)
            let tag = VoiceTag(mediaID: 1, spoken: SpokenPhrase(PhraseText("hello"), from: "1", to: "2"))
            try #require(try catalog.attach([.init(replayMediaID: media, tag: tag)], on: session) == 1)
            try catalog.adopt(recording, into: id, on: session)
            try catalog.setMixed(id, on: session)
            try catalog.refreshCall(call, on: session)
            _ = try catalog.missingKeys(["k"], on: session)
            try session.script("create schema if not exists takeup; create table takeup.own (a int)")
            // What `takeup restore` needs besides.
            try catalog.liftTombstones(of: recording.sid, on: session)
            try catalog.setRestored(id, on: session)
            _ = try catalog.removedMedia(sids: [recording.sid], on: session)
            return try catalog.removed(sids: [recording.sid], on: session)
        }
        #expect(removed.isEmpty)
        #expect(try await sides.find()?.media.count == 1)
        for table in ["couples", "cfiles", "calls", "couple_extdata", "voice_tags", "speech_phrases"] {
            let error = await #expect(throws: PostgresError.self) {
                try await takeup.perform { try $0.execute("delete from callrec.\(table)") }
            }
            #expect(error?.code == .permission, "\(table)")
        }
    }

    /// Tests that make the same role at the same time get in each other's way: the later finds it made.
    private func install(_ script: String, on fixture: CatalogFixture) async throws {
        while true {
            do {
                try await fixture.run(script)
                return
            } catch let error as PostgresError where ["42710", "23505", "XX000"].contains(error.sqlState) {
                try await fixture.run("rollback")
            }
        }
    }

    private func connect(as role: String, to fixture: CatalogFixture) async throws -> Database {
        var settings = fixture.scratch.settings(label: role)
        settings.connectionString =
            "host=\(fixture.scratch.cluster.directory) dbname=\(fixture.scratch.name) user=\(role)"
        return Database(settings, connections: 1)
    }
}
