import Postgres
import Support
import Testing
import Vocabulary

@testable import Ledger

/// Statements of many rows cost so much for each row, however many there are: joins of their own arrays would cost the square,
/// as agents switch joins by hashes and by merging off.
@Suite struct BatchCostTests {
    @Test(arguments: [100, 800])
    func `what plans drop and what goes back costs so much for each row`(count: Int) async throws {
        let scratch = try await ScratchDatabase()
        var reach = scratch.settings()
        reach.looksUpByKey = true
        let database = Database(reach, connections: 1)
        let ids = (1...Int64(count)).map { $0 }
        try await database.transaction { session in
            _ = try Migrations.apply(program: "test", in: session)
            try Plans.write(ids.map { Sample.plan(id: $0) }, in: session)
        }
        try await database.transaction { session in
            let plans = ids.map { Sample.plan(id: $0) }
            let dropped = try PlanCost.rows(of: Plans.dropStatement, Plans.dropValues(plans), in: session)
            #expect(dropped <= 12 * count, "\(dropped) rows for \(count) plans")
            let claimed = try Transfers.claim(
                mount: Sample.mount, holder: Sample.holder, limit: count, newest: 0, lease: .seconds(60), in: session)
            #expect(claimed.count == count, "nothing that is promised was dropped")
            let releases = claimed.compactMap(\.claim).map {
                TransferRelease(claim: $0, delay: .seconds(60), error: "no", look: (7, 8), isFailure: true)
            }
            let released = try PlanCost.rows(
                of: Transfers.releaseStatement, Transfers.releaseValues(releases), in: session)
            #expect(released <= 12 * count, "\(released) rows for \(count) transfers")
        }
        let back = try await database.perform { session in
            try session.first(
                """
                select count(*) from takeup.transfer
                where state = 'waiting' and failures = 1 and last_error = 'no' and seen_size = 7 and seen_modified = 8
                """)?.count("count")
        }
        #expect(back == count)
    }

    @Test func `a join of two arrays would be seen`() async throws {
        let scratch = try await ScratchDatabase()
        var reach = scratch.settings()
        reach.looksUpByKey = true
        let rows = try await Database(reach, connections: 1).perform { session in
            let ids = Value.integers((1...Int64(300)).map { $0 })
            return try PlanCost.rows(
                of: "select from unnest($1::bigint[]) as one join unnest($2::bigint[]) as other on one = other",
                [ids, ids],
                in: session)
        }
        #expect(rows > 300 * 200)
    }
}
