import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct MigrationsTests {
    @Test func `eight agents that start together migrate once`() async throws {
        let scratch = try await ScratchDatabase()
        let database = scratch.connect(connections: 8)
        let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await database.transaction { session in try Migrations.apply(program: "1.0", in: session) }
                }
            }
            return try await group.reduce(into: [[Int]]()) { $0.append($1) }
        }
        #expect(applied.filter { !$0.isEmpty } == [Array(1...Migrations.current)])
        try await database.perform { session in
            let rows = try session.query(
                "select version, program, applied_at > now() - interval '1 hour' as fresh from takeup.migration")
            #expect(try rows.map { try $0.integer("version") } == Array(1...Int64(Migrations.current)))
            #expect(try rows.allSatisfy { try $0.boolean("fresh") && $0.text("program") == "1.0" })
            try Migrations.confirm(in: session)
        }
    }

    @Test func `a schema newer than the program is refused with a sentence`() async throws {
        let ledger = try await LedgerDatabase()
        let newer = Int64(Migrations.current + 1)
        try await ledger.transaction { session in
            _ = try session.execute(
                "insert into takeup.migration (version, name, program) values ($1, 'later', '9.0')", [.integer(newer)])
        }
        let error = await #expect(throws: LedgerError.self) {
            try await ledger.transaction { session in _ = try Migrations.apply(program: "1.0", in: session) }
        }
        #expect(error?.code == .newerSchema)
        #expect(error?.description.contains("install the version of Takeup") == true)
    }

    @Test func `a database without the ledger is named as such`() async throws {
        let scratch = try await ScratchDatabase()
        let error = await #expect(throws: LedgerError.self) {
            try await scratch.connect().perform { session in try Migrations.confirm(in: session) }
        }
        #expect(error?.code == .olderSchema)
    }

    @Test func `a role without the right to create starts on a schema that is up to date, and can tell the database`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            try session.script(
                """
                create role takeup_plain;
                grant usage on schema takeup to takeup_plain;
                grant select, insert, update, delete on all tables in schema takeup to takeup_plain;
                set local role takeup_plain;
                """)
            #expect(try Migrations.apply(program: "1.0", in: session) == [])
            #expect(try Marking.check(in: session) == nil)
        }
    }
}
