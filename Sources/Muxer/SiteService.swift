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

    /// What a batch counts.
    private final class Tally: Sendable {
        struct Counts: Sendable {
            var made = 0
            var stood = 0
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
        if try await carryOutSome() > 0 { return .zero }
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
                [book, progress] page throws(SiteError) in
                let own = page.filter { shard?.contains(recording: $0.id) ?? true }
                do {
                    try await book.note(own)
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

    /// Claims calls and carries them out. Gives how many.
    private func carryOutSome() async throws -> Int {
        // Of what is shared no worker takes more than it does in a while.
        let most = book.hasLeases ? min(settings.querySliceSize, settings.workerThreads * 4) : settings.querySliceSize
        let claims = try await book.claim(most)
        guard !claims.isEmpty else { return 0 }
        let screens: [String: [SiteMedium]]
        do {
            let slice = settings.asksInBulk ? settings.querySliceSize : nil
            screens = try await access.rws.screens(of: claims.map(\.call), slice: slice)
        } catch {
            for claim in claims { try? await book.end(claim, .released) }
            throw error
        }
        await whileRenewing(claims) { open in
            await withTaskGroup(of: Void.self) { group in
                for (number, claim) in claims.enumerated() {
                    if number >= settings.workerThreads { await group.next() }
                    group.addTask {
                        await carryOut(claim, screens[claim.call])
                        open.remove(claim)
                        progress.advance(SiteService.loop)
                    }
                }
            }
        }
        return claims.count
    }

    /// Renews what is not ended yet; a lease that was lost ends all work that was claimed with it.
    private func whileRenewing(
        _ claims: [SiteClaim], _ body: @escaping @Sendable (OpenClaims) async -> Void
    ) async {
        let open = OpenClaims(claims)
        let work = Task { await body(open) }
        let renewal = Task {
            while book.hasLeases {
                try await Task.sleep(for: .seconds(10))
                let claims = open.all
                guard let held = try? await book.renew(claims) else { continue }
                // What ended meanwhile is not lost.
                let standing = Set(open.all.map(\.call))
                guard let first = claims.first(where: { !held.contains($0.call) && standing.contains($0.call) }) else {
                    continue
                }
                narrator.tell(.leaseLost, .job(first.lease?.id.rawValue ?? 0), .service(SiteService.loop))
                work.cancel()
            }
        }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        renewal.cancel()
    }

    private final class OpenClaims: Sendable {
        private let claims: Mutex<[String: SiteClaim]>
        init(_ claims: [SiteClaim]) {
            self.claims = Mutex(Dictionary(claims.map { ($0.call, $0) }, uniquingKeysWith: { first, _ in first }))
        }
        var all: [SiteClaim] { claims.withLock { Array($0.values) } }
        func remove(_ claim: SiteClaim) { claims.withLock { $0[claim.call] = nil } }
    }

    private func carryOut(_ claim: SiteClaim, _ screens: [SiteMedium]?) async {
        let ending: SiteCalls.Ending
        do {
            try Task.checkCancellation()
            try await removeStaged(claim)
            let outcome = try await work.carryOut(claim, screens: screens) { [book] in
                try await book.stage($0, claim)
            }
            tell(outcome, claim)
            ending = .looked(again: again(outcome, claim))
        } catch {
            ending = failure(error, claim)
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

    private func again(_ outcome: SiteWork.Outcome, _ claim: SiteClaim) -> Duration? {
        if settings.batchQuery != nil { return nil }
        let patience = CallPatience(shortest: settings.pollInterval, follows: settings.window.past)
        let stop = claim.record?.stop ?? claim.record?.start ?? claim.start
        return patience.wait(at: now(), stop: stop, isAwaited: outcome.isAwaited)
    }

    private func failure(_ error: any Error, _ claim: SiteClaim) -> SiteCalls.Ending {
        if Task.isCancelled || error is CancellationError || (error as? SiteError)?.code == .cancelled {
            return .released
        }
        let isLasting = !((error as? any Retryable)?.isTransient ?? (error as? MuxFailure)?.isTransient ?? true)
        let attempt = claim.failures + 1
        let text = String(describing: error)
        var facts: [Fact] = [
            .since(claim.record?.start ?? claim.start ?? Instant(microseconds: 0)), .attempt(attempt), .detail(text),
        ]
        if let lease = claim.lease { facts.append(.job(lease.id.rawValue)) }
        narrator.tell(.resultFailed, facts: facts)
        if settings.batchQuery != nil, isLasting || attempt >= SiteService.mostAttempts {
            return .failed(again: nil, error: text)
        }
        var chance = SystemRandomNumberGenerator()
        // Work is never dropped because it failed: what only a person can mend is looked at again, rarely.
        return .failed(
            again: isLasting ? .seconds(3600) : retry.wait(afterAttempts: attempt, using: &chance), error: text)
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
        for (kept, count) in outcome.doubles {
            narrator.tell(.resultDoubled, facts: job + [.since(start), .reason(kept), .count(count)])
        }
        tally.counts.withLock { counts in
            counts.made += outcome.made.count
            counts.stood += outcome.stood
            counts.withoutPair += outcome.hasNoPair ? 1 : 0
        }
    }

    // MARK: Batch

    /// One search by the query of the settings, and everything that it found.
    func runBatch() async throws -> SiteBatch {
        let started = ContinuousClock.now
        let calls = try await searchForBatch()
        var failures = 0
        while true {
            try Task.checkCancellation()
            do {
                let count = try await carryOutSome()
                failures = 0
                if count == 0 {
                    if try await book.count(calls).open == 0 { break }
                    try await Task.sleep(
                        for: min(max(try await book.untilDue() ?? .seconds(1), .milliseconds(50)), .seconds(1)))
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
        let failed = try await book.count(calls).failed
        let counts = tally.counts.withLock { $0 }
        let batch = SiteBatch(
            calls: calls.count, made: counts.made, stood: counts.stood, withoutPair: counts.withoutPair, failed: failed)
        narrator.tell(.batchEnded, .count(calls.count), .elapsed(.now - started), .detail(batch.description))
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
