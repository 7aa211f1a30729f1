package import Glibc
internal import Postgres
internal import Vocabulary

/// Workers that carry out one batch of a play site together, by a ledger. All but the first are killed and started again,
/// whenever so many results are there as chance says.
package struct PlayCrew: Sendable {
    package let site: PlaySite
    package let ledger: ScratchDatabase
    /// A private one, for the workers' files.
    package let directory: String
    package var workers = 4
    package var kills = 0
    package var seed: UInt64 = 0
    /// Whether leases of the killed run out by themselves, which takes half a minute.
    package var awaitsLeases = false
    private let program: String

    package init(at site: PlaySite, ledger: ScratchDatabase, in directory: String) throws {
        self.site = site
        self.ledger = ledger
        self.directory = directory
        program = try ScratchSite.builtProgram()
    }

    /// What came of it, by the site itself, by who opens its results, and by the ledger.
    package struct Outcome: Sendable {
        package let exitCodes: [Int]
        package let elapsed: Duration
        package let verdict: PlaySite.Verdict
        package let proof: PlaySite.Proof
        /// How often each kind of question was asked.
        package let requests: [String: Int]
        /// Calls of the ledger that are not at rest, or were never looked at.
        package let unfinished: Int64
        /// What is left in the directory that the workers share.
        package let leftovers: String
        /// What attempts failed by, which were made again, and how often.
        package let failures: [String: Int]
    }

    package var logPath: String { directory + "/output" }
    package var log: String { (try? String(decoding: readSample(logPath), as: UTF8.self)) ?? "" }

    /// Results that are due.
    package var due: Int { site.pairs.count { !$0.late } }

    /// - Parameters:
    ///   - ended: gets each worker that has ended and was not waited for, so that its costs can still be read.
    ///   - registered: gets how many results were registered, now and then.
    package func run(
        ended: (pid_t) -> Void = { _ in }, registered: (Int) -> Void = { _ in }
    ) async throws -> Outcome {
        mkdir(directory + "/temp", 0o700)
        mkdir(directory + "/work", 0o700)
        var chance = SeededChance(state: seed)
        let moments = (0..<kills).map { _ in Int.random(in: 0..<max(1, due * 8 / 10), using: &chance) }.sorted()
        let database = ledger.connect()
        try await site.tell("DELETE", "requests")
        let begun = ContinuousClock.now
        var running = try (0..<workers).map { _ in try start() }
        do {
            for moment in moments {
                try await wait(for: moment, running, registered)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<700, using: &chance)))
                let number = Int.random(in: 1..<workers, using: &chance)
                let killed = running[number]
                killed.send(SIGKILL)
                end(killed, ended)
                if !awaitsLeases { try await release(killed, database) }
                running[number] = try start()
            }
            try await wait(for: .max, running, registered)
        } catch {
            for worker in running { worker.send(SIGKILL) }
            throw error
        }
        let codes = running.map { end($0, ended) }
        let elapsed = ContinuousClock.now - begun
        let unfinished = try await database.perform { session in
            try session.first(
                """
                select count(*) from takeup.site_call where state in ('claimed', 'failed') or failures > 0
                    or looked_at = '-infinity' or staged <> '{}'
                """)?.integer("count")
        }
        return Outcome(
            exitCodes: codes, elapsed: elapsed, verdict: try await site.verdict(), proof: try site.proof(),
            requests: try await site.requests().filter { $0.key.hasPrefix("rws") }, unfinished: unfinished ?? -1,
            leftovers: try ChildProcess.run(["/usr/bin/find", directory + "/temp", "-mindepth", "1"]),
            failures: failures)
    }

    private var failures: [String: Int] {
        var found: [String: Int] = [:]
        for line in log.split(separator: "\n") where line.contains("The site has no result") {
            let text = line.split(separator: ", attempt ").last?.drop { $0 != ":" }.dropFirst(2) ?? ""
            found[String(text.prefix(200)), default: 0] += 1
        }
        return found
    }

    private func start() throws -> ChildProcess {
        let file = "\(directory)/muxer-\(UInt32.random(in: 0 ... .max)).cfg"
        let text = try site.muxerFile([
            "processing.temp_dir": directory + "/temp", "logfile.logfile_path": directory,
            "advanced.worker_threads": "1",
            "advanced.call_recording_query_string": "userData=SRSScreenRecordingStateStarted",
        ])
        try writeSample(Array(text.utf8), to: file)
        return try ChildProcess(
            [
                "/usr/bin/env", "--chdir=\(directory)/work", program, "mux", "--config-file", file, "--ca-file",
                site.authorities.displayText, "--ledger", ledger.connectionString,
            ], outputPath: logPath)
    }

    private func hasEnded(_ worker: ChildProcess) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(worker.id), &information, WEXITED | WNOWAIT | WNOHANG) == 0
            && information.si_signo == SIGCHLD
    }

    @discardableResult
    private func end(_ worker: ChildProcess, _ ended: (pid_t) -> Void) -> Int {
        var information = siginfo_t()
        while waitid(P_PID, id_t(worker.id), &information, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
        ended(worker.id)
        return worker.wait()
    }

    /// The dead cannot renew.
    private func release(_ worker: ChildProcess, _ database: Database) async throws {
        try await database.perform { session in
            try session.execute(
                """
                update takeup.site_call set lease_until = statement_timestamp()
                where state = 'claimed' and holder like $1
                """, [.text("%/\(worker.id)/%")])
        }
    }

    /// Until so many results are registered, or all workers have ended. Throws where nothing is for ten minutes.
    private func wait(for count: Int, _ workers: [ChildProcess], _ registered: (Int) -> Void) async throws {
        var (last, since) = (-1, ContinuousClock.now)
        while true {
            let requests = try await site.requests()
            let now = requests["rws POST /internal-api/contact-centers/*/screen-recordings"] ?? 0
            registered(now)
            if now >= count || workers.allSatisfy(hasEnded) { return }
            if now != last { (last, since) = (now, .now) }
            guard ContinuousClock.now - since < .seconds(600) else {
                throw ChildProcess.Failure(description: "the work stands still\n\(log.suffix(4000))")
            }
            try await Task.sleep(for: .milliseconds(due > 1000 ? 500 : 100))
        }
    }
}
