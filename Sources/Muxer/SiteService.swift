internal import Delivery
internal import HTTP
internal import Interaction
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Synchronization
internal import Telemetry
internal import Vocabulary

/// Searches a GIR site for calls, and brings each to where its pairs have one result. `run()` goes on until it is cancelled;
/// `runBatch(_:)` ends when what one search found is done.
struct SiteService: Sendable {
    let access: SiteAccess
    let work: SiteWork
    let book: any SiteBook
    let settings: GIRSettings
    let narrator: any Narrator
    let progress: Progress
    let now: @Sendable () -> Instant
    var retry = Retry.work
    private let tally = Tally()

    static let loop = "site"
    /// Attempts at one call in a batch.
    private static let mostAttempts = 5
    /// So long a call rests that only a person can help.
    private static let rest = Duration.seconds(3600)

    /// What a batch counts, by the names of results: a call may be looked at more than once.
    private final class Tally: Sendable {
        struct Counts: Sendable {
            var made: Set<String> = []
            var stood: Set<String> = []
            var withoutPair = 0
        }
        let counts = Mutex(Counts())
    }

    init(
        access: SiteAccess, work: SiteWork, book: any SiteBook, settings: GIRSettings, narrator: any Narrator,
        progress: Progress, now: @escaping @Sendable () -> Instant
    ) {
        self.access = access
        self.work = work
        self.book = book
        self.settings = settings
        self.narrator = narrator
        self.progress = progress
        self.now = now
    }

