import Postgres
import Support
import Testing

@Suite struct DatabaseTests {
    /// A table of one row with a number, and one of unique names.
    static let template = ScratchTemplate(
        name: "numbers",
        scripts: ["create table t (a int); insert into t values (0); create table names (name text unique)"])

    @Test func `a transaction that throws leaves nothing, and the session goes on`() async throws {
        struct Enough: Error {}
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let database = scratch.connect(connections: 1)
        await #expect(throws: Enough.self) {
            try await database.transaction { session in
                try session.execute("update t set a = 1")
                throw Enough()
            }
        }
        #expect(try await number(database) == 0)
    }

    @Test func `two that write in each other's way both get through`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let database = scratch.connect(connections: 2)
        let runs = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await database.transaction(.serializable) { session in
                        runs.add()
                        let number = try session.first("select a from t")?.integer("a") ?? 0
                        try session.execute("update t set a = $1", [.integer(number + 1)])
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await number(database) == 20)
        #expect(runs.count >= 20)
    }

    @Test func `a serialization failure runs the body again`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let (one, other) = (scratch.connect(connections: 1), scratch.connect(connections: 1))
        let runs = Counter()
        try await one.transaction(.repeatableRead) { session in
            try session.query("select a from t")
            if runs.add() == 1 {
                try blocking(other) { try $0.execute("update t set a = 5") }
            }
            try session.execute("update t set a = a + 1")
        }
        #expect(runs.count == 2)
        #expect(try await number(one) == 6)
    }

    @Test func `a unique violation runs the body again only where that is asked for`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let database = scratch.connect(connections: 1)
        let runs = Counter()
        try await database.transaction(rerunsUniqueViolations: true) { session in
            // The first run does not look.
            let isFirst = runs.add() == 1
            if isFirst { try session.execute("insert into names values ('x')") }
            let isThere = try session.first("select 1 as one from names where name = 'x'") != nil
            if isFirst || !isThere { try session.execute("insert into names values ('x')") }
            if !isFirst && isThere {
                throw PostgresError(code: .other, doing: "test", message: "kept from the first run")
            }
        }
        #expect(runs.count == 2)
        let error = await #expect(throws: PostgresError.self) {
            try await database.transaction { try $0.execute("insert into names values ('x')") }
        }
        #expect(error?.code == .uniqueViolation)
        #expect(error?.constraint == "names_name_key")
    }

    @Test func `a failed statement whose error was passed over is no commit`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let database = scratch.connect(connections: 1)
        await #expect(throws: PostgresError.self) {
            try await database.transaction { session in
                try session.execute("update t set a = 1")
                _ = try? session.execute("insert into nowhere values (1)")
            }
        }
        #expect(try await number(database) == 0)
    }

    @Test func `a COMMIT that the server never got is done again`() async throws {
        try await withProxy { database, proxy, direct in
            proxy.breakNextCommit(.beforeForwarding)
            try await database.transaction { try $0.execute("update t set a = a + 1") }
            #expect(proxy.dropCount == 1)
            #expect(try await number(direct) == 1)
        }
    }

    @Test func `a COMMIT whose answer is lost counts once`() async throws {
        try await withProxy { database, proxy, direct in
            proxy.breakNextCommit(.afterForwarding)
            try await database.transaction { try $0.execute("update t set a = a + 1") }
            #expect(proxy.dropCount == 1)
            #expect(try await number(direct) == 1)
        }
    }

    @Test func `COMMITs that break again and again count once each`() async throws {
        try await withProxy { database, proxy, direct in
            for moment in [DroppingProxy.Moment.beforeForwarding, .afterForwarding, .beforeForwarding] {
                proxy.breakNextCommit(moment)
            }
            for _ in 0..<2 { try await database.transaction { try $0.execute("update t set a = a + 1") } }
            #expect(proxy.dropCount == 3)
            #expect(try await number(direct) == 2)
        }
    }

    @Test func `a lost COMMIT of a transaction that only read is no matter`() async throws {
        try await withProxy { database, proxy, _ in
            proxy.breakNextCommit(.afterForwarding)
            let count = try await database.transaction { try $0.query("select 1").count }
            #expect(count == 1)
        }
    }

    @Test func `a COMMIT that nobody can be asked about is neither done nor undone`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let proxy = try DroppingProxy(to: scratch.cluster)
        let database = Database(proxy.settings(for: scratch), connections: 1)
        proxy.breakNextCommit(.afterForwarding)
        let error = await #expect(throws: PostgresError.self) {
            try await database.transaction { session in
                try session.execute("update t set a = a + 1")
                // From here on nobody gets in.
                proxy.refuseConnections()
            }
        }
        #expect(error?.code == .commitUnknown)
        #expect(error?.isOutage == true)
        proxy.stop()
    }

    @Test func `a server that was restarted between two calls is not noticed`() async throws {
        let cluster = try ScratchCluster()
        let scratch = try await ScratchDatabase(DatabaseTests.template, in: cluster)
        let database = scratch.connect(connections: 1)
        #expect(try await number(database) == 0)
        for immediate in [false, true] {
            try cluster.stop(immediate: immediate)
            try cluster.start()
            #expect(try await number(database) == 0)
        }
    }

    @Test func `a server that is away is an outage, and over when it is back`() async throws {
        let cluster = try ScratchCluster()
        let scratch = try await ScratchDatabase(DatabaseTests.template, in: cluster)
        let database = scratch.connect(connections: 1)
        try cluster.stop()
        let error = await #expect(throws: PostgresError.self) { try await number(database) }
        #expect(error?.code == .unreachable)
        #expect(error?.isTransient == true && error?.isOutage == true)
        try cluster.start()
        #expect(try await number(database) == 0)
    }

    @Test func `a statement that takes too long ends, and the session goes on`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        var settings = scratch.settings()
        settings.statementTimeout = .milliseconds(50)
        let database = Database(settings, connections: 1)
        let error = await #expect(throws: PostgresError.self) {
            try await database.perform { try $0.query("select pg_sleep(30)") }
        }
        #expect(error?.code == .timeout)
        #expect(try await number(database) == 0)
    }

    @Test func `a transaction that stands still is ended by the server, and what it had locked is free`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        var settings = scratch.settings()
        settings.idleTransactionTimeout = .milliseconds(100)
        let still = Database(settings, connections: 1)
        let other = scratch.connect(connections: 1)
        let error = await #expect(throws: PostgresError.self) {
            try await still.transaction { session in
                try session.execute("update t set a = a + 1")
                // Waits for the row: without the limit for ever.
                try blocking(other) { try $0.execute("update t set a = a + 10") }
                try session.execute("update t set a = a + 1")
            }
        }
        #expect(error?.code == .connectionLost)
        #expect(try await number(still) == 10)
    }

    @Test func `statements are prepared anew when a table changes under them`() async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let database = scratch.connect(connections: 1)
        let columns = try await database.perform { session in
            _ = try session.query("select * from t")
            _ = try session.query("select 1")
            try session.script("alter table t add column b int")
            _ = try? session.query("select * from t")
            _ = try session.query("select 2")
            return try session.query("select * from t").first.map { [$0.has("a"), $0.has("b")] }
        }
        #expect(columns == [true, true])
    }

    @Test func `more statements than are kept prepared still run`() async throws {
        let scratch = try await ScratchDatabase()
        let sum = try await scratch.connect(connections: 1).perform { session in
            try (0..<600).reduce(0) { sum, index in
                try sum + (session.first("select \(index) + $1::bigint as value", [1])?.integer("value") ?? 0)
            }
        }
        #expect(sum == (1...600).reduce(0, +))
    }

    @Test func `a database of raw bytes gives them back as they are`() async throws {
        let scratch = try await ScratchDatabase(
            ScratchTemplate(name: "bytes", encoding: "SQL_ASCII", scripts: ["create table b (path text)"]))
        let bytes: [UInt8] = [0x2f, 0xe1, 0xff, 0x80, 0x20]
        let row = try await scratch.connect().perform { session in
            try session.execute("insert into b values ($1)", [.rawText(bytes)])
            return try session.first("select path from b")
        }
        #expect(try row?.raw("path") == bytes)
    }
}

extension DatabaseTests {
    private func number(_ database: Database) async throws -> Int64? {
        try await database.perform { try $0.first("select a from t")?.integer("a") }
    }

    private func withProxy(
        _ body: (_ database: Database, _ proxy: DroppingProxy, _ direct: Database) async throws -> Void
    ) async throws {
        let scratch = try await ScratchDatabase(DatabaseTests.template)
        let proxy = try DroppingProxy(to: scratch.cluster)
        defer { proxy.stop() }
        try await body(Database(proxy.settings(for: scratch), connections: 1), proxy, scratch.connect(connections: 1))
    }
}
