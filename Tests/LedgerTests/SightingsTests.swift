import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SightingsTests {
    @Test func `a recording converges with its last transfer, is marked once, and not while marking is stopped`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1], transfersEach: 2)
        for (number, transfer) in try await ledger.claim(2).enumerated() {
            #expect(try await ledger.toMark().isEmpty)
            try await ledger.commit(ledger.open(transfer, path: "\(number).mp3").intent(), of: transfer)
        }
        let converged = try await ledger.toMark()
        #expect(converged.map(\.reference.id) == [1])
        #expect(converged.first?.converged != nil)

        try await ledger.transaction { session in try Marking.stop(reason: "restored", in: session) }
        #expect(try await ledger.toMark().isEmpty)
        try await ledger.transaction { session in try Marking.resume(in: session) }

        #expect(try await ledger.transaction { session in try Sightings.marked(converged, in: session) } == 1)
        #expect(try await ledger.transaction { session in try Sightings.marked(converged, in: session) } == 0)
        #expect(try await ledger.toMark().isEmpty)
    }

    @Test func `what changed between look and mark is not taken for marked`() async throws {
        let ledger = try await LedgerDatabase()
        var plan = Sample.plan(id: 1)
        plan.outcome = .keep(mark: .notUsed, fingerprint: [1])
        let before = plan
        plan.outcome = .keep(mark: .notUsed, fingerprint: [2])
        let after = plan
        try await ledger.transaction { session in
            let seen = try Plans.record([before], in: session)
            try Plans.record([after], in: session)
            #expect(try Sightings.marked(seen, in: session) == 0)
        }
    }

    @Test func `a recording whose mark may not be set is converged and never picked`() async throws {
        let ledger = try await LedgerDatabase()
        var plan = Sample.plan(id: 1)
        plan.outcome = .keep(mark: nil, fingerprint: [1])
        let unmarked = plan
        try await ledger.transaction { session throws in
            #expect(try Plans.record([unmarked], in: session).map(\.state) == [.converged])
        }
        #expect(try await ledger.toMark().isEmpty)
    }

    @Test func `a mark that failed waits its delay`() async throws {
        let ledger = try await LedgerDatabase()
        var plan = Sample.plan(id: 1)
        plan.outcome = .keep(mark: .synchronized, fingerprint: [1])
        let kept = plan
        try await ledger.transaction { session in
            try Plans.record([kept], in: session)
            try Sightings.postpone([kept.reference], delay: .seconds(60), error: "the source is away", in: session)
        }
        #expect(try await ledger.toMark().isEmpty)
    }
}

extension LedgerDatabase {
    func toMark() async throws -> [Sighting] {
        try await transaction { session in try Sightings.toMark(source: Sample.source, limit: 10, in: session) }
    }
}
