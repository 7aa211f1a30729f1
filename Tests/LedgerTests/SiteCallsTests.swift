import Postgres
import Support
import Testing
import Vocabulary

@testable import Ledger

@Suite struct SiteCallsTests {
    private let other = Holder("host:2:bb")

    private func found(_ ids: String..., media: UInt8 = 1) throws -> [SiteCalls.Found] {
        let digest = try #require(Digest(bytes: [UInt8](repeating: media, count: 32)))
        return ids.map { SiteCalls.Found(id: $0, fingerprint: digest, start: Instant(microseconds: 5)) }
    }

    private func note(
        _ ledger: LedgerDatabase, _ calls: [SiteCalls.Found], again: Duration = .seconds(600), wakes: Bool = false
    ) async throws {
        try await ledger.transaction { try SiteCalls.note(calls, site: "c", again: again, wakes: wakes, in: $0) }
    }

    private func claim(
        _ ledger: LedgerDatabase, _ limit: Int = 10, holder: Holder = Sample.holder, lease: Duration = .seconds(60),
        batch: SiteCalls.Batch? = nil
    ) async throws -> [SiteCalls.Claimed] {
        try await ledger.transaction {
            try SiteCalls.claim(
                site: "c", holder: holder, limit: limit, newest: 1, lease: lease, batch: batch, in: $0)
        }
    }

    private func batch(_ calls: String...) -> SiteCalls.Batch {
        SiteCalls.Batch(calls: Set(calls), mostFailures: 2, rest: .seconds(3600))
    }

    private func count(_ ledger: LedgerDatabase, _ batch: SiteCalls.Batch) async throws -> [Int] {
        let counts = try await ledger.transaction { try SiteCalls.count(batch, site: "c", in: $0) }
        return [counts.open, counts.failed]
    }

    @discardableResult
    private func end(
        _ ledger: LedgerDatabase, _ claimed: SiteCalls.Claimed, _ ending: SiteCalls.Ending
    ) async throws -> Bool {
        try await ledger.transaction { try SiteCalls.end(claimed.claim, ending, in: $0) }
    }