    func run() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                let pause = try await turn()
                failures = 0
                if pause > .zero { try await Task.sleep(for: pause) }
            } catch is CancellationError {
                return
            } catch {
                failures += 1
                if Task.isCancelled { return }
                // Of one outage the first is told, and then each that is twice as far away.
                if failures.nonzeroBitCount == 1 { tellFailed(error, failures) }
                var chance = SystemRandomNumberGenerator()
                try? await Task.sleep(for: Retry.connection.wait(afterAttempts: failures, using: &chance))
            }
            progress.advance(SiteService.loop)
        }
    }

    private func tellFailed(_ error: any Error, _ failures: Int) {
        narrator.tell(.turnFailed, .service(SiteService.loop), .detail(error), .attempt(failures))
    }

    /// A search where one is due, and the calls of one claim. Gives how long nothing is to be done then.
    func turn() async throws -> Duration {
        if try await book.beginsSearch() { try await search() }
        if try await carryOutSome(of: nil) > 0 { return .zero }
        let due = try await book.untilDue() ?? settings.pollInterval
        // Other workers find calls, too.
        let most = book.hasLeases ? Duration.seconds(2) : .seconds(60)
        return min(max(due, .milliseconds(50)), most)
    }

    // MARK: Searches

    /// Asks for the window, part by part.
    private func search() async throws {
        let now = now()
        let whole = SearchWindow(past: settings.window.past, olderThan: settings.window.olderThan, now: now)
        let parts =
            settings.window.split.map { whole.parts(longest: $0.longest, buffer: $0.buffer, now: now) } ?? [whole]
        for part in parts { _ = try await search(part) }
    }

    /// - Returns: the calls of our shard that were shown.
    private func search(_ window: SearchWindow?) async throws -> Set<String> {
        let shard = settings.shard.flatMap { shard in
            Shard(id: shard.id, total: shard.total).map { shard.kind == .backup ? $0.backup : $0 }
        }
        let found = Found()
        do {
            try await access.rws.search(window, criteria: access.criteria, limit: settings.pagination) {
                [book, progress, settings] page throws(SiteError) in
                let own = page.filter { shard?.contains(recording: $0.id) ?? true }
                do {
                    try await book.note(own, wakes: settings.batchQuery != nil)
                } catch {
                    found.fail(error)
                    throw SiteError(.cancelled, doing: "take down calls")
                }
                found.add(own.map(\.id))
                progress.advance(SiteService.loop)
            }
        } catch {
            throw found.error ?? error
        }
        return found.calls
    }

    private final class Found: Sendable {
        private let state = Mutex<(calls: Set<String>, error: (any Error)?)>(([], nil))
        func add(_ ids: [String]) { state.withLock { $0.calls.formUnion(ids) } }
        func fail(_ error: any Error) { state.withLock { $0.error = error } }
        var calls: Set<String> { state.withLock { $0.calls } }
        var error: (any Error)? { state.withLock { $0.error } }
    }

    // MARK: Calls

    /// Claims calls, of a batch only its own, and carries them out. Gives how many.
    private func carryOutSome(of batch: SiteCalls.Batch?) async throws -> Int {
        // Of what is shared no worker takes more than it does in a while.
        let most = book.hasLeases ? min(settings.querySliceSize, settings.workerThreads * 4) : settings.querySliceSize
        let asked = ContinuousClock.now
        let claims = try await book.claim(most, batch: batch)
        guard !claims.isEmpty else { return 0 }
        let error = await whileRenewing(claims, since: asked) { open in
            let screens: [String: Result<[SiteMedium]?, SiteError>]
            do {
                screens = try await self.screens(of: claims.map(\.call))
            } catch {
                for claim in claims {
                    open.remove(claim)
                    try? await book.end(claim, .released)
                }
                if Task.isCancelled { return nil }
                return error
            }
            await withTaskGroup(of: Void.self) { group in
                for (number, claim) in claims.enumerated() {
                    if number >= settings.workerThreads { await group.next() }
                    group.addTask {
                        await carryOut(claim, screens[claim.call] ?? .success(nil))
                        open.remove(claim)
                        progress.advance(SiteService.loop)
                    }
                }
            }
            return nil
        }
        if let error { throw error }
        return claims.count
    }

    /// What RWS shows for each of the calls. Where it refuses the question for many, each is asked for by itself: what it
    /// refuses for one keeps nobody from the others.
    ///
    /// - Throws: what may pass, and a refusal of our account for all of them.
    private func screens(of calls: [String]) async throws(SiteError) -> [String: Result<[SiteMedium]?, SiteError>] {
        do {
            let slice = settings.asksInBulk ? settings.querySliceSize : nil
            let screens = try await access.rws.screens(of: calls, slice: slice)
            if await access.rws.tellsNoBulk() { narrator.tell(.bulkUnknown) }
            return screens.mapValues { Result<[SiteMedium]?, SiteError>.success($0) }
        } catch {
            if error.isTransient { throw error }
        }
        var found: [String: Result<[SiteMedium]?, SiteError>] = [:]
        var refusals: [SiteError] = []
        for call in calls {
            do {
                found[call] = .success(try await access.rws.screens(of: call))
            } catch {
                if error.isTransient { throw error }
                refusals.append(error)
                found[call] = .failure(error)
            }
            progress.advance(SiteService.loop)
        }
        if let last = refusals.last, calls.count > 1, refusals.count == calls.count,
            refusals.allSatisfy({ $0.code == .permission })
        {
            throw last
        }
        return found
    }

    /// Renews what is not ended yet. All work that was claimed together ends where one of its leases was lost, or where none
    /// could be renewed for as long as a lease lasts.
    ///
    /// - Parameter asked: when the claims were asked for: their leases begin then or later.
    private func whileRenewing(
        _ claims: [SiteClaim], since asked: ContinuousClock.Instant,
        _ body: @escaping @Sendable (OpenClaims) async -> (any Error)?
    ) async -> (any Error)? {
        let open = OpenClaims(claims, renewed: asked)
        let work = Task { await body(open) }
        @Sendable func give(up claim: SiteClaim?) {
            narrator.tell(.leaseLost, .job(claim?.lease?.id.rawValue ?? 0), .service(SiteService.loop))
            work.cancel()
        }
        let renewal = Task {
            while book.hasLeases {
                try await Task.sleep(for: .seconds(10))
                let (claims, asked) = (open.all, ContinuousClock.now)
                if let held = try? await book.renew(claims) {
                    open.renewed(at: asked)
                    // What ended meanwhile is not lost.
                    let standing = Set(open.all.map(\.call))
                    if let lost = claims.first(where: { !held.contains($0.call) && standing.contains($0.call) }) {
                        return give(up: lost)
                    }
                }
            }
        }
        // By itself: a ledger that is away may hold up the renewal.
        let watch = Task {
            while book.hasLeases {
                try await Task.sleep(for: .seconds(1))
                if open.sinceRenewal >= ReplayBase.lease { return give(up: open.all.first) }
            }
        }
        let error = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        renewal.cancel()
        watch.cancel()
        return error
    }

    private final class OpenClaims: Sendable {
        private let claims: Mutex<[String: SiteClaim]>
        private let last: Mutex<ContinuousClock.Instant>
        init(_ claims: [SiteClaim], renewed: ContinuousClock.Instant) {
            self.claims = Mutex(Dictionary(claims.map { ($0.call, $0) }, uniquingKeysWith: { first, _ in first }))
            last = Mutex(renewed)
        }
        func renewed(at moment: ContinuousClock.Instant) { last.withLock { $0 = moment } }
        var sinceRenewal: Duration { last.withLock { .now - $0 } }
        var all: [SiteClaim] { claims.withLock { Array($0.values) } }
        func remove(_ claim: SiteClaim) { claims.withLock { $0[claim.call] = nil } }
    }

    private func carryOut(_ claim: SiteClaim, _ screens: Result<[SiteMedium]?, SiteError>) async {
        var ending: SiteCalls.Ending
        do {
            try Task.checkCancellation()
            try await removeStaged(claim)
            let outcome = try await work.carryOut(claim, screens: try screens.get()) { [book] in
                try await book.stage($0, claim)
            }
            tell(outcome, claim)
            ending =
                outcome.failures.isEmpty ? .looked(again: again(outcome, claim)) : failure(outcome.failures, claim)
            try await noteWait(outcome, ending, claim)
        } catch {
            ending = failure([error], claim)
        }
        do {
            try await end(claim, ending)
        } catch {
            // Its lease runs out, or another worker has it: then what is done is found done.
            tellFailed(error, 1)
        }
    }

    /// A short outage of the database must not cost the work.
    private func end(_ claim: SiteClaim, _ ending: SiteCalls.Ending) async throws {
        do {
            try await book.end(claim, ending)
        } catch let error as PostgresError where error.isOutage {
            try await Task.sleep(for: .seconds(2))
            try await book.end(claim, ending)
        }
    }

    /// What a dead worker was about to upload.
    private func removeStaged(_ claim: SiteClaim) async throws {
        for name in claim.staged {
            guard let address = HTTPAddress(name), access.isStore(address) else { continue }
            try await access.store.remove(address)
        }
    }

    /// Whether nobody goes on with a call when we end it: a batch that shares no ledger.
    var isLast: Bool { settings.batchQuery != nil && !book.hasLeases }

    private func again(_ outcome: SiteWork.Outcome, _ claim: SiteClaim) -> Duration? {
        if isLast { return nil }
        let patience = CallPatience(shortest: settings.pollInterval, follows: settings.window.past)
        let stop = claim.record?.stop ?? claim.record?.start ?? claim.start
        return patience.wait(at: now(), stop: stop, isAwaited: outcome.isAwaited)
    }

    /// - Parameter errors: at least one. The call is tried again as the one wants that may pass first.
    private func failure(_ errors: [any Error], _ claim: SiteClaim) -> SiteCalls.Ending {
        if Task.isCancelled || errors.contains(where: SiteWork.isEnd) { return .released }
        let isLasting = !errors.contains { error in
            (error as? any Retryable)?.isTransient ?? (error as? MuxFailure)?.isTransient ?? true
        }
        let attempt = claim.failures + 1
        let texts = errors.map { String(describing: $0) }
        for (error, text) in zip(errors, texts) {
            var facts: [Fact] = [
                .since(claim.record?.start ?? claim.start ?? Instant(microseconds: 0)), .attempt(attempt),
                .detail(text),
            ]
            if let lease = claim.lease { facts.append(.job(lease.id.rawValue)) }
            if let pair = error as? PairFailure { facts.append(.reason(pair.name)) }
            narrator.tell(.resultFailed, facts: facts)
        }
        let text = texts.joined(separator: "; ")
        if isLast, isLasting || attempt >= SiteService.mostAttempts { return .failed(again: nil, error: text) }
        var chance = SystemRandomNumberGenerator()
        // Work is never dropped because it failed: what only a person can mend is looked at again, rarely.
        return .failed(
            again: isLasting ? SiteService.rest : retry.wait(afterAttempts: attempt, using: &chance), error: text)
    }

    private func tell(_ outcome: SiteWork.Outcome, _ claim: SiteClaim) {
        let start = claim.record?.start ?? claim.start ?? Instant(microseconds: 0)
        let job = claim.lease.map { [Fact.job($0.id.rawValue)] } ?? []
        for made in outcome.made {
            narrator.tell(
                .resultRegistered,
                facts: job + [
                    .reason(made.name), .since(start), .size(bytes: made.byteCount), .elapsed(made.elapsed),
                    .detail(made.encoded),
                ])
        }
        // Media ids that others chose may hold the call's own id.
        let own = Set(outcome.made.map(\.name) + outcome.stood)
        for (kept, count) in outcome.doubles {
            let told = own.contains(kept) ? kept : "another muxer's"
            narrator.tell(.resultDoubled, facts: job + [.since(start), .reason(told), .count(count)])
        }
        guard settings.batchQuery != nil else { return }
        tally.counts.withLock { counts in
            counts.made.formUnion(outcome.made.map(\.name))
            counts.stood.formUnion(outcome.stood)
            counts.withoutPair += outcome.hasNoPair ? 1 : 0
        }
    }

    // MARK: Batch

    /// One search by the query of the settings, and everything that it found.
    func runBatch() async throws -> SiteBatch {
        let started = ContinuousClock.now
        let all = SiteCalls.Batch(
            calls: try await searchForBatch(), mostFailures: SiteService.mostAttempts, rest: SiteService.rest)
        var failures = 0
        while true {
            try Task.checkCancellation()
            do {
                let count = try await carryOutSome(of: all)
                failures = 0
                if count == 0 {
                    if try await book.count(all).open == 0 { break }
                    try await Task.sleep(for: book.hasLeases ? .seconds(1) : .milliseconds(50))
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                failures += 1
                if failures.nonzeroBitCount == 1 { tellFailed(error, failures) }
                guard failures < SiteService.mostAttempts * 4 else { throw error }
                var chance = SystemRandomNumberGenerator()
                try await Task.sleep(for: Retry.connection.wait(afterAttempts: failures, using: &chance))
            }
        }
        let failed = try await book.count(all).failed
        let counts = tally.counts.withLock { $0 }
        let batch = SiteBatch(
            calls: all.calls.count, made: counts.made.count, stood: counts.stood.subtracting(counts.made).count,
            withoutPair: counts.withoutPair, failed: failed)
        narrator.tell(.batchEnded, .count(batch.calls), .elapsed(.now - started), .detail(batch.description))
        return batch
    }

    private func searchForBatch() async throws -> Set<String> {
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await search(nil)
            } catch {
                let isTransient = (error as? any Retryable)?.isTransient ?? true
                guard isTransient, attempt < SiteService.mostAttempts, !Task.isCancelled else { throw error }
                tellFailed(error, attempt)
                var chance = SystemRandomNumberGenerator()
                try await Task.sleep(for: Retry.connection.wait(afterAttempts: attempt, using: &chance))
            }
        }
    }
}

/// How a batch ended.
package struct SiteBatch: Hashable, Sendable, CustomStringConvertible {
    /// That the query found, in our shard.
    package let calls: Int
    /// By this worker: results made, results that stood before, and calls without a pair of sound and screen.
    package let made: Int
    package let stood: Int
    package let withoutPair: Int
    /// Calls, whoever worked on them.
    package let failed: Int

    package var description: String {
        "\(calls) calls found; \(made) results made and \(stood) found standing by this worker, \(withoutPair) calls "
            + "without a pair, \(failed) calls failed"
    }
}
