internal import Files
internal import Glibc
package import Ledger
package import Postgres
package import Vocabulary

/// A replay with any number of sources, and the built program to run on it. Everything ends with the test.
package final class ScratchSolution: Sendable {
    package let base: ScratchDatabase
    package let replay: Database
    package let directory: String
    package let settingsPath: String
    package let volume: String

    /// A source as the settings name it: a recorder, or another solution's replay.
    package struct Source: Sendable {
        package var name: String
        /// A libpq connection string.
        package var database: String
        package var mountPath: String
        package var mount: String
        /// More settings of the source, in TOML.
        package var more: String

        package init(_ name: String, database: String, mountPath: String, mount: String, more: String = "") {
            self.name = name
            self.database = database
            self.mountPath = mountPath
            self.mount = mount
            self.more = more
        }

        package init(_ recorder: PlainRecorder, more: String = "") {
            self.init(
                recorder.name, database: recorder.base.connectionString, mountPath: recorder.prefix,
                mount: recorder.prefix + recorder.root, more: more)
        }
    }

    /// - Parameter volume: an empty directory that becomes its volume, instead of one of its own.
    package init(_ schema: CallrecSchema = .new, volume: String? = nil) async throws {
        base = try await ScratchDatabase(schema.template)
        replay = base.connect(label: "replay")
        var pattern = Array("/tmp/takeup-solution-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no scratch directory") }
        directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        settingsPath = directory + "/takeup.toml"
        self.volume = volume ?? directory + "/volume"
        try ChildProcess.run(["/bin/mkdir", "-p", self.volume, directory + "/clear"])
        let root = try KernelFiles().openRoot(FilePath(self.volume))
        _ = try VolumeMarker.create(in: root.descriptor)
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }

    /// Writes the settings.
    package func configure(
        _ sources: [Source], synchro: String = "sleep_period = \"500ms\"", watching: String = "quiet = \"300ms\"",
        watermark: String = "97%", more: String = ""
    ) throws {
        let tables = sources.map { source in
            """
            [[sources]]
            name = "\(source.name)"
            database = "\(source.database)"
            mount_path = "\(source.mountPath)"
            mounts = [{ path = "\(source.mount)", mount_point = false }]
            time_zone = "UTC"
            \(source.more)

            """
        }.joined(separator: "\n")
        let text = """
            [replay]
            name = "replay1"
            database = "\(base.connectionString)"

            [[replay.volumes]]
            name = "a"
            path = "\(volume)"
            watermark = "\(watermark)"

            \(tables)
            [synchro]
            \(synchro)

            [watching]
            \(watching)

            [mux]
            temporary_directory = "\(directory)/clear"

            [journal]
            level = "debug"

            \(more)
            """
        try writeSample(Array(text.utf8), to: settingsPath)
    }

    /// Starts the agent of a source's mount.
    package func start(_ source: Source) throws -> ChildProcess {
        try ChildProcess(
            [try ScratchSite.builtProgram(), "agent", "--config", settingsPath, "--mount", source.mount],
            outputPath: logPath(source.name))
    }

    /// Starts a mux worker.
    package func startMux() throws -> ChildProcess {
        try ChildProcess(
            [try ScratchSite.builtProgram(), "mux", "--config", settingsPath], outputPath: logPath("mux"))
    }

    /// Runs a command of the program to its end.
    package func run(_ arguments: [String]) throws -> (code: Int, output: String) {
        let output = directory + "/output-\(UInt64.random(in: 0 ... .max))"
        let code = try ChildProcess([try ScratchSite.builtProgram()] + arguments, outputPath: output).wait()
        return (code, String(decoding: (try? readSample(output)) ?? [], as: UTF8.self))
    }

    package func logPath(_ name: String) -> String { "\(directory)/\(name).log" }
    package func log(_ name: String) -> String {
        (try? readSample(logPath(name))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    package func count(_ sql: String) async throws -> Int { try await replay.count(sql) }

    package func openProblems() async throws -> [Problem] {
        try await replay.perform { session in try Problems.open(limit: 1000, in: session) }
    }
}

extension Database {
    /// The number that a statement gives in its column `count`.
    package func count(_ sql: String) async throws -> Int {
        try await perform { session in Int(try session.first(sql)?.integer("count") ?? 0) }
    }

    /// Waits for a condition, asking every 50 ms. Gives whether it came in time.
    package func wait(upTo limit: Duration, until condition: (Database) async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if try await condition(self) { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await condition(self)
    }
}

/// A recorder with a database and one directory, to which a test adds what it wants.
package final class PlainRecorder: Sendable {
    package let name: String
    package let base: ScratchDatabase
    package let database: Database
    package let builder: CatalogBuilder
    /// What stands before the recorder's own paths here.
    package let prefix: String
    /// The recorder's own path of its directory.
    package let root = "/opt/callrec/data/calls"

    package init(_ name: String, _ schema: CallrecSchema = .new) async throws {
        self.name = name
        base = try await ScratchDatabase(schema.template)
        database = base.connect(label: name)
        builder = try await CatalogBuilder(database)
        var pattern = Array("/tmp/takeup-recorder-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no scratch directory") }
        prefix = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try ChildProcess.run(["/bin/mkdir", "-p", prefix + root])
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", prefix]) }

    /// Writes a file into the recorder's directory. Gives its row, with the true size.
    package func file(_ kind: MediaKind, _ name: String, _ bytes: [UInt8]) throws -> MediaSample {
        try ChildProcess.run(["/bin/mkdir", "-p", prefix + root + "/20261121"])
        let path = "\(root)/20261121/\(name)"
        try writeSample(bytes, to: prefix + path)
        return MediaSample(kind, FilePath(path), size: Int64(bytes.count))
    }

    /// Now, by the recorder's clock, in whole seconds.
    package static var now: WallTime { WallTime(microseconds: Int64(time(nil)) * 1_000_000) }

    /// Waits until every recording has a mark, and gives the marks by sid.
    package func marks(upTo limit: Duration) async throws -> [String: String] {
        _ = try await database.wait(upTo: limit) {
            try await $0.count("select count(*) from callrec.couples where synchronized is null") == 0
        }
        return try await database.perform { session in
            Dictionary(
                uniqueKeysWithValues: try session.query("select sid, synchronized from callrec.couples").map {
                    (try $0.text("sid"), try $0.optionalText("synchronized") ?? "-")
                })
        }
    }
}
