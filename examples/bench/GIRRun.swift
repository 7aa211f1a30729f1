internal import Glibc
internal import Support
internal import Synchronization

/// One batch at a play site, with what it cost, by process.
struct GIRRun {
    let results: Int
    let workers: Int
    let kills: Int
    let seed: UInt64

    func figures() async throws -> [Figure] {
        let site = try PlaySite(results: results, minutes: 43_200, seed: 7)
        let cluster = try ScratchCluster(isDurable: true, settings: ["autovacuum=on"])
        let ledger = try await ScratchDatabase(in: cluster)
        var pattern = Array("/tmp/takeup-bench-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw BenchFailure(description: "no directory below /tmp") }
        let directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }
        var crew = try PlayCrew(at: site, ledger: ledger, in: directory)
        (crew.workers, crew.kills, crew.seed, crew.awaitsLeases) = (workers, kills, seed, true)
        let costs = GIRCosts(site: site.process, server: try cluster.processID())
        let outcome = try await crew.run(ended: costs.add(worker:), registered: costs.progress(of: crew.due))
        let spent = costs.spent()
        if outcome.exitCodes.contains(where: { $0 != 0 }) || !outcome.verdict.good || outcome.proof.wrong > 0 {
            print(crew.log.suffix(4000))
            print(outcome.verdict, outcome.proof, outcome.exitCodes)
        }
        for (text, count) in outcome.failures.sorted(by: { $0.value > $1.value }).prefix(10) {
            print("\(count) attempts failed: \(text)")
        }
        let count = Double(outcome.verdict.done)
        let verdict = outcome.verdict
        return [
            Figure("results that are due", "", Double(crew.due)),
            Figure("results", "", count, least: Double(crew.due)),
            Figure("doubles", "", Double(verdict.doubles + verdict.unexpected), bar: 1),
            Figure("orphaned uploads", "", Double(verdict.orphans), bar: 1),
            Figure("results whose file is not there whole", "", Double(verdict.broken), bar: 1),
            Figure("results that do not open, decode or last as they should", "", Double(outcome.proof.wrong), bar: 1),
            Figure("results opened, decoded and measured", "", Double(outcome.proof.results), least: Double(crew.due)),
            Figure("encrypted ones among them", "", Double(outcome.proof.encrypted)),
            Figure("calls of the ledger that are not at rest", "", Double(outcome.unfinished), bar: 1),
            Figure("files that workers left", "", outcome.leftovers.isEmpty ? 0 : 1, bar: 1),
            Figure(
                "workers that ended with another code than 0", "", Double(outcome.exitCodes.count { $0 != 0 }), bar: 1),
            Figure("workers killed", "", Double(kills)),
            Figure("attempts that failed and were made again", "", Double(outcome.failures.values.reduce(0, +))),
            Figure("time", "s", outcome.elapsed / .seconds(1)),
        ] + questions(outcome.requests, count) + spent.map { Figure("CPU a result: \($0.name)", "s", $0.cpu / count) }
    }

    private func questions(_ requests: [String: Int], _ count: Double) -> [Figure] {
        let all = Double(requests.values.reduce(0, +))
        return [Figure("questions to RWS a result", "", all / count)]
            + requests.sorted { $0.value > $1.value }.map { kind, number in
                Figure("questions to RWS: \(kind.dropFirst("rws ".count))", "", Double(number))
            }
    }
}

/// Seconds of CPU of what takes part.
private final class GIRCosts: Sendable {
    private let site: pid_t
    private let server: pid_t
    private let machine: Double
    private let begun = ContinuousClock.now
    /// Of workers that have ended: their own, and what their tools took.
    private let workers = Mutex<(own: Double, tools: Double)>((0, 0))
    private let told = Mutex(ContinuousClock.now)

    init(site: pid_t, server: pid_t) {
        self.site = site
        self.server = server
        machine = ProcessCost.machine()
    }

    func add(worker: pid_t) {
        let cost = ProcessCost.parts(of: worker)
        workers.withLock { $0 = ($0.own + cost.own, $0.tools + cost.children) }
    }

    /// Says once a minute how far it is.
    func progress(of due: Int) -> (Int) -> Void {
        { [self] now in
            let isDue = told.withLock { told in
                guard ContinuousClock.now - told >= .seconds(60) else { return false }
                told = .now
                return true
            }
            if isDue {
                let line = Array("\(now) of \(due) results after \(Int((.now - begun) / .seconds(1))) s\n".utf8)
                _ = write(STDERR_FILENO, line, line.count)
            }
        }
    }

    func spent() -> [(name: String, cpu: Double)] {
        let (own, tools) = workers.withLock { $0 }
        let python = ProcessCost.parts(of: site)
        var all = rusage()
        getrusage(RUSAGE_SELF.rawValue, &all)
        let bench = Double(all.ru_utime.tv_sec + all.ru_stime.tv_sec)
        return [
            ("takeup", own), ("ffmpeg and ffprobe", tools), ("RWS and RCS of the play site", python.own),
            ("Apache and the site's openssl", python.children), ("PostgreSQL", ProcessCost.of(server).cpu),
            ("this program", bench), ("the whole machine, with the proof in the end", ProcessCost.machine() - machine),
        ]
    }
}
