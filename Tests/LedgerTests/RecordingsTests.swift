import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

@Suite struct RecordingsTests {
    @Test func `eight sessions that lock random batches, some new, never deadlock`() async throws {
        let ledger = try await LedgerDatabase(connections: 8)
        let runs = Counter()
        let batches = 8 * 40
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    var chance = SystemRandomNumberGenerator()
                    for round in 0..<40 {
                        // Names whose order differs by language: upper case, lower case, digits, accents.
                        let sids = (0..<12).map { _ in
                            Sid(
                                ["a", "B", "ä", "_", "9"].randomElement(using: &chance).map { letter in
                                    "\(letter)\(Int.random(in: 0..<(10 + round * 3), using: &chance))"
                                } ?? "none")
                        }
                        let calls = sids.map { CallReference(source: SourceName($0.rawValue), id: Int64(worker % 2)) }
                        try await ledger.transaction { session in
                            runs.add()
                            try Recordings.lock(sids.shuffled(), in: session)
                            _ = try Calls.lock(calls, in: session)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        // A deadlock would have been run again.
        #expect(runs.value == batches)
    }

    @Test func `a transaction with one snapshot is refused`() async throws {
        let ledger = try await LedgerDatabase()
        let error = await #expect(throws: LedgerError.self) {
            try await ledger.database.transaction(.repeatableRead) { session in
                try Recordings.lock([Sid("one")], in: session)
            }
        }
        #expect(error?.code == .wrongIsolation)
    }

    @Test func `a call keeps the replay's id that it was bound to`() async throws {
        let ledger = try await LedgerDatabase()
        let (first, second) = (CallReference(source: Sample.source, id: 1), CallReference(source: Sample.source, id: 2))
        try await ledger.transaction { session in
            #expect(try Calls.lock([first, second], in: session).isEmpty)
            try Calls.bind([first: 71], in: session)
        }
        try await ledger.transaction { session throws in
            #expect(try Calls.lock([second, first], in: session) == [first: 71])
        }
    }
}

/// Counts from any thread.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func add() { count.add(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
