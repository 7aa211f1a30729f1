import Glibc
import Postgres
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// Four workers share a batch through the ledger; three of them are killed and started again at random.
    @Suite struct Crew {
        struct Size: Sendable, CustomTestStringConvertible {
            let recordings: Int
            let kills: Int
            var testDescription: String { "\(recordings) recordings, \(kills) kills" }
            static let core = Size(recordings: 16, kills: 3)
            static let full = Size(recordings: 10_000, kills: 200)
            static var all: [Size] {
                // Any other size: TAKEUP_GIR_RECORDINGS=400.
                let asked = getenv("TAKEUP_GIR_RECORDINGS").flatMap { Int(String(cString: $0)) }
                return asked.map { [Size(recordings: $0, kills: $0 / 20)] }
                    ?? (GIRTests.isLong ? [core, full] : [core])
            }
        }

        @Test(.timeLimit(.minutes(240)), arguments: Size.all)
        func
            `whoever is killed, each pair has one result, no upload is left, and the site was asked a stated number of times`(
                size: Size
            ) async throws
        {
            let seed = getenv("TAKEUP_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
            print("Killing workers of a GIR site with TAKEUP_SEED=\(seed)")
            var chance = SeededChance(state: seed)
            let site = try PlaySite(recordings: size.recordings, minutes: 43_200, seed: 7)
            let scene = try await GIRScene(site)
            let ledger = try await ScratchDatabase()
            let database = ledger.connect()
            let pairs = site.pairs.count { !$0.late }
            let moments = (0..<size.kills).map { _ in Int.random(in: 0..<max(1, pairs * 8 / 10), using: &chance) }
                .sorted()
            func start() throws -> ChildProcess {
                try scene.start(
                    ["advanced.call_recording_query_string": GIRScene.allScreens, "advanced.worker_threads": "1"],
                    ["--ledger", ledger.connectionString])
            }
            var workers = try (0..<4).map { _ in try start() }
            let started = ContinuousClock.now
            do {
                for moment in moments {
                    let isReached = try await scene.wait(upTo: .seconds(1800)) {
                        try await site.requestCount("rws POST /internal", "screen-recordings") - Self.bulks(site)
                            >= moment
                    }
                    try #require(isReached, "the work stands still\n\(scene.log.suffix(4000))")
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<700, using: &chance)))
                    let number = Int.random(in: 1..<4, using: &chance)
                    workers[number].send(SIGKILL)
                    workers[number].wait()
                    // The dead cannot renew: nobody waits for that here.
                    let holder = "%/\(workers[number].id)/%"
                    try await database.perform { session in
                        try session.execute(
                            """
                            update takeup.site_call set lease_until = statement_timestamp()
                            where state = 'claimed' and holder like $1
                            """, [.text(holder)])
                    }
                    workers[number] = try start()
                }
            } catch {
                for worker in workers { worker.send(SIGKILL) }
                throw error
            }
            #expect(workers.map { $0.wait() } == [0, 0, 0, 0], "\(scene.log.suffix(4000))")
            let verdict = try await site.verdict()
            #expect(verdict.good && verdict.done == pairs, "\(verdict)\n\(scene.log.suffix(4000))")
            #expect(try await scene.lengths().count == pairs)
            #expect(try scene.temporaryLeftovers() == "")
            let open = try await database.perform { session in
                try session.first(
                    """
                    select count(*) from takeup.site_call where state in ('claimed', 'failed') or failures > 0
                        or looked_at = '-infinity' or staged <> '{}'
                    """)?.integer("count")
            }
            #expect(open == 0)
            let requests = try await site.requests().filter { $0.key.hasPrefix("rws") }
            let questions = requests.values.reduce(0, +)
            print(
                "\(size): \(pairs) results in \(ContinuousClock.now - started); RWS was asked \(questions) times, "
                    + "\(Double(questions) / Double(pairs)) a result: \(requests)")
            // Four a result, pages and bulk questions of each start, and what the killed had begun.
            #expect(questions < pairs * 6 + (size.kills + 4) * (20 + size.recordings / 20))
        }

        /// Bulk questions are requests of the same method.
        private static func bulks(_ site: PlaySite) async throws -> Int { try await site.requestCount("POST", "bulk") }
    }
}
