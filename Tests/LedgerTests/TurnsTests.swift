import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct TurnsTests {
    private func take(_ ledger: LedgerDatabase, _ source: String, lease: Duration = .seconds(60)) async throws -> Bool {
        try await ledger.transaction { session in
            try Turns.take(
                group: "north", source: SourceName(source), holder: Holder("of \(source)"), lease: lease,
                patience: .seconds(60), in: session)
        }
    }
    private func yield(_ ledger: LedgerDatabase, _ source: String) async throws {
        try await ledger.transaction { session in
            try Turns.yield(
                group: "north", source: SourceName(source), holder: Holder("of \(source)"), in: session)
        }
    }

    @Test func `sources of a group take turns, and who waited longest comes next`() async throws {
        let ledger = try await LedgerDatabase()
        #expect(try await take(ledger, "a"))
        #expect(try await take(ledger, "b") == false)
        #expect(try await take(ledger, "c") == false)
        #expect(try await take(ledger, "a"), "it goes on with its own turn")
        try await yield(ledger, "a")
        #expect(try await take(ledger, "a") == false, "others wait")
        #expect(try await take(ledger, "b"))
        try await yield(ledger, "b")
        #expect(try await take(ledger, "b") == false)
        #expect(try await take(ledger, "a") == false, "c waited longest")
        #expect(try await take(ledger, "c"))
    }

    @Test func `a turn that is not yielded runs out, and a source alone needs not wait`() async throws {
        let ledger = try await LedgerDatabase()
        #expect(try await take(ledger, "a", lease: .seconds(-1)))
        #expect(try await take(ledger, "b"))
        try await yield(ledger, "b")
        #expect(try await take(ledger, "a"))
        try await yield(ledger, "a")
        #expect(try await take(ledger, "a"))
    }
}
