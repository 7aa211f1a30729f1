internal import Catalogs
internal import Files
internal import Glibc
package import Ledger
package import Postgres
package import Vocabulary

/// A whole site in scratch places: a recorder with its two mounts, a replay with three volumes on two priorities, a
/// settings file, and the built program to run on them. Everything ends with the test.
package final class ScratchSite: Sendable {
    package let recorder: ScratchRecorder
    package let replayDatabase: ScratchDatabase
    package let replay: Database
    package let source: Database
    package let directory: String
    package let settingsPath: String
    package let volumes: [String]
    /// What stands before the recorder's own paths for the program: the recorder's own place, or, where the mounts are
    /// real ones, another one whose directories are empty.
    package let mountPath: String
    private let binary: String

    package enum Role: String, CaseIterable, Sendable {
        case calls, screens, mux
    }

    /// - Parameters:
    ///   - cluster: of its own where the test stops it.
    ///   - sourceSettings: settings of the source, instead of the interval.
    ///   - more: settings that stand at the end of the file.
    ///   - takesAnyBytes: the recorder's database has an encoding that says nothing.
    ///   - isMounted: the recorder's directories have to be mounted for the program, see ``mount(_:in:)``.
    package init(
        _ schema: CallrecSchema = .new, replaySchema: CallrecSchema = .new, cluster: ScratchCluster? = nil,
        notifies: Bool = true, watching: String = "", synchro: String = "sleep_period = \"1s\"",
        sourceSettings: String = "interval = \"last-week\"", more: String = "",
        takesAnyBytes: Bool = false, isMounted: Bool = false
    ) async throws {
        recorder = try await ScratchRecorder(schema, takesAnyBytes: takesAnyBytes)
        replayDatabase = try await ScratchDatabase(replaySchema.template, in: cluster)
        replay = replayDatabase.connect(label: "replay")
        source = recorder.database.connect(label: "source")
        var pattern = Array((ScratchPlace.root + "/takeup-site-XXXXXX").utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no scratch directory") }
        directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        settingsPath = directory + "/takeup.toml"
        volumes = ["a", "b", "overflow"].map { [directory] in directory + "/volumes/" + $0 }
        mountPath = isMounted ? directory + "/mounts" : recorder.mountPrefix
        binary = try ScratchSite.builtProgram()
        for path in volumes + [directory + "/clear", callsMount, screensMount] {
            try ChildProcess.run(["/bin/mkdir", "-p", path])
        }
        for path in volumes {
            let root = try KernelFiles().openRoot(FilePath(path))
            _ = try VolumeMarker.create(in: root.descriptor)
        }
        try await prepareDatabases(notifies: notifies)
        try writeSamples(
            settings(
                watching: watching, synchro: synchro, sourceSettings: sourceSettings, more: more, isMounted: isMounted))
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }

    package var callsMount: String { mountPath + recorder.layout.callsRoot }
    package var screensMount: String { mountPath + recorder.layout.screensRoot }
    package static let sourceName = SourceName("recorder1")

    private func prepareDatabases(notifies: Bool) async throws {
        let key = recorder.layout.keyID
        try await replay.perform { session in
            try session.execute(
                """
                insert into callrec.managed_keys (uuid, purpose, algorithm, strength, activationdate)
                values ($1, 'media', 'AES', 256, now())
                """, [.text(key)])
        }
        guard notifies else { return }
        let script = try ScratchSite.repositoryFile("units/sql/source-notify.sql")
        try await source.perform { session in try session.script(script) }
    }

    private func writeSamples(_ text: String) throws {
        try writeSample(Array(text.utf8), to: settingsPath)
    }

    package func settingsText() throws -> String { String(decoding: try readSample(settingsPath), as: UTF8.self) }

    /// Changes the settings file; processes read it when they start.
    package func rewriteSettings(_ change: (String) -> String) throws {
        let text = change(try settingsText())
        unlink(settingsPath)
        try writeSamples(text)
    }

    private func settings(watching: String, synchro: String, sourceSettings: String, more: String, isMounted: Bool)
        throws
        -> String
    {
        let media = try RecorderModelMedia.shared()
        let balances = [("a", 1, 70), ("b", 1, 30), ("overflow", 2, 100)]
        let volumeTables = balances.map { name, priority, balance in
            """
            [[replay.volumes]]
            name = "\(name)"
            path = "\(directory)/volumes/\(name)"
            priority = \(priority)
            balance = \(balance)
            watermark = "97%"

            """
        }.joined(separator: "\n")
        return """
            [replay]
            name = "replay1"
            state_directory = "\(directory)/state"
            database = "\(replayDatabase.connectionString)"

            \(volumeTables)
            [[sources]]
            name = "\(ScratchSite.sourceName)"
            database = "\(recorder.database.connectionString)"
            mount_path = "\(mountPath)"
            mounts = [
                { path = "\(callsMount)", mount_point = \(isMounted) },
                { path = "\(screensMount)", mount_point = \(isMounted) },
            ]
            \(sourceSettings)
            time_zone = "UTC"

            [synchro]
            \(synchro)

            [watching]
            \(watching)

            [mux]
            workers = 2
            temporary_directory = "\(directory)/clear"
            results_are_clear = true

            [[mux.keys]]
            name = "test"
            certificate_file = "\(media.certificatePath)"
            key_file = "\(media.keyPath)"

            [journal]
            level = "debug"

            \(more)
            """
    }

    // MARK: The program

    /// Mounts a recorder's directory where the program looks for it.
    package func mount(_ role: Role, in mounts: PrivateMounts) throws {
        let place = place(of: role)
        try mounts.run("mkdir -p \(place); mount --bind \(recorder.mountPrefix)\(root(of: role)) \(place)")
    }

    /// Takes the mount away; an empty directory stays.
    package func unmount(_ role: Role, in mounts: PrivateMounts) throws {
        // A file that is being read keeps its mount for as long.
        try mounts.run("n=0; until umount \(place(of: role)); do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.1; done")
    }

    private func root(of role: Role) -> String {
        role == .calls ? recorder.layout.callsRoot : recorder.layout.screensRoot
    }
    private func place(of role: Role) -> String { mountPath + root(of: role) }

    /// Starts a process of the program; its log is appended to.
    /// - Parameters:
    ///   - mounts: where it lives, if it does not see what all see.
    ///   - command: becomes the program in the end.
    package func start(
        _ role: Role, in mounts: PrivateMounts? = nil, behind command: [String] = []
    ) throws -> ChildProcess {
        let arguments: [String] =
            switch role {
            case .calls: ["agent", "--config", settingsPath, "--mount", callsMount]
            case .screens: ["agent", "--config", settingsPath, "--mount", screensMount]
            case .mux: ["mux", "--config", settingsPath]
            }
        return try ChildProcess((mounts?.entering ?? []) + command + [binary] + arguments, outputPath: logPath(role))
    }

    package func logPath(_ role: Role) -> String { directory + "/\(role.rawValue).log" }

    package func log(_ role: Role) -> String {
        (try? readSample(logPath(role))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Runs a command of the program to its end.
    package func run(_ arguments: [String]) throws -> (code: Int, output: String) {
        let output = directory + "/output-\(UInt64.random(in: 0 ... .max))"
        let code = try ChildProcess([binary] + arguments, outputPath: output).wait()
        return (code, String(decoding: (try? readSample(output)) ?? [], as: UTF8.self))
    }

    /// The program beside the tests that run.
    package static func builtProgram() throws -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        guard let found = realpath(bundle, &path) else {
            throw ChildProcess.Failure(description: "\(bundle) is not there")
        }
        let whole = FilePath(String(cString: found))
        return whole.parent.appending("takeup").displayText
    }

    /// A file of this repository.
    package static func repositoryFile(_ name: String) throws -> String {
        let root = FilePath(#filePath).parent.parent.parent
        return String(decoding: try readSample(root.appending(name).displayText), as: UTF8.self)
    }

    // MARK: Waiting and counting

    /// Waits for a condition, asking every 50 ms. Gives whether it came in time.
    package func wait(
        upTo limit: Duration, until condition: @Sendable () async throws -> Bool
    ) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await condition()
    }

    package func count(_ sql: String, in database: Database) async throws -> Int {
        try await database.perform { session in Int(try session.first(sql)?.integer("count") ?? 0) }
    }

    /// Recordings that the source has marked with S.
    package func markedCount() async throws -> Int {
        try await count("select count(*) from callrec.couples where synchronized = 'S'", in: source)
    }

    package func muxedCount() async throws -> Int {
        try await count("select count(*) from callrec.couples where mixed = 'M'", in: replay)
    }

    package func openProblems() async throws -> [Problem] {
        try await replay.perform { session in try Problems.open(limit: 1000, in: session) }
    }

    /// What mux workers left of recordings in their temporary directory. Slices of padding are kept there: they hold
    /// nothing of any recording.
    package func clearLeftovers() throws -> String {
        let clear = directory + "/clear"
        return try ChildProcess.run(
            ["/usr/bin/find", clear, "-mindepth", "1", "-not", "-path", clear + "/slices*"])
    }

    package func stagedLeftovers() throws -> [String] {
        try volumes.flatMap { volume in
            try ChildProcess.run(["/usr/bin/find", volume, "-name", ".takeup-*.part"]).split(separator: "\n").map(
                String.init)
        }
    }

    /// Files on the volumes that no media row of the replay names, but for markers and index files, which have none.
    package func unnamedFiles() async throws -> [String] {
        let named = try await replay.perform { session in
            Set(
                try session.query(
                    """
                    select cfpath from callrec.cfiles
                    union select convert_from(v.path, 'UTF8') || '/' || convert_from(r.path, 'UTF8')
                    from takeup.replica r join takeup.volume v on v.id = r.volume_id
                    where r.kind = 'INDEX' and r.state = 'held'
                    """
                ).map { try $0.text("cfpath") })
        }
        return try volumes.flatMap { volume in
            try ChildProcess.run(["/usr/bin/find", volume, "-type", "f", "-not", "-name", ".takeup-volume"])
                .split(separator: "\n").map(String.init)
        }.filter { !named.contains($0) }
    }

    /// What is not as it should be of recordings that should have arrived; empty when all is well. Checked by the
    /// replay's rows and the bytes on the volumes, not by the ledger.
    package func defects(of truths: [RecorderModelTruth]) async throws -> [String] {
        var defects: [String] = []
        for truth in truths where truth.arrives {
            guard let sid = truth.sid else { continue }
            let rows = try await replay.perform { session in
                try session.query(
                    """
                    select c.id, c.mixed, f.cftype, f.cfpath from callrec.couples c
                    left join callrec.cfiles f on f.cplid = c.id where c.sid = $1
                    """, [.text(sid)])
            }
            let couples = Set(try rows.map { try $0.integer("id") })
            if couples.count != 1 { defects.append("recording \(truth.number) is there \(couples.count) times") }
            var files: [String: Int] = [:]
            for row in rows {
                guard let path = try row.optionalText("cfpath") else { continue }
                files[RecorderModelChecksum.sha256(try readSample(path)), default: 0] += 1
            }
            for media in truth.media where files[media.sha256] != 1 {
                defects.append(
                    "media \(media.kind) of recording \(truth.number) is there \(files[media.sha256] ?? 0) times")
            }
            let results = files.values.reduce(0, +) - truth.media.count
            if truth.isPair && results != 1 { defects.append("recording \(truth.number) has \(results) muxed files") }
            if !truth.isPair && results != 0 {
                defects.append("recording \(truth.number) has files too many: \(results)")
            }
        }
        return defects
    }
}
