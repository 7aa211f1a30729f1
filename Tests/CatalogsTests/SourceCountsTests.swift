import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceCountsTests {
    @Test(arguments: CallrecSchema.allCases)
    func `unmarked recordings are counted by span, what is gone left out`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let noon = RecordingSample.noon
        let day: Int64 = 86_400
        try await fixture.builder.add(RecordingSample("old", stop: noon + -9 * day).media(sound))
        try await fixture.builder.add(RecordingSample("older", stop: noon + -20 * day).media(sound))
        try await fixture.builder.add(RecordingSample("marked", stop: noon + -21 * day).mark(.synchronized))
        try await fixture.builder.add(RecordingSample("open", stop: noon + -8 * day).state("EXT_DATA_SAVED"))
        try await fixture.builder.add(RecordingSample("gone", stop: noon + -8 * day).column("deleted", "D"))
        try await fixture.builder.add(RecordingSample("away", stop: noon + -8 * day).column("archived", "A"))
        try await fixture.builder.add(RecordingSample("new", stop: noon))
        let source = try await fixture.source()
        let (first, all, finished, none) = try await fixture.database.perform { session in
            (
                try source.firstStop(before: noon, on: session),
                try source.unmarked(in: noon + -30 * day..<noon, onlyFinished: false, on: session),
                try source.unmarked(in: noon + -30 * day..<noon, onlyFinished: true, on: session),
                try source.firstStop(before: noon + -50 * day, on: session)
            )
        }
        #expect(first == noon + -21 * day)
        #expect(all == UnmarkedCount(recordings: 3, first: noon + -20 * day))
        #expect(finished == UnmarkedCount(recordings: 2, first: noon + -20 * day))
        #expect(none == nil)
    }

    @Test func `counting reads the index that leads by stop`() async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.run(
            """
            insert into callrec.calls (id) select n from generate_series(1, 20000) n;
            insert into callrec.couples (id, callid, sid, start_ts, stop_ts, length, state, synchronized)
            select n, n, 's' || n, timestamp '2026-01-01' + n * interval '1 minute',
                timestamp '2026-01-01' + n * interval '1 minute', 1, 'FINISHED', case when n % 100 > 0 then 'S' end
            from generate_series(1, 20000) n;
            analyze callrec.couples;
            """)
        let source = try await fixture.source()
        let before = try await scans(fixture)
        let start = WallTime(microseconds: 1_767_225_600_000_000)
        let found = try await fixture.database.perform { session in
            try source.unmarked(in: start..<(start + 86_400), onlyFinished: true, on: session)
        }
        #expect(found.recordings == 14)
        #expect(try await scans(fixture) == before)
    }

    private func scans(_ fixture: CatalogFixture) async throws -> String? {
        try await fixture.run("select pg_sleep(0.1); select pg_stat_clear_snapshot()")
        return try await fixture.value(
            "select seq_scan from pg_stat_user_tables where schemaname = 'callrec' and relname = 'couples'")
    }
}
