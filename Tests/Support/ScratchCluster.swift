internal import CLinux
internal import Glibc
package import Postgres
internal import Synchronization

/// A private PostgreSQL cluster on a Unix socket, in a directory of its own in memory or below `/tmp`.
///
/// It ends with the process that started it, however that ends: a guard waits for the end of a socket that only this
/// process holds, stops the server and removes the directory. Nothing here is durable: `fsync` is off.
package final class ScratchCluster: Sendable {
    package let directory: String
    private let guardSocket: CInt
    private let binaries: String
    private let options: [String]
    private let admin: Database
    private let names = Atomic<Int>(0)
    private let retired = Mutex<[String]>([])
    private let templates = Mutex<[String: Task<String, any Error>]>([:])

    /// The role that nobody gets in as without its password, ``rolePassword``.
    package static let passwordRole = "needs_password"
    package static let rolePassword = "correct horse battery staple"

    /// The cluster that all tests of this process share, started when first asked for.
    package static func shared() throws -> ScratchCluster { try sharedOutcome.get() }
    private static let sharedOutcome = Result { try ScratchCluster() }

    /// A cluster of its own, for tests that stop and start it, and for measuring. Blocks for about half a second.
    /// - Parameters:
    ///   - isDurable: below `/tmp`, and a commit is on the disk when it returns, as on a real server.
    ///   - settings: of the server, as `name=value`; they win over those that tests get.
    package init(isDurable: Bool = false, settings: [String] = []) throws {
        let home = try ScratchHome()
        binaries = home.binaries
        directory = try home.makeClusterDirectory(isDurable: isDurable)
        options = ScratchCluster.options(isDurable: isDurable) + settings
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw ChildProcess.Failure(description: "no socket for the guard of \(directory)")
        }
        guardSocket = ends[0]
        // Forked away, so that it is nobody's child here: what waits for any child must not find it.
        let launch = try ChildProcess(
            ["/usr/bin/setsid", "--fork", "/bin/sh", "-c", ScratchCluster.guardScript, "guard", directory],
            input: ends[1])
        guard launch.wait() == 0 else {
            throw ChildProcess.Failure(description: "the guard of \(directory) could not be started")
        }
        close(ends[1])
        admin = Database(
            ConnectionSettings(
                connectionString: "host=\(directory) dbname=postgres user=postgres", label: "scratch cluster"))
        try ChildProcess.run(ScratchHome.unprivileged(["/bin/cp", "-a", home.template, directory + "/data"]))
        try start()
    }

    deinit { close(guardSocket) }

    /// The same words, user included, for any database of the cluster.
    package func settings(database: String, label: String = "scratch") -> ConnectionSettings {
        ConnectionSettings(
            connectionString: "host=\(directory) dbname=\(database) user=postgres", applicationName: "takeup test",
            label: label)
    }

    /// Starts the server and returns when it takes connections.
    package func start() throws {
        let options = ["unix_socket_directories='\(directory)'"] + options
        try ChildProcess.run(
            ScratchHome.unprivileged([
                binaries + "/pg_ctl", "-D", directory + "/data", "-w", "-t", "60", "-s", "-l", directory + "/log",
                "-o", options.map { "-c \($0)" }.joined(separator: " "), "start",
            ]))
    }

    private static func options(isDurable: Bool) -> [String] {
        let lasting = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        return ["listen_addresses=''", "max_connections=500", "shared_buffers=64MB", "autovacuum=off"]
            + ["max_wal_size=256MB"] + (isDurable ? [] : lasting)
    }

    /// The server's process, whose children serve its connections.
    package func processID() throws -> Int32 {
        let text = String(decoding: try readSample(directory + "/data/postmaster.pid"), as: UTF8.self)
        guard let id = text.split(separator: "\n").first.flatMap({ Int32($0) }) else {
            throw ChildProcess.Failure(description: "the server of \(directory) does not run")
        }
        return id
    }

    /// Runs one of PostgreSQL's own programs on this cluster, as its superuser.
    package func run(_ program: String, _ arguments: [String]) throws {
        try ChildProcess.run([binaries + "/" + program, "-h", directory, "-U", "postgres"] + arguments)
    }

    /// Stops the server and breaks every connection; `immediate` is a crash.
    package func stop(immediate: Bool = false) throws {
        try ChildProcess.run(
            ScratchHome.unprivileged([
                binaries + "/pg_ctl", "-D", directory + "/data", "-w", "-s", "-m", immediate ? "immediate" : "fast",
                "stop",
            ]))
    }

    /// Makes a database with what `scripts` define, by copying one that is made of them once.
    func makeDatabase(_ template: ScratchTemplate) async throws -> String {
        let origin = try await templateDatabase(template)
        let name = nextName()
        try await admin.perform { session in
            // Copying files is twice as fast as copying through the log, which came with PostgreSQL 15.
            let strategy = session.serverVersion >= 150_000 ? " strategy file_copy" : ""
            try session.script("create database \(name) template \(origin)\(strategy)")
        }
        return name
    }

    /// Drops the database after some more have come to their end: a test may still hold a connection's settings when
    /// the object that made the database is gone.
    func retire(_ name: String) async throws {
        let due = retired.withLock { names in
            names.append(name)
            return names.count > ScratchCluster.retiredAtMost ? names.removeFirst() : nil
        }
        if let due { try await dropDatabase(due) }
    }
    private static let retiredAtMost = 20

    private func dropDatabase(_ name: String) async throws {
        try await admin.perform { session in try session.script("drop database if exists \(name) with (force)") }
    }

    private func nextName() -> String { "scratch_\(names.add(1, ordering: .relaxed).newValue)" }

    private func templateDatabase(_ template: ScratchTemplate) async throws -> String {
        if template.scripts.isEmpty { return "template0" }
        let task = templates.withLock { made in
            if let standing = made[template.name] { return standing }
            let task = Task { try await self.buildTemplate(template) }
            made[template.name] = task
            return task
        }
        return try await task.value
    }

    private func buildTemplate(_ template: ScratchTemplate) async throws -> String {
        let name = "template_\(nextName())"
        try await admin.perform { session in
            let locale = template.encoding == "UTF8" ? "" : " lc_collate 'C' lc_ctype 'C'"
            try session.script(
                "create database \(name) template template0 encoding '\(template.encoding)'\(locale)")
        }
        // The connection ends with its database object; a copy needs the template to itself.
        let database = Database(settings(database: name), connections: 1)
        try await database.perform { session in
            for script in template.scripts { try session.script(script) }
        }
        try await admin.perform { session in
            try session.script("alter database \(name) with allow_connections false")
            try session.query(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [.text(name)])
        }
        return name
    }

    /// Ends the server and the directory when its input ends.
    private static let guardScript = """
        read -r line
        server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        if [ -n "$server" ]; then
            kill -QUIT "$server"
            tries=0
            while kill -0 "$server" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
        fi 2>/dev/null
        rm -rf "$1"
        """
}

/// What a scratch database begins with.
package struct ScratchTemplate: Sendable {
    /// One name, one content: the scripts of the first that comes are run.
    package let name: String
    package let encoding: String
    package let scripts: [String]

    package init(name: String, encoding: String = "UTF8", scripts: [String]) {
        self.name = name
        self.encoding = encoding
        self.scripts = scripts
    }

    /// No tables at all.
    package static let empty = ScratchTemplate(name: "empty", scripts: [])
}
