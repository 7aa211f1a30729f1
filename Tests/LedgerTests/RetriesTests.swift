import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct RetriesTests {
    private let ledger: LedgerDatabase
    init() async throws { ledger = try await LedgerDatabase() }

    /// Claims what there is and gives it back as failed.
    private func fail(times: Int, isFault: Bool, mount: MountPath = Sample.mount) async throws {
        for _ in 0..<times {
            let claims = try await ledger.claim(10, mount: mount).compactMap(\.claim)
            try await ledger.transaction { session in
                try Transfers.release(
                    claims.map { TransferRelease(claim: $0, delay: .zero, error: "broken", isFault: isFault) },
                    in: session)
            }
        }
    }

    private func faulty(atLeast limit: Int) async throws -> [FaultyRecording] {
        try await ledger.transaction { session in
            try Faults.find(source: Sample.source, atLeast: limit, in: session)
        }
    }

    private func giveUp(_ one: FaultyRecording, atLeast limit: Int = 3) async throws -> Bool {
        try await ledger.transaction { session in
            try Faults.giveUp(one, atLeast: limit, why: "broken", in: session)
        }
    }

    private func sighting(_ id: Int64 = 1) async throws -> Sighting? {
        try await ledger.transaction { session in
            try Sightings.find(source: Sample.source, ids: [id], in: session)[id]
        }
    }

    @Test func `only failures by a recording's own fault count towards giving it up`() async throws {
        try await ledger.plan(ids: [1])
        try await fail(times: 5, isFault: false)
        #expect(try await faulty(atLeast: 3).isEmpty)
        try await fail(times: 3, isFault: true)
        let found = try await faulty(atLeast: 3)
        #expect(found.map(\.reference.id) == [1])
        #expect(found.first?.faults == 3 && found.first?.lastError == "broken")
        #expect(try await faulty(atLeast: 4).isEmpty)
        // What is being copied ends first.
        _ = try await ledger.claim(1)
        #expect(try await faulty(atLeast: 3).isEmpty)
    }

    @Test func `what is given up is to be marked E as it is, rests, and is taken up again on request`() async throws {
        try await ledger.plan(ids: [1, 2])
        try await fail(times: 3, isFault: true)
        let one = try #require(try await faulty(atLeast: 3).first)
        #expect(try await giveUp(one))
        #expect(try await ledger.claim(10).map(\.recording.id) == [2])
        let given = try #require(try await sighting())
        #expect(given.state == .converged && given.mark == .erroneous && given.lastError == "broken")
        #expect(given.converged == nil)
        #expect(given.fingerprint == [1])
        try await ledger.transaction { session in _ = try Sightings.marked([given], in: session) }

        let nobody = try await ledger.transaction { session in try Retries.retry(.recording(Sid("x")), in: session) }
        #expect(nobody == Retries.Count(known: 0, due: 0, reopened: 0))
        let count = try await ledger.transaction { session in
            try Retries.retry(.sources([Sample.source]), in: session)
        }
        #expect(count == Retries.Count(known: 2, due: 0, reopened: 1))
        let again = try #require(try await sighting())
        #expect(again.state == .waiting && again.reopened == .retry)
        try await ledger.plan(ids: [1])
        #expect(try await ledger.claim(10).map(\.faults) == [0])
    }

    @Test func `a file that fails gives up no other that only has not come yet`() async throws {
        // Its screen lies on another mount, which is away.
        let away = MountPath("/mnt/a/screens")
        try await ledger.transaction { session in
            let reference = RecordingReference(source: Sample.source, id: 1)
            let transfers = [
                Sample.transfer(mediaID: 10), Sample.transfer(mediaID: 11, mount: away, kind: .video),
            ]
            try Plans.record(
                [
                    SightingPlan(
                        reference: reference, sid: Sid("sid-1"),
                        outcome: .transfer(transfers, mark: .synchronized, fingerprint: [1]))
                ], in: session)
        }
        try await fail(times: 5, isFault: true)
        #expect(try await faulty(atLeast: 3).isEmpty)
        try await fail(times: 2, isFault: false, mount: away)
        try await fail(times: 2, isFault: true, mount: away)
        #expect(try await faulty(atLeast: 3).isEmpty)
        try await fail(times: 1, isFault: true, mount: away)
        let one = try #require(try await faulty(atLeast: 3).first)
        #expect(one.mediaID == 10 && one.faults == 5)
        // Both are asked again when it is given up.
        #expect(try await !giveUp(one, atLeast: 4))
        #expect(try await sighting()?.state == .transferring)
        #expect(try await giveUp(one))
        #expect(try await sighting()?.mark == .erroneous)
    }

    @Test func `a retry makes due what waits, with its counts at zero`() async throws {
        try await ledger.plan(ids: [1])
        let claim = try #require(try await ledger.claim(1).first?.claim)
        try await ledger.transaction { session in
            try Transfers.release(
                [TransferRelease(claim: claim, delay: .seconds(900), error: "broken", isFault: true)], in: session)
        }
        #expect(try await ledger.claim(1).isEmpty)
        let count = try await ledger.transaction { session in
            try Retries.retry(.recording(Sid("sid-1")), in: session)
        }
        #expect(count == Retries.Count(known: 1, due: 1, reopened: 0))
        let transfer = try #require(try await ledger.claim(1).first)
        #expect(transfer.failures == 0 && transfer.faults == 0)
    }

    @Test func `what waits for a mount that the settings do not have any more is planned anew`() async throws {
        try await ledger.plan(ids: [1], mount: MountPath("/mnt/old"))
        try await ledger.plan(ids: [2])
        try await ledger.transaction { session in
            try Transfers.replanStranded(source: Sample.source, mounts: [Sample.mount], in: session)
        }
        #expect(try await sighting(1)?.state == .waiting)
        #expect(try await sighting(2)?.state == .transferring)
    }

    @Test func `what others marked or a recorder lost is due no more`() async throws {
        try await ledger.plan(ids: [1])
        try await ledger.transaction { session in
            try Plans.record(
                [
                    SightingPlan(
                        reference: RecordingReference(source: Sample.source, id: 1), sid: Sid("sid-1"),
                        outcome: .rest(why: "it is gone"))
                ], in: session)
        }
        let due = try await ledger.transaction { session in
            try Sightings.due(source: Sample.source, limit: 5, in: session).count
                + Sightings.toMark(source: Sample.source, limit: 5, in: session).count
        }
        #expect(due == 0)
        #expect(try await ledger.claim(1).isEmpty)
        #expect(try await sighting()?.why == "it is gone")
    }
}
