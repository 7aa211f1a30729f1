import Glibc
import Support
import Testing

extension GIRTests {
    /// Four workers share a batch through the ledger; three of them are killed and started again at random.
    @Suite struct Crew {
        struct Size: Sendable, CustomTestStringConvertible {
            let recordings: Int
            let kills: Int
            var testDescription: String { "\(recordings) recordings, \(kills) kills" }
            static let core = Size(recordings: 16, kills: 3)
            static var all: [Size] {
                // Any other size: TAKEUP_GIR_RECORDINGS=400. Ten thousand are for `make bench BENCH="gir --results 10000"`.
                let asked = getenv("TAKEUP_GIR_RECORDINGS").flatMap { Int(String(cString: $0)) }
                return asked.map { [Size(recordings: $0, kills: $0 / 20)] }
                    ?? (GIRTests.isLong ? [core, Size(recordings: 100, kills: 10)] : [core])
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
            let scene = try await GIRScene(PlaySite(recordings: size.recordings, minutes: 43_200, seed: 7))
            var crew = try PlayCrew(at: scene.site, ledger: try await ScratchDatabase(), in: scene.directory)
            (crew.kills, crew.seed) = (size.kills, seed)
            let outcome = try await crew.run()
            let tail = crew.log.suffix(4000)
            #expect(outcome.exitCodes == [0, 0, 0, 0], "\(tail)")
            #expect(outcome.verdict.good && outcome.verdict.done == crew.due, "\(outcome.verdict)\n\(tail)")
            #expect(outcome.proof.results == crew.due && outcome.proof.wrong == 0, "\(outcome.proof)")
            #expect(outcome.leftovers == "")
            #expect(outcome.unfinished == 0)
            let questions = outcome.requests.values.reduce(0, +)
            print(
                "\(size): \(crew.due) results in \(outcome.elapsed); RWS was asked \(questions) times, "
                    + "\(Double(questions) / Double(crew.due)) a result: \(outcome.requests)")
            // Four a result, pages and bulk questions of each start, and what the killed had begun.
            #expect(questions < crew.due * 6 + (size.kills + 4) * (20 + size.recordings / 20))
        }
    }
}
