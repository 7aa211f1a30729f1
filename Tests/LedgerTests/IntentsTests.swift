import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct IntentsTests {
    /// A ledger with one transfer that is claimed.
    private func claimed() async throws -> (LedgerDatabase, Transfer) {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        return (ledger, try #require(try await ledger.claim().first))
    }

    private func condemn(_ ledger: LedgerDatabase, grace: Duration) async throws -> [Intent] {
        try await ledger.database.perform { session in
            try Intents.condemn(
                on: [Sample.volume], compared: [Sample.source], grace: grace, abandonment: .seconds(1_000_000),
                holder: Sample.otherHolder, limit: 10, lease: .seconds(60), in: session)
        }
    }

    @Test func `tokens grow, and an intent that takes over fences the older one`() async throws {
        let (ledger, transfer) = try await claimed()
        let first = try await ledger.open(transfer, path: "x.mp3").intent()
        let second = try await ledger.open(transfer, path: "y.mp3").intent()
        #expect(first.token < second.token)
        #expect(try await ledger.commit(first, of: transfer) == nil)
        let old = try await ledger.transaction { session in try Intents.find([first.token], in: session) }
        #expect(old.map(\.state) == [.superseded])
        #expect(old.map(\.finalPath) == [FilePath("x.mp3")])
        #expect(try await ledger.commit(second, of: transfer) != nil)
    }

    @Test func `an intent that takes over with the same final path takes its care over, too`() async throws {
        let (ledger, transfer) = try await claimed()
        let first = try await ledger.open(transfer, path: "x.mp3").intent()
        let second = try await ledger.open(transfer, path: "x.mp3").intent()
        let old = try await ledger.transaction { session in try Intents.find([first.token], in: session) }
        #expect(old.map(\.finalPath) == [nil])
        #expect(old.map(\.stagedName) == [first.stagedName])
        #expect(second.finalPath == FilePath("x.mp3"))
    }

    @Test func `a final path that a replica or a condemned intent has is taken`() async throws {
        let (ledger, transfer) = try await claimed()
        let intent = try await ledger.open(transfer, path: "x.mp3", lease: .seconds(-100)).intent()
        #expect(try await condemn(ledger, grace: .seconds(10)).map(\.token) == [intent.token])
        #expect(try await ledger.open(transfer, path: "x.mp3") == .pathTaken)
        let other = try await ledger.open(transfer, path: "x~2.mp3").intent()
        try await ledger.commit(other, of: transfer)

        try await ledger.plan(ids: [2])
        let next = try #require(try await ledger.claim().first)
        #expect(try await ledger.open(next, path: "x~2.mp3") == .pathTaken)
        #expect(try await ledger.open(next, path: "x~2.mp3", volume: VolumeID("volume-b")) != .pathTaken)
    }

    @Test func `the sweep fences first, and forgets late`() async throws {
        let (ledger, transfer) = try await claimed()
        let intent = try await ledger.open(transfer, path: "x.mp3", lease: .seconds(-100)).intent()
        #expect(try await condemn(ledger, grace: .seconds(200)).isEmpty)
        #expect(try await condemn(ledger, grace: .seconds(50)).map(\.finalPath) == [FilePath("x.mp3")])
        #expect(try await condemn(ledger, grace: .seconds(50)).isEmpty, "another sweeper has it")
        #expect(try await ledger.commit(intent, of: transfer) == nil)
        try await ledger.transaction { session in try Intents.swept([intent.token], in: session) }
        #expect(try await ledger.open(transfer, path: "x.mp3") == .pathTaken)
        try await ledger.transaction { session throws in
            #expect(try Intents.forgetSwept(olderThan: .seconds(3600), in: session) == 0)
            #expect(try Intents.forgetSwept(olderThan: .seconds(-1), in: session) == 1)
        }
        #expect(try await ledger.open(transfer, path: "x.mp3") != .pathTaken)
    }

    @Test func `what is committed leaves nothing to sweep, and cannot be committed again`() async throws {
        let (ledger, transfer) = try await claimed()
        let intent = try await ledger.open(transfer, path: "x.mp3", lease: .seconds(-100)).intent()
        #expect(try await ledger.commit(intent, of: transfer) != nil, "late, but nobody took it over")
        #expect(try await condemn(ledger, grace: .zero).isEmpty)
        #expect(try await ledger.commit(intent, of: transfer) == nil)
        #expect(try await ledger.claim().isEmpty)
    }

    @Test func `renewing an intent lengthens the lease of its transfer`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let transfer = try #require(try await ledger.claim(lease: .seconds(-1)).first)
        let intent = try await ledger.open(transfer, path: "x.mp3", lease: .seconds(-1)).intent()
        let renewed = try await ledger.transaction { session in
            try Intents.renew([intent.token], lease: .seconds(60), in: session)
        }
        #expect(renewed == [intent.token])
        #expect(try await ledger.claim(holder: Sample.otherHolder).isEmpty)
        #expect(try await condemn(ledger, grace: .zero).isEmpty)
    }

    @Test func `what is about to be published is written down for the sweep, unless the intent fell`() async throws {
        let (ledger, transfer) = try await claimed()
        let first = try await ledger.open(transfer, path: "x.mp3").intent()
        let second = try await ledger.open(transfer, path: "x.mp3").intent()
        let digest = try #require(Digest(bytes: [UInt8](repeating: 9, count: 32)))
        let ready = Intent.Ready(size: 100, digest: digest)
        try await ledger.transaction { session in
            let written = try Intents.ready(
                [first.token: ready, second.token: ready], lease: .seconds(-100), in: session)
            #expect(written == [second.token])
        }
        let swept = try await condemn(ledger, grace: .zero)
        #expect(swept.map(\.ready) == [ready])
    }

    @Test func `a released transfer's intent falls, and its worker may drop what it took away itself`() async throws {
        let (ledger, transfer) = try await claimed()
        let intent = try await ledger.open(transfer, path: "x.mp3").intent()
        let claim = try #require(transfer.claim)
        try await ledger.transaction { session in
            try Transfers.release([TransferRelease(claim: claim, delay: .zero, error: "full")], in: session)
            #expect(try Intents.isHeld([intent.token], in: session).isEmpty)
            try Intents.drop([intent.token], holder: Sample.otherHolder, in: session)
            #expect(try Intents.find([intent.token], in: session).count == 1)
            try Intents.drop([intent.token], holder: Sample.holder, in: session)
            #expect(try Intents.find([intent.token], in: session).isEmpty)
        }
    }

    @Test func `open intents reserve what they have not allocated, for all volumes of the account`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1, 2, 3])
        let transfers = try await ledger.claim(3)
        let first = try await ledger.open(transfers[0], path: "1").intent()
        let second = try await ledger.open(transfers[1], path: "2", volume: VolumeID("volume-b")).intent()
        let third = try await ledger.open(transfers[2], path: "3").intent()
        try await ledger.commit(third, of: transfers[2])
        try await ledger.transaction { session in
            let digest = try #require(Digest(bytes: [UInt8](repeating: 7, count: 32)))
            try Intents.ready(
                [
                    first.token: Intent.Ready(size: 400, digest: digest),
                    second.token: Intent.Ready(size: 5000, digest: digest),
                ], lease: .seconds(30), in: session)
            let volumes = [Sample.volume, VolumeID("volume-b"), VolumeID("unheard of")]
            #expect(try session.answer(Accounts.lock(of: volumes)) == [Sample.account])
            let standings = try session.answer(Accounts.standing(of: volumes))
            #expect(Set(standings.keys) == [Sample.volume, VolumeID("volume-b")])
            #expect(standings.values.allSatisfy { $0.account == Sample.account })
            #expect(standings[Sample.volume]?.standing.unallocatedBytes == 600)
            #expect(standings[Sample.volume]?.standing.unallocatedFiles == 1)
            try Intents.allocated([first.token], in: session)
            #expect(
                try session.answer(Accounts.standing(of: volumes))[Sample.volume]?.standing.unallocatedBytes == 0)
        }
    }

    @Test func `commit, take-over, renewal and sweep at once never deadlock and commit each transfer once`()
        async throws
    {
        let ledger = try await LedgerDatabase(connections: 8)
        try await ledger.registerVolumes()
        try await ledger.plan(ids: Int64(1)...40)
        let committed = Counter()
        let runs = Counter()
        let bodies = Counter()
        try await withThrowingTaskGroup { group in
            for worker in 0..<7 {
                group.addTask {
                    let holder = Holder("worker \(worker)")
                    for _ in 0..<60 {
                        let mine = try await ledger.claim(4, holder: holder, lease: .milliseconds(-1))
                        if mine.isEmpty { continue }
                        let requests = try mine.shuffled().map { transfer in
                            try Sample.request(transfer, path: "\(transfer.id)-\(transfer.attempts)")
                        }
                        bodies.add()
                        let outcomes = try await ledger.transaction { session in
                            runs.add()
                            return try Intents.open(requests, lease: .seconds(60), in: session)
                        }
                        let intents = outcomes.compactMap { try? $0.intent() }
                        let tokens = intents.map(\.token).shuffled()
                        _ = try await ledger.database.perform { session in
                            try Intents.renew(tokens, lease: .milliseconds(-1), in: session)
                        }
                        bodies.add()
                        let done = try await ledger.transaction { session in
                            runs.add()
                            let transfers = Dictionary(mine.map { ($0.id, $0) }, uniquingKeysWith: { one, _ in one })
                            let sids = intents.compactMap { $0.transfer.flatMap { transfers[$0]?.sid } }
                            try Recordings.lock(sids, in: session)
                            let held = try Intents.lockHeld(tokens, in: session)
                            let ready = intents.filter { held.contains($0.token) }
                            let replicas = try ready.map { intent in
                                let transfer = try #require(intent.transfer.flatMap { transfers[$0] })
                                return try Sample.replica(
                                    transfer.sid, kind: .audio, path: intent.finalPath?.utf8Text ?? "",
                                    transfer: transfer.id)
                            }
                            try Replicas.insert(replicas, in: session)
                            try Intents.close(held, in: session)
                            try Sightings.converge(mine.map(\.recording), in: session)
                            return held.count
                        }
                        for _ in 0..<done { committed.add() }
                    }
                }
            }
            group.addTask {
                for _ in 0..<60 {
                    _ = try await condemn(ledger, grace: .milliseconds(-1))
                    bodies.add()
                    _ = try await ledger.transaction { session in
                        runs.add()
                        return try Plans.record(
                            (Int64(1)...40).shuffled().prefix(10).map { Sample.plan(id: $0) }, in: session)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(runs.value == bodies.value, "a deadlock would have been run again")
        // Who took over last may have come too late to commit, too: what is left is done in peace.
        for transfer in try await ledger.claim(40) {
            let path = "\(transfer.id)-\(transfer.attempts)"
            if try await ledger.commit(ledger.open(transfer, path: path).intent(), of: transfer) != nil {
                committed.add()
            }
        }
        #expect(committed.value == 40)
        #expect(try await ledger.count("select count(*) from takeup.replica") == 40)
        #expect(try await ledger.count("select count(*) from takeup.transfer where state = 'done'") == 40)
        #expect(try await ledger.count("select count(*) from takeup.sighting where state = 'converged'") == 40)
    }
}
