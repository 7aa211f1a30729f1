import Catalogs
import Postgres
import Support
import Testing

@Suite struct SameDatabaseTests {
    @Test func `one database is known by whatever way it is reached`() async throws {
        let scratch = try await ScratchDatabase()
        let proxy = try DroppingProxy(to: scratch.cluster)
        defer { proxy.stop() }
        #expect(try await SameDatabase.isReached(by: scratch.settings(), and: proxy.settings(for: scratch)))
        #expect(try await SameDatabase.isReached(by: scratch.settings(), and: scratch.settings()))
    }

    @Test func `two databases are two, in one cluster and in two`() async throws {
        let one = try await ScratchDatabase()
        let two = try await ScratchDatabase()
        let other = try await ScratchDatabase(in: try ScratchCluster())
        #expect(try await SameDatabase.isReached(by: one.settings(), and: two.settings()) == false)
        #expect(try await SameDatabase.isReached(by: one.settings(), and: other.settings()) == false)
    }

    @Test func `a database that cannot be reached is an error, not an answer`() async throws {
        let one = try await ScratchDatabase()
        var nowhere = one.settings()
        nowhere.connectionString = "host=/nowhere dbname=x"
        let other = nowhere
        await #expect(throws: PostgresError.self) {
            try await SameDatabase.isReached(by: one.settings(), and: other)
        }
    }
}
