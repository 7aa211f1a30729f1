import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

/// What a source is asked, by its own count. The figures stand in docs/performance.md.
@Suite(.serialized) struct SourceLoadTests {
    /// Statements of one look, whatever it finds, and of one batch of marks.
    private static let ofLook = 8
    private static let ofMarks = 12

    private func fixture(_ schema: CallrecSchema, recordings: Int) async throws -> (ScratchDatabase, Database) {
        let cluster = try ScratchCluster(settings: ["shared_preload_libraries=pg_stat_statements"])
        let scratch = try await ScratchDatabase(schema.template, in: cluster)
        let database = scratch.connect(connections: 1)
        let builder = try await CatalogBuilder(database)
        try await database.transaction { session in
            for number in 0..<recordings {
                try builder.add(
                    RecordingSample("s\(number)", stop: RecordingSample.noon + Int64(number)).media(sound, screen)
                        .data("a", "1").data("b", "2"), on: session)
            }
        }
        try await database.perform { try $0.script("create extension pg_stat_statements") }
        return (scratch, database)
    }

    private func statements(_ database: Database, _ work: () async throws -> Void) async throws -> Int64 {
        try await database.perform { try $0.query("select pg_stat_statements_reset()") }
        try await work()
        return try await database.perform { session in
            try session.first(
                """
                select sum(calls)::bigint - 1 as count from pg_stat_statements
                where toplevel and dbid = (select oid from pg_database where datname = current_database())
                """)?.integer("count") ?? -1
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: CallrecSchema.allCases)
    func `a look and a batch of marks are a number of statements that does not grow with them`(
        _ schema: CallrecSchema
    ) async throws {
        let (scratch, database) = try await fixture(schema, recordings: 300)
        let catalog = try await database.perform { session in
            try SourceCatalog(source: "north", timeZone: "Europe/Prague", reading: session)
        }
        var batch = SourceBatch(rows: [], next: nil)
        for limit in [2, 200] {
            let count = try await statements(database) {
                batch = try await database.perform { session in
                    _ = try catalog.localNow(on: session)
                    return try catalog.look(
                        .thatDay, limit: limit, newest: limit / 2, ids: [1, 2, 3], on: session)
                }
            }
            #expect(batch.next != nil && batch.rows.count > limit)
            #expect(count <= SourceLoadTests.ofLook, "\(count) statements for a look of \(limit)")
        }
        let requests = batch.rows.compactMap(\.recording).map {
            MarkRequest(id: $0.id, mark: .synchronized, fingerprint: Fingerprint(of: $0))
        }
        #expect(requests.count > 200 && Set(requests.map(\.id)).count == requests.count)
        let marked = requests
        let count = try await statements(database) {
            let outcomes = try await catalog.setMarks(marked, in: database)
            #expect(outcomes.values.allSatisfy { $0 == .marked })
        }
        #expect(count <= SourceLoadTests.ofMarks, "\(count) statements for \(requests.count) marks")
        _ = scratch
    }

    @Test(.timeLimit(.minutes(2)))
    func `one recording that is held by others costs a batch of marks a few halves, and not each its own`()
        async throws
    {
        let (scratch, database) = try await fixture(.new, recordings: 256)
        let settings = scratch.settings(label: "catalog")
        let marking = Database(settings, connections: 1)
        let catalog = try await database.perform { session in
            try SourceCatalog(source: "north", timeZone: "Europe/Prague", reading: session)
        }
        let rows = try await database.perform { try catalog.recordings(.thatDay, limit: 256, on: $0).rows }
        let requests = rows.compactMap(\.recording).map {
            MarkRequest(id: $0.id, mark: .synchronized, fingerprint: Fingerprint(of: $0))
        }
        let held = requests[100].id
        let holder = scratch.connect(connections: 1)
        try await holder.perform { session in
            try session.execute("begin")
            try session.execute("select 1 from callrec.couples where id = $1 for update", [.integer(held)])
        }
        let count = try await statements(database) {
            let others = requests.filter { $0.id != held }
            // The one that is held waits as long as a statement may; here nobody wants to see that.
            let release = Task {
                try await Task.sleep(for: .milliseconds(300))
                try await holder.perform { session in _ = try session.query("select 1 as one") }
            }
            let outcomes = try await catalog.setMarks(requests, in: marking)
            try await release.value
            #expect(others.allSatisfy { outcomes[$0.id] == .marked })
        }
        #expect(count < 250, "\(count) statements")
    }
}
