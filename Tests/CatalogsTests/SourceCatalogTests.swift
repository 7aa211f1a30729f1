import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceCatalogTests {
    @Test(arguments: CallrecSchema.allCases)
    func `a recording is read with everything that is carried`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        var keyed = screen
        keyed.keyID = "0b6c"
        keyed.properties = "{\"a\": 1}"
        let built = try await fixture.builder.add(
            RecordingSample("s1", stop: RecordingSample.noon).media(sound, keyed)
                .data("agent", "Jana").data("agent", "Jan").data("note", "it's \"so\"\n")
                .column("callingip", "10.0.0.1").column("callingnr", "420123").column("cpltype", "CONF")
                .column("description", "Zákazník").column("direction", "INCOMING").column("dayofweek", 5)
                .column("evaluated", "E").column("b_location", "tape 9"))
        let source = try await fixture.source()
        let batch = try await fixture.database.perform { try source.recordings(.thatDay, limit: 10, on: $0) }
        #expect(batch.next == nil)
        let recording = try #require(batch.rows.first?.recording)
        #expect(recording.reference == RecordingReference(source: "north", id: built.id))
        #expect(recording.sid == "s1")
        #expect(recording.stop == RecordingSample.noon)
        #expect(recording.start == RecordingSample.noon + -60)
        #expect(recording.length == 60)
        // Prague is an hour ahead in November.
        #expect(recording.stopInstant == Instant(microseconds: RecordingSample.noon.microseconds - 3_600_000_000))
        #expect(recording.isFinished && recording.mark == nil && !recording.isProtected)
        #expect(recording.call.id == built.callID && recording.call.legs == ["s1"])
        #expect(recording.call.stop == RecordingSample.noon)
        #expect(
            Set(recording.externalData.map { [$0.key, $0.value] }) == [
                ["agent", "Jana"], ["agent", "Jan"], ["note", "it's \"so\"\n"],
            ])
        #expect(recording.media.map(\.id) == built.mediaIDs)
        #expect(recording.media.map(\.kind) == [.audio, .video])
        #expect(recording.media[0].path == sound.path && recording.media[0].size == 4711)
        #expect(recording.media[0].crc32 == 0xfedc_ba98 && recording.media[1].crc32 == nil)
        #expect(recording.media[1].keyID == "0b6c")
        #expect(recording.media[1].properties == (schema == .new ? "{\"a\": 1}" : nil))
        #expect(recording.carried["callingip"] == "10.0.0.1" && recording.carried["callingnr"] == "420123")
        #expect(recording.carried["cpltype"] == "CONF" && recording.carried["description"] == "Zákazník")
        #expect(recording.carried["direction"] == (schema == .new ? "INCOMING" : nil))
        #expect(recording.carried["dayofweek"] == (schema == .new ? "5" : nil))
        #expect(recording.carried["created_ts"] != nil)
        for own in ["evaluated", "b_location", "synchronized", "cftypes", "sid"] {
            #expect(recording.carried[own] == nil)
        }
    }

    @Test(arguments: CallrecSchema.allCases, [(1, false), (3, true), (7, false), (7, true), (50, true)])
    func `pages meet every recording once, also where many stopped at the same time`(
        _ schema: CallrecSchema, _ way: (limit: Int, isNewestFirst: Bool)
    ) async throws {
        let limit = way.limit
        let query = way.isNewestFirst ? SourceQuery.thatDay.newestFirst : .thatDay
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.database.transaction { session in
            try (0..<50).map { index in
                // Ten at each of five times, put in out of order.
                try fixture.builder.add(
                    RecordingSample("s\(index)", stop: RecordingSample.noon + Int64(index * 7 % 5)), on: session
                ).id
            }
        }
        let source = try await fixture.source()
        let (seen, pages) = try await fixture.database.perform { session in
            var seen: [(WallTime, Int64)] = []
            var pages = 0
            var cursor: SourceCursor?
            repeat {
                let batch = try source.recordings(query, after: cursor, limit: limit, on: session)
                seen += batch.rows.compactMap(\.recording).compactMap { row in row.stop.map { ($0, row.id) } }
                cursor = batch.next
                pages += 1
            } while cursor != nil
            return (seen.map { SourceCursor(stop: $0.0, id: $0.1) }, pages)
        }
        #expect(seen.count == 50 && Set(seen.map(\.id)) == Set(built))
        let sorted = seen.sorted { ($0.stop, $0.id) < ($1.stop, $1.id) }
        #expect(seen == (way.isNewestFirst ? sorted.reversed() : sorted))
        #expect(pages == 50 / limit + 1)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `only what is finished, unmarked and in the interval is to do`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let builder = fixture.builder
        try await builder.add(RecordingSample("todo"))
        try await builder.add(RecordingSample("saving").state("EXT_DATA_SAVED"))
        for mark in ["S", "N", "E", "F"] {
            try await builder.add(RecordingSample("m" + mark).mark(Mark(rawValue: mark)))
        }
        try await builder.add(RecordingSample("first", stop: SourceQuery.thatDay.lower))
        try await builder.add(RecordingSample("early", stop: SourceQuery.thatDay.lower + -1))
        try await builder.add(RecordingSample("late", stop: SourceQuery.thatDay.upper))
        let source = try await fixture.source()
        func sids(_ query: SourceQuery) async throws -> Set<String> {
            let batch = try await fixture.database.perform { try source.recordings(query, limit: 100, on: $0) }
            return Set(batch.rows.compactMap { $0.recording?.sid.rawValue })
        }
        #expect(try await sids(.thatDay) == ["todo", "first"])
        #expect(try await sids(.thatDay.marks(.noneOr([.erroneous, .failed]))) == ["todo", "first", "mE", "mF"])
        #expect(try await sids(.thatDay.marks(.noneOr([]))) == ["todo", "first"])
        #expect(try await sids(.thatDay.marks(.only([.synchronized, .notUsed]))) == ["mS", "mN"])
        var unfinished = SourceQuery.thatDay
        unfinished.onlyFinished = false
        #expect(try await sids(unfinished) == ["todo", "first", "saving"])
        let (older, capped) = try await fixture.database.perform { session in
            (
                try source.unmarkedCount(before: RecordingSample.noon, limit: 100, on: session),
                try source.unmarkedCount(before: RecordingSample.noon, limit: 1, on: session)
            )
        }
        #expect(older == 2 && capped == 1)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `the newest come first in their own lane, ties by id`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let ids = try await fixture.database.transaction { session in
            try [0, 5, 5, 3, 5].enumerated().map { index, second in
                try fixture.builder.add(RecordingSample("s\(index)", stop: RecordingSample.noon + second), on: session)
                    .id
            }
        }
        let source = try await fixture.source()
        let seen = try await fixture.database.perform { session in
            try source.newestRecordings(.thatDay, limit: 4, on: session).rows.map(\.reference.id)
        }
        #expect(seen == [ids[4], ids[2], ids[1], ids[3]])
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a hint finds a recording whatever its mark and state`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let one = try await fixture.builder.add(RecordingSample("one").mark(.synchronized).media(sound))
        let two = try await fixture.builder.add(RecordingSample("two").state("EXT_DATA_SAVED"))
        let source = try await fixture.source()
        let rows = try await fixture.database.perform { try source.recordings(ids: [two.id, one.id, 999], on: $0) }
        #expect(Set(rows.compactMap { $0.recording?.sid }) == ["one", "two"])
        #expect(rows.first { $0.reference.id == one.id }?.recording?.mark == .synchronized)
        let none = try await fixture.database.perform { try source.recordings(ids: [], on: $0) }
        #expect(none.isEmpty)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `legs of a call know each other`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let first = try await fixture.builder.add(RecordingSample("one"))
        try await fixture.builder.add(RecordingSample("two"), callID: first.callID)
        let source = try await fixture.source()
        let rows = try await fixture.database.perform { try source.recordings(ids: [first.id], on: $0) }
        #expect(rows.first?.recording?.call.legs == ["one", "two"])
        try await fixture.run("drop index callrec.couples_call")
        let without = try await fixture.source()
        let scanned = try await fixture.database.perform { try without.recordings(ids: [first.id], on: $0) }
        #expect(scanned.first?.recording?.call.legs == [])
        #expect(
            scanned.first?.recording.map { Fingerprint(of: $0) } == rows.first?.recording.map { Fingerprint(of: $0) })
    }

    @Test func `an unknown zone, and a database without callrec tables, are refused at once`() async throws {
        let fixture = try await CatalogFixture(.new)
        let zone = await #expect(throws: PostgresError.self) { try await fixture.source(zone: "Europe/Nowhere") }
        #expect(zone?.code == .badValue)
        let empty = try await ScratchDatabase().connect()
        let tables = await #expect(throws: CatalogError.self) {
            try await empty.perform { try SourceCatalog(source: "north", timeZone: "UTC", reading: $0) }
        }
        #expect(tables?.code == .tables)
        try await fixture.run("alter table callrec.couples drop column synchronized")
        let column = await #expect(throws: CatalogError.self) { try await fixture.source() }
        #expect(column?.sentence == "The table callrec.couples has no column synchronized.")
    }

    @Test func `the recorder's clock is shown in its own zone`() async throws {
        let fixture = try await CatalogFixture(.old)
        let (prague, utc) = (try await fixture.source(zone: "Asia/Tokyo"), try await fixture.source(zone: "UTC"))
        let ahead = try await fixture.database.perform { session in
            try prague.localNow(on: session).microseconds - utc.localNow(on: session).microseconds
        }
        #expect(abs(ahead - 9 * 3_600_000_000) < 60_000_000)
    }

    @Test func `columns of no version known are named, and stay`() async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.run("alter table callrec.couples add column mood text default 'good'")
        let source = try await fixture.source()
        #expect(source.columns.unknownOfRecording == ["mood"])
        #expect(try await CatalogFixture(.old).source().columns.unknownOfRecording == [])
    }
}
