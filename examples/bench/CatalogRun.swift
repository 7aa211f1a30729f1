internal import Files
internal import Glibc
internal import Postgres
internal import Support
internal import Vocabulary

/// One run of the built program against a large source.
final class CatalogRun: Sendable {
    private let plan: CatalogPlan
    private let cluster: ScratchCluster
    private let sourceDatabase: ScratchDatabase
    private let replayDatabase: ScratchDatabase
    private let source: Database
    private let replay: Database
    private let directory: String

    /// What was promised of a source with millions of recordings.
    private static let readyBar = 5.0
    private static let memoryBar = 150.0
    private static let rateBar = 2000.0
    /// Statements that a recorder may see in a second, however much there is to do.
    private static let statementBar = 150.0

    init(_ plan: CatalogPlan, _ cluster: ScratchCluster) async throws {
        self.plan = plan
        self.cluster = cluster
        sourceDatabase = try await ScratchDatabase(CallrecSchema.new.template, in: cluster)
        replayDatabase = try await ScratchDatabase(CallrecSchema.new.template, in: cluster)
        var settings = sourceDatabase.settings(label: "source")
        settings.statementTimeout = .seconds(600)
        source = Database(settings, connections: 1)
        replay = replayDatabase.connect(label: "replay", connections: 1)
        var pattern = Array("/tmp/takeup-catalog-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw BenchFailure(description: "no scratch directory") }
        directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }

    func figures(_ peers: CatalogPeers?) async throws -> [Figure] {
        let filled = ContinuousClock.now
        try await fill()
        print("the source was filled in \(Int((ContinuousClock.now - filled) / .seconds(1))) s")
        try writeSettings()
        for database in [source, replay] {
            try await database.perform { try $0.script("create extension pg_stat_statements") }
        }
        let start = ContinuousClock.now
        let process = try ChildProcess(
            [
                try ScratchSite.builtProgram(), "agent", "--config", directory + "/takeup.toml", "--mount",
                directory + "/mnt/opt/callrec/data/calls",
            ], outputPath: directory + "/agent.log")
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        let server = try cluster.processID()
        while !log().contains("serves mount") {
            guard ContinuousClock.now - start < .seconds(60) else {
                throw BenchFailure(description: "the agent did not come up: \(log())")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        let ready = (ContinuousClock.now - start) / .seconds(1)
        let serverBefore = ProcessCost.of(server)
        let began = ContinuousClock.now
        try await waitForMarks(since: began)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let statements = try await statementCount() / seconds
        let cost = ProcessCost.of(process.id)
        let serverCost = ProcessCost.of(server).since(serverBefore)
        if plan.printsStatements { try await printStatements() }
        try await check()
        let thousands = Double(plan.backlog) / 1000
        return [
            Figure("ready, from the start of the process", "s", ready, bar: CatalogRun.readyBar),
            Figure(
                "reconciled, committed and marked", "recordings / s", Double(plan.backlog) / seconds,
                peer: peers?.rowByRow, limit: peers?.byThousand, least: CatalogRun.rateBar),
            Figure("peak memory of the agent", "MiB", cost.peakMemory, bar: CatalogRun.memoryBar),
            Figure("statements at the source while it works", "/ s", statements, bar: CatalogRun.statementBar),
            Figure("statements at the source", "/ 1,000 recordings", statements * seconds / thousands),
            Figure("statements at the source, nothing to do", "/ s", try await idleStatements()),
            Figure("CPU of the agent", "s / 1,000 recordings", cost.cpu / thousands),
            Figure("CPU of PostgreSQL, source and replay", "s / 1,000 recordings", serverCost.cpu / thousands),
        ]
    }

    // MARK: The source

    private func fill() async throws {
        let (count, newest) = (plan.recordings, CatalogRows.newest(plan.backlog))
        let step = 100_000
        for first in stride(from: 1, through: count, by: step) {
            let last = min(first + step - 1, count)
            let range: [Value] = [.integer(Int64(first)), .integer(Int64(last))]
            let all = range + [.integer(Int64(count)), .integer(Int64(newest))]
            let hasData = last > count - newest
            try await source.transaction(isDurable: false) { session in
                try session.execute("set local session_replication_role = replica")
                for statement in CatalogRows.recordings { try session.execute(statement, all) }
                try session.execute(CatalogRows.media, range)
                if hasData { try session.execute(CatalogRows.externalData, range) }
            }
        }
        try await source.perform { session in
            for table in ["calls", "couples", "cfiles", "couple_extdata"] {
                try session.script("vacuum analyze callrec.\(table)")
            }
            try session.script("checkpoint")
        }
        let script = try ScratchSite.repositoryFile("units/sql/source-notify.sql")
        try await source.perform { session in try session.script(script) }
    }

    private func writeSettings() throws {
        let mounts = ["calls", "screens"].map { directory + "/mnt/opt/callrec/data/" + $0 }
        let volume = directory + "/volume"
        for path in mounts + [volume] { try ChildProcess.run(["/bin/mkdir", "-p", path]) }
        let root = try KernelFiles().openRoot(FilePath(volume))
        _ = try VolumeMarker.create(in: root.descriptor)
        try writeSample(
            Array(
                """
                [replay]
                name = "replay1"
                database = "\(replayDatabase.connectionString)"
                [[replay.volumes]]
                name = "a"
                path = "\(volume)"
                watermark = "97%"
                [[sources]]
                name = "recorder1"
                database = "\(sourceDatabase.connectionString)"
                mount_path = "\(directory)/mnt"
                mounts = [
                    { path = "\(mounts[0])", mount_point = false },
                    { path = "\(mounts[1])", mount_point = false },
                ]
                interval = "last-week"
                time_zone = "UTC"
                copy_files = false
                allow_mark_without_copy = true
                [synchro]
                calls_per_period = \(plan.batch)
                """.utf8), to: directory + "/takeup.toml")
    }

    // MARK: What happens

    private func log() -> String {
        (try? readSample(directory + "/agent.log")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func waitForMarks(since start: ContinuousClock.Instant) async throws {
        var last = (at: start, marks: 0)
        while true {
            try await Task.sleep(for: .milliseconds(250))
            let marks = try await count(
                "select coalesce(sum(items), 0)::bigint as count from takeup.tally where what = 'marks'", replay)
            if marks >= plan.backlog { return }
            if ContinuousClock.now - last.at > .seconds(10) {
                guard marks > last.marks else {
                    throw BenchFailure(description: "stands still at \(marks) marks: \(log().suffix(4000))")
                }
                let rate = Double(marks - last.marks) / ((ContinuousClock.now - last.at) / .seconds(1))
                print("\(marks) marked, \(Int(rate)) a second")
                last = (ContinuousClock.now, marks)
            }
        }
    }

    /// By the rows of both databases, not by the ledger.
    private func check() async throws {
        let unmarked = try await count(
            """
            select count(*) as count from callrec.couples
            where synchronized is null and stop_ts > localtimestamp - interval '8 days'
            """, source)
        let whole = try await count(
            """
            select count(*) as count from callrec.couples p where p.cfcnt = 2
                and (select count(*) from callrec.couple_extdata e where e.cplid = p.id) = 5
                and (select count(*) from callrec.cfiles f
                    where f.cplid = p.id and f.cfpath like '\(directory)/mnt/opt/callrec/data/%') = 2
            """, replay)
        guard unmarked == 0, whole == plan.backlog else {
            throw BenchFailure(description: "\(unmarked) are not marked, \(whole) of \(plan.backlog) are whole")
        }
    }

    private func idleStatements() async throws -> Double {
        try await Task.sleep(for: .seconds(3))
        let before = try await statementCount()
        try await Task.sleep(for: .seconds(20))
        return (try await statementCount() - before) / 20
    }

    private func statementCount() async throws -> Double {
        Double(
            try await count(
                """
                select coalesce(sum(calls), 0)::bigint as count from pg_stat_statements
                where toplevel and dbid = (select oid from pg_database where datname = '\(sourceDatabase.name)')
                """, replay))
    }

    private func count(_ sql: String, _ database: Database) async throws -> Int {
        try await database.perform { session in Int(try session.first(sql)?.integer("count") ?? 0) }
    }

    private func printStatements() async throws {
        for (name, words) in [(sourceDatabase.name, "source"), (replayDatabase.name, "replay")] {
            let lines = try await replay.perform { session in
                try session.query(
                    """
                    select format('%8s calls %9s ms run %9s ms planned %9s rows %s  %s', calls,
                        round(total_exec_time::numeric, 1), round(total_plan_time::numeric, 1), rows,
                        case when toplevel then ' ' else '>' end,
                        left(regexp_replace(query, '\\s+', ' ', 'g'), 130)) as line
                    from pg_stat_statements
                    where dbid = (select oid from pg_database where datname = $1)
                    order by total_exec_time + total_plan_time desc limit 24
                    """, [.text(name)]
                ).map { try $0.text("line") }
            }
            print("statements at the \(words):")
            print(lines.joined(separator: "\n"))
        }
    }
}
