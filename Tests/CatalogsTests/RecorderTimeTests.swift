import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

/// Local times that are no time of day, and rows without any.
@Suite struct RecorderTimeTests {
    /// 2026-10-25 02:30 comes twice in Prague, 2026-03-29 02:30 never: both are taken for winter time.
    @Test(arguments: ["2026-10-25 02:30:00", "2026-03-29 02:30:00"], CallrecSchema.allCases)
    func `the hour that summer time repeats or skips keeps its wall time, and has one instant`(
        time: String, schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s"))
        try await fixture.run("update callrec.couples set stop_ts = '\(time)'")
        let source = try await fixture.source(zone: "Europe/Prague")
        let rows = try await fixture.database.perform { session in
            try source.recordings(ids: [built.id], on: session)
        }
        let recording = try #require(rows.first?.recording)
        #expect(recording.stop?.secondsText(separator: " ") == time)
        let utc = try await fixture.value("'\(time)+01'::timestamptz at time zone 'UTC'")
        #expect(
            recording.stopInstant.map { WallTime(microseconds: $0.microseconds).secondsText(separator: " ") } == utc)
    }

    @Test(
        arguments: [
            "update callrec.couple_extdata set created_ts = null",
            "update callrec.couple_extdata set created_ts = 'infinity'",
            "alter table callrec.couple_extdata drop column created_ts",
        ], CallrecSchema.allCases)
    func `external data that say no time have their recording's, by the recorder's own clock`(
        change: String, schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").data("k", "v"))
        try await fixture.run(change)
        let source = try await fixture.source(zone: "Europe/Prague")
        let rows = try await fixture.database.perform { session in
            try source.recordings(ids: [built.id], on: session)
        }
        #expect(rows.first?.recording?.externalData.map(\.created) == [RecordingSample.noon])
    }

    @Test(arguments: CallrecSchema.allCases)
    func `what no page shows is found apart: stops far ahead or never, and states that nobody knows`(
        schema: CallrecSchema
    ) async throws {
        let fixture = try await CatalogFixture(schema)
        var ids: [String: Int64] = [:]
        for sid in ["fine", "never", "ahead", "odd", "marked", "old"] {
            ids[sid] = try await fixture.builder.add(RecordingSample(sid)).id
        }
        try await fixture.run(
            SourceRefusalTests.unchecked + """
                update callrec.couples set stop_ts = 'infinity' where sid = 'never';
                update callrec.couples set stop_ts = '2099-01-01' where sid in ('ahead', 'marked');
                update callrec.couples set synchronized = 'S' where sid = 'marked';
                update callrec.couples set state = 'PONDERING' where sid in ('odd', 'old');
                update callrec.couples set stop_ts = '2001-01-01' where sid = 'old';
                """)
        let source = try await fixture.source()
        let strays = try await fixture.database.perform { session in
            try source.strays(
                from: RecordingSample.noon + -86_400, horizon: RecordingSample.noon + 86_400, limit: 10, on: session)
        }
        #expect(strays == Set(["never", "ahead", "odd"].compactMap { ids[$0] }))
    }
}
