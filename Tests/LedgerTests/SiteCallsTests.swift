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

    private func note(_ ledger: LedgerDatabase, _ calls: [SiteCalls.Found], again: Duration = .seconds(600))
        async throws
    {
        try await ledger.transaction { try SiteCalls.note(calls, site: "c", again: again, in: $0) }
    }

    private func claim(
        _ ledger: LedgerDatabase, _ limit: Int = 10, holder: Holder = Sample.holder, lease: Duration = .seconds(60)
    ) async throws -> [SiteCalls.Claimed] {
        try await ledger.transaction {
            try SiteCalls.claim(site: "c", holder: holder, limit: limit, newest: 1, lease: lease, in: $0)
        }
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
        let counts = try await ledger.transaction { try SiteCalls.count(["a", "b", "z"], site: "c", in: $0) }
        #expect(counts == (1, 1))
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
