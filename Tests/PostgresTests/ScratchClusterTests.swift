import Postgres
import Support
import Testing

@Suite struct ScratchClusterTests {
    @Test func `a scratch database is empty, its own, and quick to make`() async throws {
        _ = try await ScratchDatabase()
        let clock = ContinuousClock()
        let start = clock.now
        let one = try await ScratchDatabase()
        #expect(start.duration(to: clock.now) < .seconds(2))
        let other = try await ScratchDatabase()
        #expect(one.name != other.name)
        let name = try await one.connect().perform { session in
            try session.script("create table here (a int)")
            return try session.first("select current_database()::text as name")?.text("name")
        }
        #expect(name == one.name)
        let tables = try await other.connect().perform { session in
            try session.query("select 1 from pg_tables where tablename = 'here'").count
        }
        #expect(tables == 0)
    }

    @Test func `a template is built once and copied`() async throws {
        let template = ScratchTemplate(
            name: "with a table", scripts: ["create table t (a int); insert into t values (7)"])
        for _ in 0..<3 {
            let database = try await ScratchDatabase(template)
            let number = try await database.connect().perform { session in
                try session.first("select a from t")?.integer("a")
            }
            #expect(number == 7)
        }
    }
}
