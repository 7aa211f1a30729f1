import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// External data that an index of the replay refuses for their length.
@Suite struct LongDataTests {
    /// So many characters that no compression shortens.
    private func noise(_ count: Int) -> String {
        var state: UInt64 = 42
        return String(
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return Character(UnicodeScalar(UInt8(64 + state >> 58)))
            })
    }

    @Test func `a value that no index takes is kept beside, and all else comes, once`() async throws {
        try await DeliverySite.with { site in
            var recording = try await site.record(1, [.calls, .screens])
            let long = noise(8000)
            recording.externalData = [
                ExternalDatum(key: "agent", value: "4711"), ExternalDatum(key: "transcript", value: long),
                // Long as well, but it can be compressed.
                ExternalDatum(key: "padding", value: String(repeating: "-", count: 8000)),
            ]
            try await site.plan(recording)
            let worker = try await site.worker("one")
            for role in [DeliverySite.MountRole.calls, .screens] {
                let outcome = await worker.deliver(try await worker.claim(recording, on: role))
                #expect(outcome?.replica != nil, "\(String(describing: outcome))")
            }
            #expect(try await site.count("callrec.cfiles") == 2)
            #expect(try await site.count("callrec.couple_extdata where key in ('agent', 'padding')") == 2)
            #expect(try await site.count("callrec.couple_extdata") == 2)
            #expect(try await site.count("takeup.sighting where state = 'converged' and mark = 'S'") == 1)
            let (seen, catalog) = (recording, worker.replay.catalog)
            let (holding, kept, counts) = try await site.database.perform { session in
                (
                    try Holdings.find(for: [seen], catalog: catalog, in: session)[seen.reference],
                    try KeptData.find([seen.sid], in: session),
                    try KeptData.counts(source: DeliverySite.source, in: session)
                )
            }
            #expect(kept == [seen.sid: [ExternalDatum(key: "transcript", value: long)]])
            #expect(counts == ["transcript": AwaitedCount(recordings: 1, example: seen.reference)])
            // Nothing is left to bring: no look and no audit comes back to it.
            let held = try #require(holding)
            guard case .plan(let plan) = reconcile(recording, with: held, switches: SourceSwitches()) else {
                Issue.record("no plan")
                return
            }
            #expect(plan.attach.isEmpty)
            recording.mark = .synchronized
            #expect(auditVerdict(on: recording, with: held, switches: SourceSwitches()) == .held)
        }
    }

    @Test func `rows that bring it without media go the same way, late ones too`() async throws {
        try await DeliverySite.with { site in
            var recording = try await site.record(1)
            let worker = try await site.worker("one")
            try await site.bringRows(of: recording, by: worker)
            recording.externalData = [ExternalDatum(key: "transcript", value: noise(9000))]
            try await site.bringRows(of: recording, by: worker)
            try await site.bringRows(of: recording, by: worker)
            #expect(try await site.count("callrec.couple_extdata") == 0)
            #expect(try await site.count("takeup.kept_datum") == 1)
        }
    }

    @Test func `what a database has no room for is the recording's own fault`() async throws {
        try await DeliverySite.with { site in
            let long = noise(8000)
            let error = await #expect(throws: PostgresError.self) {
                try await site.database.perform { session in
                    try session.execute("create temporary table t (v text primary key)")
                    try session.execute("insert into t values ($1)", [.text(long)])
                }
            }
            let refused = try #require(error)
            #expect(refused.code == .badValue && !refused.isOutage)
            #expect(Blame(committing: refused) == .recording)
            #expect(!refused.description.contains(long.prefix(20)))
        }
    }
}
