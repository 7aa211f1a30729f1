import Foundation
import Postgres
import Support
import Testing

@Suite struct ScratchClusterTests {
    @Test func `a scratch database is empty, its own, and shares nothing with another`() async throws {
        let one = try await ScratchDatabase()
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

    @Test(.timeLimit(.minutes(5))) func `a cluster ends with a process that is killed`() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let cluster = try ScratchCluster()
            try ScratchClusterTests.write(cluster.directory, to: ScratchClusterTests.note(getppid()))
            kill(getpid(), SIGKILL)
        }
        let note = ScratchClusterTests.note(getpid())
        defer { unlink(note) }
        let directory = try String(contentsOfFile: note, encoding: .utf8)
        #expect(directory.contains("/cluster-"))
        while access(directory, F_OK) == 0 { usleep(10_000) }
        let commands = try ChildProcess.run(["/bin/ps", "-eo", "args"])
        #expect(!commands.contains(directory))
    }

    private static func note(_ process: pid_t) -> String { "/tmp/takeup-killed-\(process)" }
    private static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
