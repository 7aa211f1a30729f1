import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ReplicasTests {
    @Test func `a replica comes back as it was committed`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        let content = try Sample.replica(Sid("s"), kind: .audio, path: "a b\n/x.mp3")
        try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            let replica = try #require(try Replicas.insert([content], in: session).first)
            #expect(replica.content == content)
            #expect(replica.state == .held)
            #expect(try Replicas.held([Sid("s"), Sid("t")], in: session) == [Sid("s"): [replica]])
            #expect(
                try Replicas.find(volume: Sample.volume, path: FilePath("a b\n/x.mp3"), in: session)?.id == replica.id)
            try Replicas.bind([replica.id: 4711], in: session)
            #expect(try Replicas.find([replica.id], in: session).map(\.content.replayMediaID) == [4711])
        }
    }

    @Test func `two replicas never share a path until one is removed, however long the path is`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        let path = String(repeating: "long/", count: 800)
        let content = try Sample.replica(Sid("s"), kind: .audio, path: path)
        let first = try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            return try #require(try Replicas.insert([content], in: session).first)
        }
        let error = await #expect(throws: PostgresError.self) {
            try await ledger.transaction { session in _ = try Replicas.insert([content], in: session) }
        }
        #expect(error?.code == .uniqueViolation)
        try await ledger.transaction { session in
            try Replicas.retire([first.id: FilePath("q")], keep: .seconds(-1), in: session)
            #expect(try Replicas.removable(on: [Sample.volume], limit: 9, in: session).isEmpty, "it was not put aside")
            try Replicas.putAside([first.id: FilePath("q~2")], in: session)
            let removable = try Replicas.removable(on: [Sample.volume], limit: 9, in: session)
            #expect(removable.map(\.id) == [first.id])
            #expect(removable.map(\.quarantinePath) == [FilePath("q~2")])
            try Replicas.removed([first.id], in: session)
            #expect(try Replicas.insert([content], in: session).count == 1)
        }
    }

    @Test func `a doubted copy is held, makes no pair, is not measured any more, and its transfer opens again`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim().first)
        guard case .opened(let intent) = try await ledger.open(transfer, path: "a") else {
            Issue.record("no intent")
            return
        }
        let sound = try #require(try await ledger.commit(intent, of: transfer))
        let screen = try Sample.replica(transfer.sid, kind: .video, path: "v")
        try await ledger.transaction { session in
            try Replicas.bind([sound.id: 4711], in: session)
            try Measurements.record(
                [
                    Measurement(subject: .replay(4711), fingerprint: [1], measure: .unknown),
                    Measurement(subject: .replay(4712), fingerprint: [1], measure: .unknown),
                ], in: session)
            try Replicas.doubt([sound.id], in: session)
            #expect(try Replicas.find([sound.id], in: session).map(\.isDoubted) == [true])
            #expect(try Replicas.held([transfer.sid], in: session)[transfer.sid]?.count == 1)
            let measured = try Measurements.find([.replay(4711), .replay(4712)], in: session)
            #expect(Array(measured.keys) == [Measurement.Subject.replay(4712)])
            // Its other half pairs with what comes in its place.
            _ = try Replicas.insert([screen], in: session)
            #expect(try MuxJobs.ensure([transfer.sid], in: session).isEmpty)
            #expect(try MuxJobs.pairsWithoutJob(limit: 10, newest: 10, in: session).sids.isEmpty)
        }
        try await ledger.plan(ids: [1])
        #expect(try await ledger.claim().map(\.id) == [transfer.id])
    }
}
