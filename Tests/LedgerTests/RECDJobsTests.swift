import Ledger
import Postgres
import Support
import Testing
import Vocabulary

/// Jobs whose screens are RECD: made, listed, and left alone without a converter.
@Suite struct RECDJobsTests {
    private static let sid = Sid("sid-1")

    @discardableResult
    private func commit(
        _ ledger: LedgerDatabase, _ kind: MediaKind, path: String, isResult: Bool = false
    ) async throws -> (replica: Replica, jobs: [MuxJob]) {
        let content = try Sample.replica(Self.sid, kind: kind, path: path, isResult: isResult)
        return try await ledger.transaction { session in
            try Recordings.lock([Self.sid], in: session)
            let replica = try #require(try Replicas.insert([content], in: session).first)
            return (replica, try MuxJobs.ensure([Self.sid], in: session))
        }
    }

    private func ledger() async throws -> LedgerDatabase {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        return ledger
    }

    private func states(_ ledger: LedgerDatabase) async throws -> [MuxJob.State] {
        try await ledger.database.perform { session in try MuxJobs.find(sid: Self.sid, in: session).map(\.state) }
    }

    private func claim(_ ledger: LedgerDatabase) async throws -> [MuxJob] {
        try await ledger.database.perform { session in
            try MuxJobs.claim(holder: Sample.holder, limit: 5, newest: 0, lease: .seconds(60), in: session)
        }
    }

    private func claimRECD(_ ledger: LedgerDatabase) async throws -> MuxJob? {
        try await ledger.database.perform { session in
            try MuxJobs.claimRECD(holder: Sample.holder, lease: .seconds(60), in: session)
        }
    }

