import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Interaction
@testable import Muxer

/// A record of a call that a search showed once is used only while nothing newer is known.
@Suite struct StaleRecordTests {
    private func call(_ legs: String...) -> SiteCall {
        let media = legs.map {
            SiteMedium(
                mediaID: $0, type: "audio/mp3", start: nil, stop: nil, length: nil, byteCount: nil, address: "",
                storage: .unknown("nothing"), envelope: nil, agent: nil, sources: nil)
        }
        return SiteCall(id: "c", region: "", start: nil, stop: nil, media: media, hasScreenMark: true)
    }

    @Test func `what another worker's search changed is asked for by its id`() async throws {
        let scratch = try await ScratchDatabase()
        let database = scratch.connect()
        _ = try await database.transaction { session in try Migrations.apply(program: "test", in: session) }
        func book(_ holder: String) -> LedgerSiteBook {
            LedgerSiteBook(database: database, site: "s", kind: "k", interval: .seconds(60), holder: Holder(holder))
        }
        let (one, other) = (book("one"), book("other"))
        try await one.note([call("a")], wakes: false)
        let theirs = try #require(try await other.claim(1, batch: nil).first)
        try await other.end(theirs, .looked(again: .seconds(3600)))
        // A leg more, which the first worker did not see.
        try await other.note([call("a", "b")], wakes: false)
        let ours = try #require(try await one.claim(1, batch: nil).first)
        #expect(ours.record == nil)
        try await one.end(ours, .looked(again: .seconds(3600)))
        try await one.note([call("a", "b", "c")], wakes: false)
        #expect(try await one.claim(1, batch: nil).first?.record == call("a", "b", "c"))
    }

    @Test func `what the last search did not show any more is asked for by its id`() throws {
        let clock = Mutex(ContinuousClock.now)
        let book = MemorySiteBook(interval: .seconds(60)) { clock.withLock { $0 } }
        func pass(_ span: Duration) { clock.withLock { $0 += span } }
        #expect(book.beginsSearch())
        pass(.seconds(1))
        book.note([call("a")], wakes: false)
        let fresh = try #require(book.claim(1, batch: nil).first)
        #expect(fresh.record == call("a"))
        book.end(fresh, .looked(again: .seconds(30)))
        pass(.seconds(120))
        // It has left the window, and is waited for all the same.
        #expect(book.beginsSearch())
        let later = try #require(book.claim(1, batch: nil).first)
        #expect(later.call == "c" && later.record == nil)
    }

    @Test func `what changed while a call was worked on is looked at after it`() throws {
        let book = MemorySiteBook(interval: .seconds(60))
        book.note([call("a")], wakes: false)
        let claim = try #require(book.claim(1, batch: nil).first)
        book.note([call("a", "b")], wakes: false)
        book.end(claim, .looked(again: nil))
        #expect(book.claim(1, batch: nil).isEmpty)
        book.note([call("a", "b")], wakes: false)
        #expect(book.claim(1, batch: nil).first?.record == call("a", "b"))
    }

    @Test func `what changed while a call was worked on in vain is asked for by its id`() throws {
        let book = MemorySiteBook(interval: .seconds(60))
        #expect(book.beginsSearch())
        book.note([call("a")], wakes: false)
        let claim = try #require(book.claim(1, batch: nil).first)
        book.note([call("a", "b")], wakes: false)
        book.end(claim, .failed(again: .zero, error: "in vain"))
        let again = try #require(book.claim(1, batch: nil).first)
        #expect(again.record == nil)
        book.end(again, .failed(again: .zero, error: "in vain"))
        book.note([call("a", "b")], wakes: false)
        #expect(book.claim(1, batch: nil).first?.record == call("a", "b"))
    }
}
