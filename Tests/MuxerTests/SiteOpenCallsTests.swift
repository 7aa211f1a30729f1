import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Interaction
@testable import Muxer

/// Leases of calls that are worked on, over a real ledger.
@Suite(.timeLimit(.minutes(2))) struct SiteOpenCallsTests {
    private final class Stopped: Sendable {
        private let calls = Mutex<Set<String>>([])
        func add(_ claim: SiteClaim) { _ = calls.withLock { $0.insert(claim.call) } }
        var all: Set<String> { calls.withLock { $0 } }
    }

    private struct Scene {
        let scratch: ScratchDatabase
        let database: Database
        let book: LedgerSiteBook
        /// Of `a` and `b`.
        let claims: [SiteClaim]

        init() async throws {
            scratch = try await ScratchDatabase()
            database = scratch.connect()
            _ = try await database.transaction { try Migrations.apply(program: "test", in: $0) }
            book = LedgerSiteBook(
                database: database, site: "site", kind: "all", interval: .seconds(60), holder: Holder("host/1/x"))
            let calls = ["a", "b"].map {
                SiteCall(id: $0, region: "", start: nil, stop: nil, media: [], hasScreenMark: false)
            }
            try await book.note(calls, wakes: false)
            claims = try await book.claim(5, batch: nil).sorted { $0.call < $1.call }
        }
    }

    @Test func `a lease that was lost stops the work on its call, and no other`() async throws {
        let scene = try await Scene()
        try #require(scene.claims.map(\.call) == ["a", "b"])
        let stopped = Stopped()
        let open = SiteOpenCalls(scene.book, interval: .milliseconds(50)) { stopped.add($0) }
        open.add(scene.claims, since: .now)
        let keeper = Task { await open.keep() }
        defer { keeper.cancel() }
        let work = scene.claims.map { claim in
            Task { await open.whileHeld(claim) { try? await Task.sleep(for: .seconds(100)) } }
        }
        try await scene.database.perform { session in
            try session.execute(
                "update takeup.site_call set holder = 'other', attempts = attempts + 1 where call_id = 'a'")
        }
        await work[0].value
        #expect(stopped.all == ["a"])
        try await Task.sleep(for: .milliseconds(200))
        #expect(stopped.all == ["a"] && !work[1].isCancelled)
        work[1].cancel()
        await work[1].value
    }

    @Test func `work stops where no lease could be renewed for as long as one lasts, also what has not begun`()
        async throws
    {
        let scene = try await Scene()
        let stopped = Stopped()
        let open = SiteOpenCalls(scene.book, interval: .milliseconds(50), lease: .milliseconds(600)) { stopped.add($0) }
        open.add(scene.claims, since: .now)
        let keeper = Task { await open.keep() }
        defer { keeper.cancel() }
        let work = Task { await open.whileHeld(scene.claims[0]) { try? await Task.sleep(for: .seconds(100)) } }
        try await Task.sleep(for: .seconds(1))
        #expect(stopped.all.isEmpty)
        try await scene.database.perform { try $0.execute("drop table takeup.site_call cascade") }
        await work.value
        #expect(stopped.all == ["a", "b"])
        let isCancelled = Mutex(false)
        await open.whileHeld(scene.claims[1]) { isCancelled.withLock { $0 = Task.isCancelled } }
        #expect(isCancelled.withLock { $0 })
    }
}
