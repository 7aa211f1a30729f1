@testable import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct TransferClaimsTests {
    @Test func `several sessions never get one transfer twice, and together get all`() async throws {
        let ledger = try await LedgerDatabase(connections: 8)
        try await ledger.plan(ids: Int64(1)...500)
        let claimed = try await withThrowingTaskGroup(of: [Transfer].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var mine: [Transfer] = []
                    while true {
                        let more = try await ledger.claim(7, holder: Holder("worker \(worker)"), newest: worker % 4)
                        if more.isEmpty { return mine }
                        mine += more
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 500)
        #expect(Set(claimed.map(\.id)).count == 500)
        #expect(claimed.allSatisfy { $0.attempts == 1 })
    }

    @Test func `two hundred that wait for later do not block the next`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: Int64(1)...200)
        let stuck = try await ledger.claim(200)
        try await ledger.transaction { session in
            try Transfers.release(
                stuck.compactMap(\.claim).map {
                    TransferRelease(claim: $0, delay: .seconds(3600), error: "missing", isMissing: true)
                }, in: session)
        }
        try await ledger.plan(ids: [201])
        #expect(try await ledger.claim(10).map(\.recording.id) == [201])
        #expect(try await ledger.claim(10, newest: 10).isEmpty)
    }

    @Test func `a transfer whose lease ended is claimed by another, and its late holder can change nothing`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let late = try #require(try await ledger.claim(lease: .seconds(-1)).first)
        let lateIntent = try await ledger.open(late, path: "x.mp3").intent()
        let current = try #require(try await ledger.claim(holder: Sample.otherHolder).first)
        #expect(current.id == late.id)
        #expect(current.attempts == 2)
        let intent = try await ledger.open(current, path: "x.mp3").intent()

        let lateClaim = try #require(late.claim)
        try await ledger.transaction { session in
            #expect(try Transfers.renew([lateClaim], lease: .seconds(60), in: session).isEmpty)
            #expect(try Intents.isHeld([lateIntent.token, intent.token], in: session) == [intent.token])
            #expect(try Intents.renew([lateIntent.token], lease: .seconds(60), in: session).isEmpty)
            try Transfers.release([TransferRelease(claim: lateClaim, delay: .zero)], in: session)
            try Intents.close([lateIntent.token], in: session)
        }
        #expect(try await ledger.open(late, path: "y.mp3") == .notHeld)
        #expect(try await ledger.commit(lateIntent, of: late) == nil)
        #expect(try await ledger.commit(intent, of: current) != nil)
    }

    @Test func `a process that claims again holds another claim than before`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1])
        let first = try #require(try await ledger.claim(lease: .seconds(-1)).first?.claim)
        let second = try #require(try await ledger.claim().first?.claim)
        try await ledger.transaction { session throws in
            #expect(try Transfers.renew([first, second], lease: .seconds(60), in: session) == [second.id])
            #expect(try Transfers.renew([first], lease: .seconds(60), in: session) == [])
        }
    }

    @Test func `the newest recordings have places of their own`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: Int64(1)...50)
        let claimed = try await ledger.claim(4, newest: 1)
        #expect(claimed.map(\.recording.id).sorted() == [1, 2, 3, 50])
    }

    @Test func `a release keeps what was seen, when it may be tried again, and since when it is missing`() async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1])
        for round in 1...2 {
            let claim = try #require(try await ledger.claim().first?.claim)
            try await ledger.transaction { session in
                try Transfers.release(
                    [
                        TransferRelease(
                            claim: claim, delay: .zero, error: "short", look: (size: 10, modified: 99),
                            isMissing: round == 1, isFailure: round == 2)
                    ], in: session)
            }
            let transfer = try #require(try await ledger.transaction { try Transfers.find([claim.id], in: $0) }.first)
            #expect(transfer.state == .waiting)
            #expect(transfer.lastLook?.size == 10)
            #expect(transfer.lastLook?.modified == 99)
            #expect((transfer.missingSince != nil) == (round == 1))
            #expect(transfer.failures == round - 1)
            #expect(transfer.lastError == "short")
        }
    }

    @Test func `a wake makes due what waits, and what is claimed as soon as it is released`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1, 2])
        let claimed = try await ledger.claim(2)
        let releases = claimed.compactMap(\.claim).map {
            TransferRelease(claim: $0, delay: .seconds(600), isMissing: true)
        }
        try await ledger.transaction { session in try Transfers.release([releases[0]], in: session) }
        #expect(try await ledger.claim(2).isEmpty)
        let woken = try await ledger.transaction { session in
            try Transfers.wake(mount: Sample.mount, paths: claimed.map(\.path), in: session)
        }
        #expect(woken == 2)
        try await ledger.transaction { session in try Transfers.release([releases[1]], in: session) }
        #expect(try await ledger.claim(2).count == 2)
    }

    @Test func `all that is missing on a mount can be woken at once`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1, 2])
        let releases = try await ledger.claim(2).compactMap(\.claim).enumerated().map { index, claim in
            TransferRelease(claim: claim, delay: .seconds(600), isMissing: index == 0)
        }
        try await ledger.transaction { session in
            try Transfers.release(releases, in: session)
            let wait = try #require(try Transfers.nextDue(mount: Sample.mount, in: session))
            #expect(wait > .seconds(590))
            #expect(
                try Transfers.missing(mount: Sample.mount, longerThan: .seconds(-1), limit: 9, in: session).count == 1)
            #expect(try Transfers.wakeMissing(mount: Sample.mount, in: session) == 1)
            #expect(try Transfers.wakeMissing(mount: Sample.mount, in: session) == 0)
        }
    }

    @Test func `what is looked at while all that is missing is woken looks again at once`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1])
        let claim = try #require(try await ledger.claim(1).first?.claim)
        try await ledger.transaction { session in
            #expect(try Transfers.wakeMissing(mount: Sample.mount, in: session) == 1)
            try Transfers.release([TransferRelease(claim: claim, delay: .seconds(600), isMissing: true)], in: session)
        }
        #expect(try await ledger.claim(1).count == 1)
    }

    @Test func `claims go by indexes, also after a hundred thousand transfers were done`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: Int64(1)...50)
        let plan = try await ledger.database.perform { session in
            try session.execute(
                """
                insert into takeup.transfer (source, source_id, source_media_id, fingerprint, sid, mount, kind,
                    source_path, state)
                select 'rec_a', n, n, 'x', 'sid', '/mnt/a/calls', 'AUDIO', 'p', 'done'
                from generate_series(100000, 199999) as n
                """)
            try session.execute("analyze takeup.transfer")
            try session.execute("set plan_cache_mode = force_generic_plan")
            try session.script(
                "prepare claim (text, text, bigint, bigint, interval) as " + Transfers.claimStatement)
            return try session.query("explain execute claim ('/mnt/a/calls', 'me', 8, 2, '60 s')")
                .map { try $0.text("QUERY PLAN") }.joined(separator: "\n")
        }
        for index in ["transfer_due", "transfer_newest", "transfer_claimed", "transfer_pkey"] {
            #expect(plan.contains(index), "\(plan)")
        }
        #expect(!plan.contains("Seq Scan"), "\(plan)")
    }
}
