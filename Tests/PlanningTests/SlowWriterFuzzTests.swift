import Foundation
import Planning
import Support
import Testing
import Vocabulary

/// Writers that pause for longer than the quiet time, close and reopen, set space aside, rename, rewrite, and move clocks;
/// rows before, between and after; mounts that show old attributes. Whatever they do: no copy stays that is not the file.
///
/// `TAKEUP_FUZZ_SEED` begins elsewhere, `TAKEUP_FUZZ_CASES` tries more. A failure prints its seed and what its writer did.
@Suite struct SlowWriterFuzzTests {
    private static let cases = number("TAKEUP_FUZZ_CASES") ?? (isLong ? 200_000 : 10_000)
    private static let firstSeed = UInt64(number("TAKEUP_FUZZ_SEED") ?? 20_261_121)
    private static var isLong: Bool { ProcessInfo.processInfo.environment["TAKEUP_LONG_TESTS"] == "1" }
    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    private struct Tally {
        var commits = 0
        var replaced = 0
        var unmarked = 0
        var rewritten = 0
        var failures: [String] = []
        static func + (one: Tally, other: Tally) -> Tally {
            Tally(
                commits: one.commits + other.commits, replaced: one.replaced + other.replaced,
                unmarked: one.unmarked + other.unmarked, rewritten: one.rewritten + other.rewritten,
                failures: one.failures + other.failures)
        }
    }

    @Test(.timeLimit(.minutes(20))) func `no copy stays that is not what the file was in the end`() async {
        let first = SlowWriterFuzzTests.firstSeed
        let count = SlowWriterFuzzTests.cases
        let tally = await withTaskGroup(of: Tally.self) { group in
            let part = 500
            for start in stride(from: 0, to: count, by: part) {
                group.addTask {
                    (start..<min(count, start + part)).reduce(Tally()) {
                        $0 + SlowWriterFuzzTests.run(seed: first + UInt64($1))
                    }
                }
            }
            return await group.reduce(Tally(), +)
        }
        print(
            "slow writers: seeds \(first) to \(first + UInt64(count) - 1): \(tally.commits) copies, "
                + "\(tally.replaced) taken early and replaced, \(tally.unmarked) recordings rightly without a mark, "
                + "\(tally.rewritten) whole ones written anew in the same size after that; "
                + "0 truncated expected, \(tally.failures.count) failures")
        #expect(tally.failures.isEmpty, "\(tally.failures.prefix(3).joined(separator: "\n\n"))")
        // The fuzz is worth something only where it meets what it is about.
        #expect(tally.replaced > count / 50)
        #expect(tally.rewritten < max(1, count / 100))
    }

    @Test func `without the looks after a commit the same writers leave copies that are short`() {
        let tally = (0..<500).reduce(Tally()) {
            $0 + SlowWriterFuzzTests.run(seed: SlowWriterFuzzTests.firstSeed + UInt64($1), looksAfterwards: false)
        }
        #expect(tally.failures.count > 10)
    }

    private static func run(seed: UInt64, looksAfterwards: Bool = true) -> Tally {
        var chance = RecorderModelPlan.Chance(state: seed)
        let quiet = [Int64(2), 10, 10, 30].map { $0 * 1_000_000 }.randomElement(using: &chance) ?? 10_000_000
        let writer = SlowWriter(seed: seed, quiet: quiet, longest: 4 * 3_600_000_000, allowsLarge: true)
        let history = WrittenHistory(
            writer, grain: [Int64(1), 1, 4_000_000, 1_000_000_000].randomElement(using: &chance) ?? 1,
            skew: [Int64(0), 0, 3600, -3600].randomElement(using: &chance) ?? 0,
            tellsHoles: Bool.random(using: &chance))
        let staleness =
            Int.random(in: 0..<4, using: &chance) == 0 ? Int64.random(in: 1...60_000_000, using: &chance) : 0
        let restarts = (0..<Int.random(in: 0...2, using: &chance)).map { _ in
            Int64.random(in: 0...history.end + quiet * 5, using: &chance)
        }
        var agent = SlowWriterAgent(
            history, window: SettleWindow(quiet: .microseconds(quiet), atMost: .seconds(600)), staleness: staleness,
            hasEvents: Bool.random(using: &chance), restarts: restarts, chance: chance)
        agent.looksAfterwards = looksAfterwards
        agent.run()
        return judge(agent, quiet: quiet)
    }

    private static func judge(_ agent: SlowWriterAgent, quiet: Int64) -> Tally {
        let history = agent.history
        let outcome = agent.outcome
        var tally = Tally()
        tally.commits = outcome.commits
        tally.replaced = outcome.shortCommits
        func fail(_ why: String) {
            tally.failures.append(
                "\(why) (stale \(agent.staleness) µs, events \(agent.hasEvents), holes told \(history.tellsHoles), "
                    + "quiet \(quiet) µs)\n\(history.writer)\ncopy: \(outcome.copy.map { "\($0)" } ?? "none")")
        }
        if let wrong = outcome.wrongMark { fail(wrong) }
        let final = history.finalFile
        let isTrue = outcome.copy.map { $0.cells == final.cells && !$0.isDoubted } ?? false
        if let copy = outcome.copy, outcome.isMarked, !isTrue {
            let isTruncated = copy.cells.count < final.cells.count || copy.cells.contains(0)
            let rested = history.look(history.file(at: copy.at + quiet)) == copy.look
            // Row, size, container and a rest of the quiet time agreed on a whole file, and it was another one of the same
            // size afterwards: no witness is left to ask.
            if !isTruncated, copy.isVouched, outcome.lostLook || agent.staleness > 0 || rested {
                tally.rewritten += 1
            } else {
                fail("marked, and its copy is not the file")
            }
        }
        if !outcome.isMarked {
            tally.unmarked += 1
            let row = history.row(at: .max)
            let want = trueSize(claimed: row.size, observed: Int64(final.cells.count) * history.writer.cellBytes)
            let agrees = want.map { $0 == Int64(final.cells.count) * history.writer.cellBytes } ?? true
            if row.isFinished, agrees, final.isThere, final.cells.count > 0 { fail("never marked") }
        }
        return tally
    }
}
