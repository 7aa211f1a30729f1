import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct MarkingTests {
    @Test(arguments: ["system_identifier", "timeline", "database_oid"])
    func `marking stops when the database is not the one it was, until an audit has passed`(column: String)
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            #expect(try Marking.check(in: session) == nil)
            #expect(try Marking.check(in: session) == nil)
            try session.execute("update takeup.meta set \(column) = \(column) - 1")
            let reason = try #require(try Marking.check(in: session))
            #expect(reason.hasPrefix("The replay database"))
            #expect(try Marking.check(in: session) == reason)
            try Marking.stop(reason: "another reason", in: session)
            #expect(try Marking.stopped(in: session) == reason)
            try Marking.resume(in: session)
            #expect(try Marking.check(in: session) == nil)
        }
    }

    @Test func `a copy of the database is known as another one`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in _ = try Marking.check(in: session) }
        // A copy needs the original to itself, so it is told of by what a dump would carry over.
        let known = try await ledger.database.perform { session in
            try session.first("select system_identifier, timeline, database_oid from takeup.meta")
        }
        let row = try #require(known)
        let values: [Value] = [
            .integer(try row.integer("system_identifier")), .integer(try row.integer("timeline")),
            .integer(try row.integer("database_oid")),
        ]
        let restored = try await LedgerDatabase()
        try await restored.transaction { session in
            try session.execute(
                "update takeup.meta set system_identifier = $1, timeline = $2, database_oid = $3", values)
            #expect(try Marking.check(in: session)?.contains("restored from a dump") == true)
        }
    }
}
