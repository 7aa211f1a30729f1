import Postgres
import Support
import Testing
import Vocabulary

@testable import Catalogs

/// Rows that are changed together cost so much for each, however many they are.
@Suite struct CatalogBatchCostTests {
    @Test(arguments: [60, 480])
    func `what replaces media and what changes recordings costs so much for each row`(count: Int) async throws {
        let fixture = try await CatalogFixture(.new)
        for number in 0..<count {
            try await fixture.builder.add(RecordingSample("sid-\(number)").media(sound))
        }
        var reach = fixture.scratch.settings()
        reach.looksUpByKey = true
        let database = Database(reach, connections: 1)
        let catalog = try await fixture.replay()
        let rows = try await fixture.source()
        try await database.transaction { session in
            let ids = try session.query("select id from callrec.cfiles order by id").map { try $0.integer("id") }
            let media = ids.map { (id: $0, row: MediaRow(kind: .audio, path: FilePath("/x/\($0)"), size: $0)) }
            let (statement, values) = try catalog.replacement(media)
            let replaced = try PlanCost.rows(of: statement, values, in: session)
            #expect(replaced <= 12 * count, "\(replaced) rows for \(count) media")
            let couples = try session.query("select id from callrec.couples order by id").map { try $0.integer("id") }
            let recordings = try rows.recordings(ids: couples, on: session).compactMap(\.recording)
            #expect(recordings.count == count)
            let change = try #require(
                catalog.change(recordings.map { ($0.id, $0) }, isOverwriting: true))
            let changed = try PlanCost.rows(of: change.statement, change.values, in: session)
            #expect(changed <= 12 * count, "\(changed) rows for \(count) recordings")
        }
        let right = try await fixture.value(
            "select count(*) from callrec.cfiles where cfpath = '/x/' || id and cfsize = id")
        #expect(right == "\(count)")
    }
}
