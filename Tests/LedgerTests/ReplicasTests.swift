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
            let removable = try Replicas.removable(on: [Sample.volume], limit: 9, in: session)
            #expect(removable.map(\.id) == [first.id])
            #expect(removable.map(\.quarantinePath) == [FilePath("q")])
            try Replicas.removed([first.id], in: session)
            #expect(try Replicas.insert([content], in: session).count == 1)
        }
    }
}