    @Test func `a call that several searches show is one, and one worker's at a time`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a", "b"))
        try await note(ledger, found("b", "c"))
        let ours = try await claim(ledger, 2)
        let theirs = try await claim(ledger, holder: other)
        #expect(ours.count == 2 && theirs.count == 1)
        #expect(Set((ours + theirs).map(\.call)) == ["a", "b", "c"])
        #expect(try await claim(ledger).isEmpty)
    }

    @Test func `who was late has lost the call, and cannot end, renew or stage it`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a"))
        let late = try #require(try await claim(ledger, lease: .zero).first)
        let now = try #require(try await claim(ledger, holder: other).first)
        #expect(now.call == "a")
        #expect(try await !end(ledger, late, .looked(again: nil)))
        #expect(try await ledger.transaction { try SiteCalls.renew([late.claim], lease: .seconds(9), in: $0) }.isEmpty)
        #expect(try await !ledger.transaction { try SiteCalls.stage("x", late.claim, in: $0) })
        #expect(try await end(ledger, now, .looked(again: nil)))
    }

    @Test func `names of uploads are told to the next holder until the call was looked at`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a"))
        let first = try #require(try await claim(ledger).first)
        for name in ["https://d/x.part", "https://d/y.part", "https://d/x.part"] {
            #expect(try await ledger.transaction { try SiteCalls.stage(name, first.claim, in: $0) })
        }
        try await end(ledger, first, .failed(again: .zero, error: "no"))
        let second = try #require(try await claim(ledger).first)
        #expect(Set(second.staged) == ["https://d/x.part", "https://d/y.part"] && second.staged.count == 2)
        #expect(second.failures == 1)
        try await end(ledger, second, .looked(again: .zero))
        let third = try #require(try await claim(ledger).first)
        #expect(third.staged.isEmpty && third.failures == 0)
    }

    @Test func `what is done rests until its media change, or a search finds it after a while`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a"))
        try await end(ledger, try #require(try await claim(ledger).first), .looked(again: nil))
        try await note(ledger, found("a"))
        #expect(try await claim(ledger).isEmpty)
        try await note(ledger, found("a"), again: .zero)
        try await end(ledger, try #require(try await claim(ledger).first), .looked(again: nil))
        try await note(ledger, found("a", media: 2))
        #expect(try await claim(ledger).count == 1)
    }

    @Test func `a call that waits is due when its time has come`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a", "b"))
        let both = try await claim(ledger)
        try await end(ledger, both[0], .looked(again: .seconds(100)))
        try await end(ledger, both[1], .failed(again: nil, error: "no"))
        #expect(try await claim(ledger).isEmpty)
        let due = try #require(try await ledger.transaction { try SiteCalls.nextDue(site: "c", in: $0) })
        #expect((.seconds(90)...(.seconds(100))).contains(due))
        #expect(try await count(ledger, batch("a", "b", "z")) == [0, 1])
    }

    @Test func `a batch claims its own calls only, also of those whose worker died`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a", "b", "c", "d"))
        let dead = try await claim(ledger, 2, lease: .zero).map(\.call)
        #expect(Set(dead).isSubset(of: ["a", "b", "c", "d"]) && dead.count == 2)
        #expect(try await claim(ledger, batch: batch("a", "c")).map(\.call).sorted() == ["a", "c"])
        #expect(try await claim(ledger).map(\.call).sorted() == ["b", "d"])
    }

    @Test func `a batch looks once at all that it finds, though it waits for later, and ends while it does`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        let own = batch("a", "b")
        try await note(ledger, found("a", "b", "c"))
        for one in try await claim(ledger) { try await end(ledger, one, .looked(again: .seconds(9000))) }
        // As much later.
        try await ledger.transaction {
            _ = try $0.execute("update takeup.site_call set looked_at = looked_at - interval '1 hour'")
        }
        try await note(ledger, found("a", "b"), wakes: true)
        #expect(try await count(ledger, own) == [2, 0])
        for one in try await claim(ledger, batch: own) { try await end(ledger, one, .looked(again: .zero)) }
        // Due again for whoever waits for its screens, and looked at for the batch.
        #expect(try await count(ledger, own) == [0, 0])
        #expect(try await claim(ledger, batch: own).isEmpty)
        #expect(try await claim(ledger).map(\.call).sorted() == ["a", "b"])
    }

    @Test func `a batch gives up what rests or failed too often, and what was released it looks at`() async throws {
        let ledger = try await LedgerDatabase()
        let own = batch("a", "b", "c")
        try await note(ledger, found("a", "b", "c"), wakes: true)
        for one in try await claim(ledger, batch: own) {
            let ending: SiteCalls.Ending =
                switch one.call {
                case "a": .failed(again: .seconds(3600), error: "lasting")
                case "b": .failed(again: .zero, error: "passing")
                default: .released
                }
            try await end(ledger, one, ending)
        }
        #expect(try await count(ledger, own) == [2, 1])
        for one in try await claim(ledger, batch: own) {
            try await end(ledger, one, one.call == "b" ? .failed(again: .zero, error: "again") : .looked(again: nil))
        }
        #expect(try await count(ledger, own) == [0, 2])
        #expect(try await claim(ledger, batch: own).isEmpty)
        // Others go on with it, and the next batch begins with both.
        #expect(try await claim(ledger).map(\.call) == ["b"])
        try await note(ledger, found("a"), wakes: true)
        #expect(try await claim(ledger, batch: own).map(\.call) == ["a"])
    }

    @Test func `of workers that would search for the same, one does so in a while`() async throws {
        let ledger = try await LedgerDatabase()
        func begins(_ kind: String, _ interval: Duration) async throws -> Bool {
            try await ledger.transaction {
                try SiteCalls.beginSearch(site: "c", kind: kind, interval: interval, in: $0)
            }
        }
        #expect(try await begins("720", .seconds(60)))
        #expect(try await !begins("720", .seconds(60)))
        #expect(try await begins("1440", .seconds(60)))
        #expect(try await begins("720", .zero))
        let wait = try #require(
            try await ledger.transaction {
                try SiteCalls.untilSearch(site: "c", kind: "720", interval: .seconds(60), in: $0)
            })
        #expect((.seconds(50)...(.seconds(60))).contains(wait))
    }

    @Test func `sites do not see each other's calls, and old ones are forgotten`() async throws {
        let ledger = try await LedgerDatabase()
        try await note(ledger, found("a"))
        let claimed = try await ledger.transaction {
            try SiteCalls.claim(site: "d", holder: Sample.holder, limit: 5, newest: 0, lease: .seconds(9), in: $0)
        }
        #expect(claimed.isEmpty)
        try await end(ledger, try #require(try await claim(ledger).first), .looked(again: nil))
        try await ledger.transaction { try SiteCalls.forget(site: "c", after: .seconds(60), in: $0) }
        #expect(try await ledger.count("select count(*) from takeup.site_call") == 1)
        try await ledger.transaction { try SiteCalls.forget(site: "c", after: .zero, in: $0) }
        #expect(try await ledger.count("select count(*) from takeup.site_call") == 0)
    }
}
