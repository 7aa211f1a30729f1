import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ReplayMediaRowsTests {
    @Test(arguments: CallrecSchema.allCases)
    func `media of a protected recording are replaced in place, and voice tags survive`(
        _ schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").protected().media(sound, screen))
        try await fixture.run(
            """
            insert into callrec.speech_phrases (phrase_text) values ('hello');
            insert into callrec.voice_tags (cfileid, phraseid, confidence) values (\(built.mediaIDs[0]), 1, 90)
            """)
        let catalog = try await fixture.replay()
        let better = MediaRow(
            kind: .audio, path: "/srv/b/a.mp3", size: 5000, crc32: nil, keyID: "key", start: RecordingSample.noon,
            stop: RecordingSample.noon + 5, properties: "{}", carried: ["digest": "abc", "direction": "CALLED"])
        try await fixture.database.transaction { try catalog.replaceMedia(built.mediaIDs[0], with: better, on: $0) }
        let held = try await fixture.database.perform { try catalog.recording(id: built.id, on: $0) }
        let media = try #require(held?.media.first)
        #expect(media.id == built.mediaIDs[0] && media.path == "/srv/b/a.mp3" && media.size == 5000)
        #expect(media.keyID == "key" && media.properties == (schema == .new ? "{}" : nil))
        #expect(held?.media.count == 2)
        let row = try await fixture.value(
            """
            select (count(v.*), max(f.cktype), max(f.ckvalue), max(f.digest), max(f.stop_ts)) from callrec.cfiles f
            join callrec.voice_tags v on v.cfileid = f.id
            """)
        #expect(row == "(1,,,abc,\"2026-11-20 12:00:05\")")
        #expect(try await fixture.value("select (cfcnt, cftypes::integer) from callrec.couples") == "(2,17)")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a media row that is gone, or of another kind, is not replaced`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").media(sound))
        let catalog = try await fixture.replay()
        for (id, kind) in [(built.mediaIDs[0], MediaKind.video), (999, .audio)] {
            let error = await #expect(throws: CatalogError.self) {
                try await fixture.database.transaction {
                    try catalog.replaceMedia(id, with: MediaRow(kind: kind, path: "/x", size: 1), on: $0)
                }
            }
            #expect(error?.code == .gone)
        }
        #expect(try await fixture.value("select cfpath from callrec.cfiles") == sound.path.utf8Text)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (2_147_483_647, "2147483647"), (2_147_483_648, "-1"), (9_000_000_000, "-1"),
        ] as [(Int64, String)])
    func `a size that 32 bits cannot hold is not in the row`(_ size: Int64, _ stored: String) async throws {
        let fixture = try await CatalogFixture(.new)
        let built = try await fixture.builder.add(RecordingSample("s"))
        let catalog = try await fixture.replay()
        try await fixture.database.transaction {
            try catalog.addMedia(MediaRow(kind: .video, path: "/x", size: size), to: built.id, on: $0)
        }
        #expect(try await fixture.value("select cfsize from callrec.cfiles") == stored)
    }

    @Test func `a path that is not UTF-8 is refused, or kept byte by byte where the database can`() async throws {
        let path = FilePath(bytes: [0x2f, 0xe1, 0xff])
        let row = MediaRow(kind: .audio, path: path, size: 1)
        let utf8 = try await CatalogFixture(.new)
        let bytes = try await CatalogFixture(CallrecSchema.new.bytesTemplate)
        for fixture in [utf8, bytes] { try await fixture.builder.add(RecordingSample("s")) }
        let catalog = try await utf8.replay()
        let error = await #expect(throws: CatalogError.self) {
            try await utf8.database.transaction { try catalog.addMedia(row, to: 1, on: $0) }
        }
        #expect(error?.code == .path)
        let other = try await bytes.replay()
        let held = try await bytes.database.transaction { session in
            _ = try other.addMedia(row, to: 1, on: session)
            return try other.find(sids: ["s"], on: session)["s"]
        }
        #expect(held?.media.first?.path == path)
    }

    @Test func `a kind that the replay's version does not know is refused, and nothing of it stays`() async throws {
        let fixture = try await CatalogFixture(.old)
        let built = try await fixture.builder.add(RecordingSample("s"))
        let catalog = try await fixture.replay()
        let error = await #expect(throws: PostgresError.self) {
            try await fixture.database.transaction { session in
                _ = try catalog.addMedia(MediaRow(kind: .audio, path: "/a", size: 1), to: built.id, on: session)
                _ = try catalog.addMedia(MediaRow(kind: .phoneVideo, path: "/b", size: 1), to: built.id, on: session)
            }
        }
        #expect(error?.code == .refused)
        #expect(try await fixture.value("select count(*) from callrec.cfiles") == "0")
    }
}
