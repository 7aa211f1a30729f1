import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceRefusalTests {
    @Test(arguments: CallrecSchema.allCases)
    func `odd values are carried as they stand`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.builder.add(
            RecordingSample("odd").changed { sample in
                sample.start = sample.stop + 3600
                sample.length = -5
                sample.problemStatus = nil
            }.media(
                MediaSample(.audio, "/a", size: 0), MediaSample(.video, "/b", size: -1),
                MediaSample(.recd, "/c", size: 2_147_483_647)))
        try await fixture.builder.add(
            RecordingSample("long ago").changed { $0.start = WallTime(microseconds: -62_000_000_000_000_000) })
        let rows = try await look(fixture)
        let odd = try #require(rows["odd"]?.recording)
        #expect(odd.start == RecordingSample.noon + 3600 && odd.length == -5 && odd.problemStatus == nil)
        #expect(odd.media.map(\.size) == [nil, nil, 2_147_483_647])
        #expect(rows["long ago"]?.recording?.start == WallTime(microseconds: -62_000_000_000_000_000))
    }

    /// What a table without its checks can hold.
    static let bad: [(String, String, String)] = [
        ("start", "update callrec.couples set start_ts = 'infinity'", "Its start_ts is no date"),
        ("era", "update callrec.couples set start_ts = '0044-03-15 12:00:00 BC'", "Its start_ts is no date"),
        ("call", "update callrec.calls set stop_ts = '-infinity'", "Its call_stop_ts is no date"),
        ("sid", "update callrec.couples set sid = ''", "Its sid is empty."),
        ("mark", "update callrec.couples set synchronized = 'X'", "Its mark is a letter"),
        ("orphan", "delete from callrec.calls", "Its call has no row."),
        ("kind", "update callrec.cfiles set cftype = 'HOLOGRAM'", "has no cftype that is known."),
        ("no kind", "update callrec.cfiles set cftype = null", "has no cftype that is known."),
        ("path", "update callrec.cfiles set cfpath = null", "has no path."),
        ("empty path", "update callrec.cfiles set cfpath = ''", "has no path."),
    ]

    @Test(arguments: bad, CallrecSchema.allCases)
    func `a row that is bad in itself is refused, and takes no other with it`(
        _ bad: (name: String, sql: String, sentence: String), _ schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema)
        let spoiled = try await fixture.builder.add(RecordingSample("s").media(sound))
        try await fixture.run(SourceRefusalTests.unchecked + bad.sql)
        try await fixture.builder.add(RecordingSample("good").media(sound))
        let rows = try await look(fixture, .thatDay, ids: [spoiled.id])
        guard case .refused(let reference, let sentence) = rows["refused"] else {
            Issue.record("\(bad.name) was not refused")
            return
        }
        #expect(reference.id == spoiled.id)
        #expect(sentence.contains(bad.sentence))
        #expect(rows["good"]?.recording != nil)
    }

    @Test func `a size that is not there is no size`() async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.builder.add(RecordingSample("s").media(sound))
        try await fixture.run(SourceRefusalTests.unchecked + "update callrec.cfiles set cfsize = null")
        #expect(try await look(fixture)["s"]?.recording?.media.first?.size == nil)
    }

    @Test(
        arguments: [
            ("-19088744", 0xfedc_ba98), ("4275878552", 0xfedc_ba98), ("0", 0), ("99999999999", nil), (nil, nil),
        ] as [(String?, UInt32?)])
    func `a CRC is read signed and unsigned, and left alone where it is none`(
        _ stored: String?, _ crc: UInt32?
    ) async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.builder.add(RecordingSample("s").media(sound))
        try await fixture.run("update callrec.cfiles set cktype = 'CRC32', ckvalue = \(stored ?? "null")")
        let media = try #require(try await look(fixture)["s"]?.recording?.media.first)
        #expect(media.crc32 == crc)
        #expect(media.carried["ckvalue"] == (crc == nil ? stored : nil))
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a database of raw bytes gives paths as they are and texts that can be written`(
        _ schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema.bytesTemplate)
        let path = FilePath(
            bytes: Array("/calls/20261120/jan\u{e1} ".unicodeScalars.map { UInt8($0.value) }) + [0xff, 0x0a])
        let built = try await fixture.builder.add(
            RecordingSample("s").media(MediaSample(.audio, path))
                .column("callingpartyname", .rawText([0x5a, 0xe1, 0x6b])).column("description", .rawText([0x5a, 0xe2])))
        try await fixture.database.perform { session in
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, 'k', $2), ($1, 'k', $3)",
                [.integer(built.id), .rawText([0xe1]), .rawText([0xe9])])
        }
        let recording = try #require(try await look(fixture)["s"]?.recording)
        #expect(recording.media.first?.path == path)
        #expect(recording.carried["callingpartyname"] == "Z\\xe1k")
        #expect(Set(recording.externalData.map(\.value)) == ["\\xe1", "\\xe9"])
    }

    @Test func `a sid that is not UTF-8 is refused: two could become one`() async throws {
        let fixture = try await CatalogFixture(CallrecSchema.old.bytesTemplate)
        let built = try await fixture.builder.add(RecordingSample("s"))
        try await fixture.database.perform { session in
            try session.execute("update callrec.couples set sid = $1", [.rawText([0x73, 0xe1])])
        }
        let rows = try await look(fixture)
        #expect(rows["refused"] == .refused(RecordingReference(source: "north", id: built.id), "Its sid is not UTF-8."))
    }

    @Test func `a value that the server cannot convert costs only its own recording`() async throws {
        let fixture = try await CatalogFixture(
            ScratchTemplate(name: "callrec cyrillic", encoding: "WIN1251", scripts: CallrecSchema.new.scripts))
        let spoiled = try await fixture.builder.add(RecordingSample("bad").media(sound))
        try await fixture.builder.add(
            RecordingSample("good", stop: RecordingSample.noon + 1).media(screen).data("я", "ж"))
        // 0x98 is no letter there, but the server checks only what comes from outside.
        try await fixture.run(
            """
            update callrec.couples set description = convert_from('\\x98', 'WIN1251') where id = \(spoiled.id)
            """)
        let source = try await fixture.source()
        let (page, newest) = try await fixture.database.perform { session in
            (
                try source.recordings(.thatDay, limit: 1, on: session),
                try source.newestRecordings(.thatDay, limit: 2, on: session)
            )
        }
        guard case .refused(let reference, let sentence) = page.rows.first else {
            Issue.record("the spoiled recording was not refused")
            return
        }
        #expect(reference.id == spoiled.id && sentence.contains("22P05"))
        #expect(page.next == SourceCursor(stop: RecordingSample.noon, id: spoiled.id))
        #expect(newest.rows.first?.recording?.externalData.first?.value == "ж")
        #expect(newest.rows.count == 2)
    }

    /// Takes away what keeps bad rows out, and the triggers.
    static let unchecked = """
        set session_replication_role = replica;
        do $$
        declare known record;
        begin
            for known in select conrelid::regclass as tab, conname from pg_constraint
                where connamespace = 'callrec'::regnamespace and contype in ('c', 'f') and conrelid <> 0
            loop execute format('alter table %s drop constraint %I', known.tab, known.conname); end loop;
            for known in select t.oid::regtype as dom, c.conname from pg_constraint c join pg_type t on t.oid = c.contypid
                where c.connamespace = 'callrec'::regnamespace
            loop execute format('alter domain %s drop constraint %I', known.dom, known.conname); end loop;
        end $$;
        alter table callrec.cfiles alter cftype drop not null, alter cfpath drop not null, alter cfsize drop not null;

        """

    /// What a look shows, by `sid`; what is refused, as `refused`.
    private func look(
        _ fixture: CatalogFixture, _ query: SourceQuery = .thatDay, ids: [Int64] = []
    ) async throws -> [String: SourceRow] {
        let source = try await fixture.source()
        let rows = try await fixture.database.perform { session in
            try source.recordings(query, limit: 100, on: session).rows + source.recordings(ids: ids, on: session)
        }
        return Dictionary(rows.map { ($0.recording?.sid.rawValue ?? "refused", $0) }) { first, _ in first }
    }
}
