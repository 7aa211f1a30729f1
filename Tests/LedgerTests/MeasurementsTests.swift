import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct MeasurementsTests {
    private let origin = MediaOrigin(source: SourceName("north"), mediaID: 4)

    @Test func `measures are kept by file, the last one counts, and places do not mix`() async throws {
        let ledger = try await LedgerDatabase()
        let whole = MediaMeasure(integrity: .whole, length: .milliseconds(61_250), size: 5000)
        let cut = MediaMeasure(integrity: .damaged)
        try await ledger.transaction { session in
            try Measurements.record(
                [
                    Measurement(subject: .source(origin), fingerprint: [1], measure: cut),
                    Measurement(subject: .replay(4), fingerprint: [2], measure: .unknown),
                ], in: session)
            try Measurements.record(
                [Measurement(subject: .source(origin), fingerprint: [3], measure: whole)], in: session)
        }
        let found = try await ledger.database.perform { session in
            try Measurements.find([.source(origin), .replay(4), .replay(5)], in: session)
        }
        #expect(found.count == 2)
        #expect(found[.source(origin)] == Measurement(subject: .source(origin), fingerprint: [3], measure: whole))
        #expect(found[.replay(4)]?.measure == .unknown)
    }

    @Test func `a finished measure has its recording looked at again, and a claim that was lost finishes nothing`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1, 2])
        let claimed = try await ledger.claim(2)
        let lost = try #require(claimed.last?.claim)
        let other = Claim(id: lost.id, holder: Holder("another"), attempt: lost.attempt)
        let first = try #require(claimed.first)
        try await ledger.transaction { session in
            try Measurements.finish([try #require(first.claim), other], in: session)
        }
        let states = try await ledger.database.perform { session in
            (
                try Sightings.find(source: first.recording.source, ids: [1, 2], in: session).mapValues(\.state),
                try Transfers.find(claimed.map(\.id), in: session).map(\.state)
            )
        }
        #expect(states.0[first.recording.id] == .waiting)
        #expect(states.0[claimed[1].recording.id] == .transferring)
        #expect(states.1 == [.done, .claimed])
    }
}
