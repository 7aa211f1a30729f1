import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct PlansTests {
    @Test func `a plan comes back as it was written, whatever bytes its path has`() async throws {
        let ledger = try await LedgerDatabase()
        var plan = Sample.plan(id: 7)
        plan.detail = [0, 1, 255]
        plan.finished = Instant(microseconds: 1_700_000_000_123_456)
        let planned = plan
        try await ledger.transaction { session in
            let sighting = try #require(try Plans.record([planned], in: session).first)
            #expect(sighting.state == .transferring)
            #expect(sighting.mark == .synchronized)
            #expect(sighting.fingerprint == [1])
            #expect(sighting.detail == [0, 1, 255])
            #expect(sighting.stopped == planned.stopped)
            #expect(sighting.finished == planned.finished)
            let found = try Sightings.find(source: Sample.source, ids: [6, 7, 8], in: session)
            #expect(found == [7: sighting])
            let transfer = try #require(try Transfers.find(of: planned.reference, in: session).first)
            let expected = Sample.transfer(mediaID: 70)
            #expect(transfer.path == expected.path)
            #expect(transfer.crc32 == 7)
            #expect(transfer.expectedSize == 100)
            #expect(transfer.recordingStart == expected.recordingStart)
            #expect(transfer.sid == planned.sid)
            #expect(transfer.state == .waiting)
        }
    }

    @Test func `only what is new and lies on the mount is claimed with its plan`() async throws {
        let ledger = try await LedgerDatabase()
        let plan = Sample.plan(id: 1)
        let mount = Sample.transfer(mediaID: 10).mount
        let atOnce = Plans.AtOnce(mount: mount, holder: Holder("here"), lease: .seconds(30))
        let elsewhere = Plans.AtOnce(mount: MountPath("/elsewhere"), holder: Holder("there"), lease: .seconds(30))
        try await ledger.transaction { session in
            #expect(try Plans.write([Sample.plan(id: 2)], claiming: elsewhere, in: session).isEmpty)
            #expect(try Transfers.find(of: Sample.plan(id: 2).reference, in: session).map(\.state) == [.waiting])
            let claimed = try Plans.write([plan, Sample.plan(id: 2)], claiming: atOnce, in: session)
            #expect(claimed.map(\.recording) == [plan.reference])
            let claim = try #require(claimed.first?.claim)
            #expect(claim.holder == Holder("here"))
            #expect(try Transfers.renew([claim], lease: .seconds(30), in: session) == [claim.id])
            // Planned again it is neither claimed twice nor taken away.
            #expect(try Plans.write([plan], claiming: atOnce, in: session).isEmpty)
            #expect(try Transfers.find(of: plan.reference, in: session).map(\.state) == [.claimed])
        }
    }

    @Test func `what a later plan does not promise any more is dropped, and its worker's token falls`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        let intent = try await ledger.open(transfer, path: "x.mp3").intent()
        try await ledger.transaction { session in
            try Plans.record([Sample.plan(id: 1, fingerprint: 2)], in: session)
        }
        #expect(try await ledger.commit(intent, of: transfer) == nil)
        let states = try await ledger.transaction { session in
            try Transfers.find(of: transfer.recording, in: session).map(\.state)
        }
        #expect(states == [.dropped, .waiting])
    }

    @Test func `a plan that was made before the last file came covers nothing of what came with it`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        let intent = try await ledger.open(transfer, path: "x.mp3").intent()
        // The keeper looks now, at rows that changed; the file comes before its plan is written down.
        var late = Sample.plan(id: 1)
        late.outcome = .transfer([Sample.transfer(mediaID: 10)], mark: .synchronized, fingerprint: [2])
        let planned = late
        #expect(try await ledger.commit(intent, of: transfer) != nil)
        let write: @Sendable (Set<RecordingReference>) async throws -> [UInt8]? = { moving in
            try await ledger.transaction { session in
                try Plans.write([planned], moving: moving, in: session)
                return try Sightings.find(source: Sample.source, ids: [1], in: session)[1]?.fingerprint
            }
        }
        // Still what was committed: marking asks for it, and the next look finds the rows changed.
        #expect(try await write([planned.reference]) == [1])
        // That look saw it converged.
        #expect(try await write([]) == [2])
    }

    @Test(arguments: [
        SightingPlan.Outcome.wait(why: "not finished", delay: .seconds(60)),
        .refuse(why: "two calls under one id", delay: .seconds(60)),
    ])
    func `a recording that has to wait or is refused drops its transfers and counts its attempts`(
        outcome: SightingPlan.Outcome
    ) async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1])
        var plan = Sample.plan(id: 1)
        plan.outcome = outcome
        let waiting = plan
        let sightings = try await ledger.transaction { session in
            _ = try Plans.record([waiting], in: session)
            return try Plans.record([waiting], in: session)
        }
        #expect(sightings.map(\.attempts) == [2])
        #expect(try await ledger.claim().isEmpty)
        try await ledger.transaction { session in
            #expect(try Sightings.due(source: Sample.source, limit: 10, in: session).isEmpty)
            let wait = try #require(try Sightings.nextDue(source: Sample.source, in: session))
            #expect(wait > .seconds(50) && wait <= .seconds(60))
            #expect(try Sightings.wake(source: Sample.source, in: session) == 1)
            #expect(try Sightings.due(source: Sample.source, limit: 10, in: session).map(\.reference.id) == [1])
        }
    }

    @Test func `planning again what is under way changes neither its claim nor its attempts`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        let intent = try await ledger.open(transfer, path: "x.mp3").intent()
        try await ledger.plan(ids: [1])
        #expect(try await ledger.claim().isEmpty)
        #expect(try await ledger.commit(intent, of: transfer) != nil)
    }

    @Test func `a plan that comes after the last commit finds the recording converged`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        try await ledger.commit(ledger.open(transfer, path: "x.mp3").intent(), of: transfer)
        #expect(try await ledger.plan(ids: [1]).map(\.state) == [.converged])
    }

    @Test func `what was done is brought again when its replica is no longer held and a plan wants it`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        let replica = try #require(
            try await ledger.commit(ledger.open(transfer, path: "x.mp3").intent(), of: transfer))
        try await ledger.transaction { session in
            _ = try Replicas.retire([replica.id: FilePath("q/x")], keep: .seconds(60), in: session)
        }
        #expect(try await ledger.plan(ids: [1]).map(\.state) == [.transferring])
        #expect(try await ledger.claim().map(\.id) == [transfer.id])
    }
}