    @Test func `RECD alone is not muxable, is listed, and only a worker with a converter gets it`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        let made = try await commit(ledger, .recd, path: "r")
        #expect(made.jobs.map(\.state) == [.notMuxable] && made.jobs.map(\.isRECD) == [true])
        #expect(try await claim(ledger).isEmpty)
        #expect(try await ledger.transaction { try MuxJobs.nextDue(in: $0) } == nil)
        #expect(try await ledger.transaction { try MuxJobs.countNotMuxable(in: $0) } == 1)
        let listed = try await ledger.transaction { try MuxJobs.newestNotMuxable(limit: 5, in: $0).map(\.recording) }
        #expect(listed == [RecordingReference(source: Sample.source, id: 1)])
        #expect(try await ledger.transaction { try MuxJobs.countNotMuxable(source: SourceName("rec_b"), in: $0) } == 0)
        // It is a screen all the same: nothing is waited for.
        #expect(try await ledger.transaction { try ScreenlessSounds.ended([Self.sid], in: $0) } == [Self.sid])
        let job = try #require(try await claimRECD(ledger))
        #expect(job.id == made.jobs[0].id && job.state == .claimed && job.failures == 0)
        #expect(try await claimRECD(ledger) == nil)
        // Its lease ran out; who takes it over has no converter, and sets it aside without a failure.
        try await ledger.transaction { session in
            try session.execute("update takeup.mux_job set lease_until = now() - interval '1 s'")
        }
        let other = try #require(try await claim(ledger).first)
        let held = try #require(other.claim)
        #expect(try await ledger.transaction { session in try MuxJobs.setAside(held, in: session) })
        #expect(try await ledger.transaction { session in try MuxJobs.setAside(held, in: session) } == false)
        #expect(try await states(ledger) == [.notMuxable])
        #expect(try await claimRECD(ledger)?.failures == 0)
    }

    @Test func `what a converter fails at waits for the next converter, and its problem stays open`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        try await commit(ledger, .recd, path: "r")
        let job = try #require(try await claimRECD(ledger))
        let subject = "mux job \(job.id)"
        let held = try #require(job.claim)
        try await ledger.transaction { session in
            _ = try Problems.open(kind: "mux-failed", subject: subject, what: "It failed.", in: session)
            try MuxJobs.fail(held, delay: .seconds(-1), error: "broken", in: session)
        }
        #expect(try await states(ledger) == [.notMuxable])
        // For nobody else, however long ago.
        #expect(try await claim(ledger).isEmpty)
        func closed() async throws -> Int {
            try await ledger.transaction { session in
                try Problems.closeOverMuxJobs(kinds: ["mux-failed"], subjectPrefix: "mux job ", in: session).count
            }
        }
        #expect(try await closed() == 0)
        let again = try #require(try await claimRECD(ledger))
        #expect(again.failures == 1)
        let given = try #require(again.claim)
        #expect(try await ledger.transaction { session in try MuxJobs.release(given, in: session) })
        #expect(try await claimRECD(ledger)?.id == job.id)
        // A person has it tried again: as any that is new.
        try await ledger.transaction { session in
            try session.execute("update takeup.mux_job set state = 'failed', holder = null, lease_until = null")
        }
        #expect(try await ledger.transaction { try MuxJobs.retry([job.id], in: $0) } == 1)
        #expect(try await states(ledger) == [.notMuxable])
        #expect(try await closed() == 1)
    }

    @Test func `what takes its converter's worker with it is not claimed again at once`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        try await commit(ledger, .recd, path: "r")
        for losses in 1...MuxJobs.mostQuickTakeOvers {
            #expect(try await claimRECD(ledger) != nil, "after \(losses - 1) losses")
            try await ledger.transaction { session in
                try session.execute("update takeup.mux_job set lease_until = now() - interval '1 s'")
            }
            // By a worker without a converter.
            let taken = try #require(try await claim(ledger).first)
            #expect(taken.losses == losses)
            let held = try #require(taken.claim)
            #expect(try await ledger.transaction { session in try MuxJobs.setAside(held, in: session) })
        }
        #expect(try await claimRECD(ledger) == nil)
        try await ledger.transaction { session in
            try session.execute("update takeup.mux_job set not_before = not_before - interval '61 s'")
        }
        #expect(try await claimRECD(ledger)?.losses == MuxJobs.mostQuickTakeOvers)
    }

    @Test func `a screen in mp4 counts before RECD, whichever comes first`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        try await commit(ledger, .recd, path: "r")
        let made = try await commit(ledger, .video, path: "v")
        #expect(made.jobs.map(\.isRECD) == [false] && made.jobs.map(\.screens) == [[made.replica.id]])
        #expect(try await states(ledger) == [.superseded, .waiting])
        #expect(try await claimRECD(ledger) == nil)
        // More RECD changes nothing, and neither does a lost mp4: its job stands.
        #expect(try await commit(ledger, .recd, path: "r2").jobs.isEmpty)
        let wanted = try await ledger.transaction { session in
            try session.execute("update takeup.replica set is_doubted = true where kind = 'VIDEO'")
            return try MuxJobs.ensure([Self.sid], in: session)
        }
        #expect(wanted.isEmpty)
    }

    @Test func `what is muxed with mp4 leaves no job for RECD behind`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        try await commit(ledger, .recd, path: "r")
        try await commit(ledger, .video, path: "v")
        let job = try #require(try await claim(ledger).first)
        let result = try await commit(ledger, .video, path: "m", isResult: true).replica
        try await ledger.transaction { session in
            // As if it had been made while the mp4 was away.
            try session.execute("update takeup.mux_job set state = 'not_muxable' where is_recd")
            try MuxJobs.finish(job.id, result: result.id, in: session)
        }
        #expect(try await states(ledger) == [.superseded, .done])
    }

    @Test func `what was made of RECD shows less than what is made of mp4`() async throws {
        let ledger = try await ledger()
        try await commit(ledger, .audio, path: "a")
        let recd = try await commit(ledger, .recd, path: "r").jobs
        let video = try await commit(ledger, .video, path: "v").jobs
        #expect(video[0].isMore(than: recd[0]) && !recd[0].isMore(than: video[0]))
    }
}
