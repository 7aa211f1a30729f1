import Postgres
import Support
import Testing

@Suite struct PipelineTests {
    private func database() async throws -> Database {
        try await ScratchDatabase(DatabaseTests.template).connect(connections: 1)
    }

    @Test func `what was sent goes before what is asked, and each question gets its own answer`() async throws {
        try await database().transaction { session in
            try session.send("create temporary table heard (id bigint)")
            try session.send("insert into heard select * from unnest($1::bigint[])", [.integers([3, 1, 2])])
            let (all, most) = try session.ask(
                Question("select id from heard order by id") { try $0.map { try $0.integer("id") } },
                Question("select max(id) as most from heard") { try $0.first?.integer("most") })
            #expect(all == [1, 2, 3])
            #expect(most == 3)
        }
    }

    @Test func `an error of what was sent is thrown by what waits next, and nothing of it is committed`() async throws {
        let database = try await database()
        try await database.perform { try $0.script("create table kept (id bigint primary key)") }
        let error = await #expect(throws: PostgresError.self) {
            try await database.transaction { session in
                try session.send("insert into kept values (1)")
                try session.send("insert into kept values (1)")
                try session.send("insert into kept values (2)")
                return try session.answer(Question("select count(*) as count from kept") { $0.count })
            }
        }
        #expect(error?.code == .uniqueViolation)
        let left = try await database.perform { try $0.query("select id from kept") }
        #expect(left.isEmpty)
    }

    @Test func `an error of the last thing sent fails the commit`() async throws {
        let database = try await database()
        await #expect(throws: PostgresError.self) {
            try await database.transaction { try $0.send("select 1/0") }
        }
        await #expect(throws: PostgresError.self) { try await database.perform { try $0.send("select 1/0") } }
        #expect(try await database.perform { try $0.first("select 7 as seven")?.integer("seven") } == 7)
    }

    @Test func `a statement that could not be prepared is prepared anew`() async throws {
        let database = try await database()
        for isThere in [false, true] {
            if isThere { try await database.perform { try $0.script("create table late (id bigint)") } }
            let count = try? await database.perform { session in
                try session.ask(
                    Question("select 1 as one") { $0.count }, Question("select id from late") { $0.count }
                ).1
            }
            #expect(count == (isThere ? 0 : nil))
        }
    }

    @Test func `a body that throws leaves a session that can be used`() async throws {
        struct Enough: Error {}
        let database = try await database()
        for _ in 0..<3 {
            await #expect(throws: Enough.self) {
                try await database.perform { session in
                    try session.send("select 1")
                    throw Enough()
                }
            }
            await #expect(throws: Enough.self) {
                try await database.transaction { session in
                    try session.send("select 1")
                    throw Enough()
                }
            }
        }
        #expect(try await database.perform { try $0.query("select 1").count } == 1)
    }
}
