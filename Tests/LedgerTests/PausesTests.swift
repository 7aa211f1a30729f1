import Ledger
import Support
import Testing
import Vocabulary

@Suite struct PausesTests {
    @Test func `a pause stands since it was first asked for, and ends once`() async throws {
        let ledger = try await LedgerDatabase()
        let (a, b) = (SourceName("rec_a"), SourceName("rec_b"))
        let first = try await ledger.transaction { session in
            (try Pauses.pause([a], reason: "moving", in: session), try Pauses.find(a, in: session))
        }
        #expect(first.0 == [a])
        let second = try await ledger.transaction { session in
            (try Pauses.pause([b, a], reason: nil, in: session), try Pauses.all(in: session))
        }
        #expect(second.0 == [b])
        #expect(second.1.map(\.source) == [a, b])
        #expect(second.1.first == first.1)
        let reason = try await ledger.transaction { session in
            try Pauses.pause([a], reason: "moved", in: session)
            return try Pauses.find(a, in: session)?.reason
        }
        #expect(reason == "moved")
        let ended = try await ledger.transaction { session in
            [try Pauses.resume([a], in: session), try Pauses.resume([a], in: session)]
        }
        #expect(ended == [[a], []])
        #expect(try await ledger.transaction { session in try Pauses.find(a, in: session) } == nil)
    }
}
