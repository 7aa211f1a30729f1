@testable import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceStatementsTests {
    @Test(arguments: CallrecSchema.allCases)
    func `statements are of PostgreSQL 9.1`(_ schema: CallrecSchema) async throws {
        let source = try await CatalogFixture(schema).source()
        let statements = source.statements
        let wanted: [WantedMarks] = [.none, .noneOr([.erroneous]), .only([.synchronized])]
        let all =
            wanted.flatMap {
                [
                    statements.page(SourceQuery.thatDay.marks($0)), statements.newest(SourceQuery.thatDay.marks($0)),
                    statements.page(SourceQuery.thatDay.marks($0).newestFirst),
                ]
            }
            + [
                statements.byID, statements.media, statements.externalData, statements.lock(several: true),
                statements.lock(several: false), statements.mark,
            ]
        let newer = [
            "on conflict", "skip locked", "lateral", "json", "filter (", "within group", "ordinality", "to_regclass",
            "regnamespace", "array_position", "make_timestamp", "format(", "concat(", "left(", "cardinality", "no key",
            "if not exists", "materialized", "string_agg(distinct", "generated", "txid_status", "gen_random",
        ]
        for statement in all {
            for word in newer { #expect(!statement.lowercased().contains(word), "\(word) in \(statement)") }
        }
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a look among 100,000 recordings uses the indexes`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.run(SourceStatementsTests.history)
        let source = try await fixture.source()
        let upper = RecordingSample.noon
        // The last week of about a year, where a few hundred wait.
        let query = SourceQuery(lower: upper + -7 * 86_400, upper: upper)
        let cursor: [Value] = [Value(query.lower), .integer(.min), Value(query.upper), 200, "Europe/Prague"]
        let page = try await plan(source.statements.page(query), cursor, fixture)
        let newest = try await plan(source.statements.newest(query), [cursor[0], cursor[2], 200, cursor[4]], fixture)
        let backwards = try await plan(source.statements.page(query.newestFirst), cursor, fixture)
        for plan in [page, newest, backwards] {
            #expect(plan.contains("couples_stop_synchronized"), "\(plan)")
            #expect(!plan.contains("Seq Scan on couples"), "\(plan)")
        }
        let ids = Value.integers((1...200).map { Int64($0) * 400 })
        for (statement, index) in [
            (source.statements.media, "cfiles_couple"), (source.statements.externalData, "couple_extdata_pkey"),
        ] {
            let plan = try await plan(statement, [ids], fixture)
            #expect(plan.contains(index) && !plan.contains("Seq Scan"), "\(plan)")
        }
        let byID = try await plan(source.statements.byID, [ids, cursor[4]], fixture)
        #expect(byID.contains("couples_pkey") && !byID.contains("Seq Scan on couples"), "\(byID)")
        let lock = try await plan(source.statements.lock(several: true), [ids], fixture)
        #expect(lock.contains("couples_pkey"), "\(lock)")
        let found = try await fixture.database.perform { try source.recordings(query, limit: 200, on: $0) }
        #expect(found.rows.count == 200 && found.next != nil)
    }

    private func plan(_ statement: String, _ values: [Value], _ fixture: CatalogFixture) async throws -> String {
        try await fixture.database.perform { session in
            try session.query("explain " + statement, values).map { try $0.text("QUERY PLAN") }.joined(separator: "\n")
        }
    }

    /// 100,000 recordings, five minutes apart, marked but for every tenth of the last week; triggers are slow and off.
    private static let history = """
        set session_replication_role = replica;
        insert into callrec.calls (id, start_ts, stop_ts)
            select i, at, at from (select i, timestamp '2026-11-20 12:00' - i * interval '5 minutes' as at
            from generate_series(1, 100000) i) numbered;
        insert into callrec.couples (id, callid, sid, start_ts, stop_ts, state, synchronized)
            select id, id, 'sid ' || id, start_ts, stop_ts, 'FINISHED',
                case when id > 2016 or id % 10 <> 0 then 'S' end from callrec.calls;
        update callrec.couples set synchronized = null where id <= 2016 and id % 5 = 0;
        insert into callrec.cfiles (cplid, cftype, cfsize, cfpath) select id, 'AUDIO', 1, '/' || id from callrec.calls;
        insert into callrec.couple_extdata (cplid, key, value) select id, 'k', id::text from callrec.calls;
        set session_replication_role = origin;
        analyze callrec.calls; analyze callrec.couples; analyze callrec.cfiles; analyze callrec.couple_extdata
        """
}
