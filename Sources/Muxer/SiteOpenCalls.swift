internal import Delivery
internal import Synchronization

/// Calls that this worker has claimed and not ended.
///
/// Their leases are renewed all the time. Work on a call stops where its lease was lost, or could not be renewed for as long
/// as it lasts: another worker may have the call then.
final class SiteOpenCalls: Sendable {
    private struct Open {
        let claim: SiteClaim
        /// When its lease was asked for the last time, of what was granted: it began then or later.
        var renewed: ContinuousClock.Instant
        /// When the work on it last came further.
        var stepped: ContinuousClock.Instant?
        var isLost = false
        var stop: (@Sendable () -> Void)?
    }

    private let book: any SiteBook
    private let interval: Duration
    private let lease: Duration
    private let lost: @Sendable (SiteClaim) -> Void
    private let open = Mutex<[String: Open]>([:])

    /// - Parameters:
    ///   - interval: between two renewals.
    ///   - lease: how long one lasts.
    ///   - lost: gets each call whose work was stopped.
    init(
        _ book: any SiteBook, interval: Duration = .seconds(10), lease: Duration = ReplayBase.lease,
        lost: @escaping @Sendable (SiteClaim) -> Void
    ) {
        self.book = book
        self.interval = interval
        self.lease = lease
        self.lost = lost
    }

    /// - Parameter asked: when the claims were asked for.
    func add(_ claims: [SiteClaim], since asked: ContinuousClock.Instant) {
        open.withLock { open in
            for claim in claims { open[claim.call] = Open(claim: claim, renewed: asked) }
        }
    }

    func remove(_ claim: SiteClaim) {
        // One that was lost may have been claimed anew meanwhile.
        open.withLock { if $0[claim.call]?.claim.lease == claim.lease { $0[claim.call] = nil } }
    }

    /// The work on the call has come further.
    func step(_ claim: SiteClaim) { open.withLock { $0[claim.call]?.stepped = .now } }

    /// Whether no call that is worked on stands still for so long.
    func isMoving(within span: Duration) -> Bool {
        let now = ContinuousClock.now
        return open.withLock { $0.values.allSatisfy { $0.stepped.map { now - $0 < span } ?? true } }
    }

    /// Runs the body, whose task is cancelled where the lease is lost or was, and forgets the call.
    func whileHeld(_ claim: SiteClaim, _ body: @escaping @Sendable () async -> Void) async {
        let work = Task { await body() }
        let isLost = open.withLock { open in
            open[claim.call]?.stop = { work.cancel() }
            open[claim.call]?.stepped = .now
            return open[claim.call]?.isLost ?? true
        }
        if isLost { work.cancel() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        remove(claim)
    }

    /// Renews until the task is cancelled.
    func keep() async {
        guard book.hasLeases else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                while (try? await Task.sleep(for: interval)) != nil { await renew() }
            }
            // By itself: a ledger that is away may hold up the renewal.
            group.addTask { [self] in
                while (try? await Task.sleep(for: min(.seconds(1), lease / 4))) != nil {
                    let now = ContinuousClock.now
                    stop { now - $0.renewed >= lease }
                }
            }
        }
    }

    private func renew() async {
        let (claims, asked) = (open.withLock { $0.values.filter { !$0.isLost }.map(\.claim) }, ContinuousClock.now)
        guard !claims.isEmpty, let held = try? await book.renew(claims) else { return }
        let renewed = Dictionary(claims.map { ($0.call, $0.lease) }, uniquingKeysWith: { first, _ in first })
        open.withLock { open in
            for call in held where open[call]?.claim.lease == renewed[call] { open[call]?.renewed = asked }
        }
        // What ended meanwhile is not lost, nor what was claimed anew.
        stop { open in
            let call = open.claim.call
            return renewed[call].map { $0 == open.claim.lease } ?? false && !held.contains(call)
        }
    }

    private func stop(where isOver: (Open) -> Bool) {
        let stopped = open.withLock { open in
            open.values.filter { !$0.isLost && isOver($0) }.map { one in
                open[one.claim.call]?.isLost = true
                return one
            }
        }
        for one in stopped {
            lost(one.claim)
            one.stop?()
        }
    }
}
