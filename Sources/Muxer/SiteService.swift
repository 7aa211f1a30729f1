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
    /// No step of the work on a call takes so long: each request and each run of a tool ends in an hour.
    private static let mostStill = Duration.seconds(12 * 3600)

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
        // It ends with its task only.
        try? await keepBusy { free, open in
            if try await book.beginsSearch() { try await search() }
            let ready = try await claimSome(free, of: nil, open)
            if !ready.isEmpty { return .calls(ready) }
            let due = max(try await book.untilDue() ?? settings.pollInterval, .milliseconds(50))
            // Other workers find calls, too.
            return .pause(book.hasLeases ? min(due, .seconds(2)) : due)
        } failed: { error, failures in
            // Of one outage the first is told, and then each that is twice as far away.
            if failures.nonzeroBitCount == 1 { tellFailed(error, failures) }
        }
    }

    private func tellFailed(_ error: any Error, _ failures: Int) {
        narrator.tell(.turnFailed, .service(SiteService.loop), .detail(error), .attempt(failures))
    }

    // MARK: Searches

    /// Asks for the window, part by part.
    private func search() async throws {
        let now = now()
        let whole = SearchWindow(past: settings.window.past, olderThan: settings.window.olderThan, now: now)
        let parts =
            settings.window.split.map { whole.parts(longest: $0.longest, buffer: $0.buffer, now: now) } ?? [whole]
        var first: (any Error)?
        for part in parts {
            do {
                _ = try await search(part)
            } catch {
                // The parts before it, in time, are asked for all the same, unless they could not be taken down.
                first = first ?? error
                if Task.isCancelled || !(error is SiteError) { break }
            }
            progress.advance(SiteService.loop)
        }
        if let first { throw first }
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

    /// A call that is claimed, and what RWS shows of its screens.
    private struct Ready: Sendable {
        let claim: SiteClaim
        let screens: Result<[SiteMedium]?, SiteError>
    }

    /// What there is to be done.
    private enum Round {
        case calls([Ready])
        /// Nothing for so long.
        case pause(Duration)
        /// Nothing ever more.
        case over
    }

    private enum Event { case ended, pauseOver, minute }

    /// Keeps all threads busy with calls: whenever one is free and none is ready, the round is asked for more, so that a call that
    /// takes long keeps one thread and no other.
    ///
    /// - Parameters:
    ///   - round: gets how many threads are free, and takes down what it claims.
    ///   - failed: gets each failure of a round, and how many there were in a row; what it throws is the end.
    /// - Throws: `CancellationError`; what `failed` throws.
    private func keepBusy(
        _ round: (_ free: Int, _ open: SiteOpenCalls) async throws -> Round,
        failed: (_ error: any Error, _ failures: Int) throws -> Void
    ) async throws {
        let open = SiteOpenCalls(book) { [narrator] claim in
            narrator.tell(.leaseLost, .job(claim.lease?.id.rawValue ?? 0), .service(SiteService.loop))
        }
        let keeper = Task { await open.keep() }
        defer { keeper.cancel() }
        var ready: ArraySlice<Ready> = []
        do {
            try await withThrowingTaskGroup(of: Event.self) { group in
                defer { group.cancelAll() }
                var (running, failures, isPausing) = (0, 0, false)
                group.addTask { await pause(.seconds(60), .minute) }
                while true {
                    try Task.checkCancellation()
                    while running < settings.workerThreads, let next = ready.popFirst() {
                        running += 1
                        group.addTask {
                            await open.whileHeld(next.claim) { await carryOut(next, open) }
                            return .ended
                        }
                    }
                    if running < settings.workerThreads, !isPausing {
                        let wait: Duration
                        // A call that ends may be due again at once.
                        let most = running > 0 ? Duration.seconds(1) : .seconds(60)
                        do {
                            let found = try await round(settings.workerThreads - running, open)
                            failures = 0
                            switch found {
                            case .calls(let calls):
                                ready = calls[...]
                                continue
                            case .pause(let wish): wait = min(wish, most)
                            case .over:
                                if running == 0 { return }
                                wait = .milliseconds(50)
                            }
                        } catch {
                            if Task.isCancelled { throw CancellationError() }
                            failures += 1
                            try failed(error, failures)
                            var chance = SystemRandomNumberGenerator()
                            wait = Retry.connection.wait(afterAttempts: failures, using: &chance)
                        }
                        isPausing = true
                        group.addTask { await pause(wait, .pauseOver) }
                    }
                    switch try await group.next() {
                    case .ended: running -= 1
                    case .pauseOver: isPausing = false
                    case .minute:
                        group.addTask { await pause(.seconds(60), .minute) }
                        guard open.isMoving(within: SiteService.mostStill) else { continue }
                    case nil: break
                    }
                    progress.advance(SiteService.loop)
                }
            }
        } catch {
            for one in ready {
                open.remove(one.claim)
                try? await book.end(one.claim, .released)
            }
            throw error
        }
    }

    private func pause(_ wait: Duration, _ event: Event) async -> Event {
        try? await Task.sleep(for: wait)
        return event
    }

    /// Claims calls for so many threads, of a batch only its own, and asks for their screens.
    private func claimSome(
        _ free: Int, of batch: SiteCalls.Batch?, _ open: SiteOpenCalls
    ) async throws -> [Ready] {
        // Of what is shared no worker takes more than it does in a while.
        let most = book.hasLeases ? min(settings.querySliceSize, free * 4) : settings.querySliceSize
        let asked = ContinuousClock.now
        let claims = try await book.claim(most, batch: batch)
        guard !claims.isEmpty else { return [] }
        open.add(claims, since: asked)
        do {
            let screens = try await screens(of: claims.map(\.call))
            return claims.map { Ready(claim: $0, screens: screens[$0.call] ?? .success(nil)) }
        } catch {
            for claim in claims {
                open.remove(claim)
                try? await book.end(claim, .released)
            }
            throw error
        }
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

    private func carryOut(_ ready: Ready, _ open: SiteOpenCalls) async {
        let claim = ready.claim
        var ending: SiteCalls.Ending
        do {
            try Task.checkCancellation()
            let outcome = try await work.carryOut(claim, screens: try ready.screens.get(), look(at: claim, open))
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

    /// What went wrong once, and what a batch finds standing, is looked at to its files.
    private func look(at claim: SiteClaim, _ open: SiteOpenCalls) -> SiteWork.Look {
        let lease = SiteLease(
            take: { [book, progress] in
                // The last step of each pair begins.
                open.step(claim)
                progress.advance(SiteService.loop)
                return try await book.stage($0, claim)
            },
            isHeld: { [book] in try await book.renew([claim]).contains(claim.call) })
        return SiteWork.Look(
            lease: lease, isThorough: settings.batchQuery != nil || claim.failures > 0 || !claim.staged.isEmpty,
            isLast: isLast && claim.failures + 1 >= SiteService.mostAttempts, keepsName: !book.hasLeases)
    }

    /// Whether nobody goes on with a call when we end it: a batch that shares no ledger.
    var isLast: Bool { settings.batchQuery != nil && !book.hasLeases }

    private func again(_ outcome: SiteWork.Outcome, _ claim: SiteClaim) -> Duration? {
        if isLast { return nil }
        return patience.wait(at: now(), stop: stop(of: claim), isAwaited: outcome.isAwaited)
    }

    private var patience: CallPatience {
        CallPatience(shortest: settings.pollInterval, follows: settings.window.past)
    }

    private func stop(of claim: SiteClaim) -> Instant? { claim.record?.stop ?? claim.record?.start ?? claim.start }

    /// - Parameter errors: at least one. The call is tried again as the one wants that may pass first.
    private func failure(_ errors: [any Error], _ claim: SiteClaim) -> SiteCalls.Ending {
        if Task.isCancelled || errors.contains(where: SiteWork.isEnd) { return .released }
        let isLasting = !errors.contains { error in
            (error as? any Retryable)?.isTransient ?? (error as? MuxFailure)?.isTransient ?? true
        }
        let attempt = claim.failures + 1
        let texts = errors.map { String(describing: $0) }
        let known =
            (claim.lease.map { [Fact.job($0.id.rawValue)] } ?? [])
            + [.since(claim.record?.start ?? claim.start ?? Instant(microseconds: 0))]
        for (error, text) in zip(errors, texts) {
            let name = (error as? PairFailure).map { [Fact.reason($0.name)] } ?? []
            narrator.tell(.resultFailed, facts: known + [.attempt(attempt), .detail(text)] + name)
        }
        let text = texts.joined(separator: "; ")
        if isLast, isLasting || attempt >= SiteService.mostAttempts { return .failed(again: nil, error: text) }
        guard isLasting else {
            var chance = SystemRandomNumberGenerator()
            return .failed(again: retry.wait(afterAttempts: attempt, using: &chance), error: text)
        }
        // What only a person can mend is tried again ever more rarely.
        let rest = patience.rest(at: now(), stop: stop(of: claim), failures: attempt)
        if rest == nil {
            narrator.tell(
                .resultGivenUp,
                facts: known + [.attempt(attempt), .elapsed(now() - (stop(of: claim) ?? now())), .detail(text)])
        }
        return .failed(again: rest, error: text)
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
        for left in outcome.left { narrator.tell(.resultLeft, facts: job + [.since(start), .detail(left)]) }
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
            calls: try await searchForBatch(), mostFailures: SiteService.mostAttempts, rest: CallPatience.shortestRest)
        try await keepBusy { free, open in
            let ready = try await claimSome(free, of: all, open)
            if !ready.isEmpty { return .calls(ready) }
            if try await book.count(all).open == 0 { return .over }
            return .pause(book.hasLeases ? .seconds(1) : .milliseconds(50))
        } failed: { error, failures in
            if failures.nonzeroBitCount == 1 { tellFailed(error, failures) }
            guard failures < SiteService.mostAttempts * 4 else { throw error }
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
