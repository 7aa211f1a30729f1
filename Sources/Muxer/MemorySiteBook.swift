internal import Interaction
internal import Ledger
internal import Planning
internal import Synchronization
internal import Vocabulary

/// What one worker knows of its own part of a site. It begins anew with the worker: RWS knows what is done.
final class MemorySiteBook: SiteBook {
    private struct Known {
        var record: SiteCall
        var notBefore: ContinuousClock.Instant
        /// When a search last showed it.
        var seen: ContinuousClock.Instant
        var failures = 0
        var state = State.waiting
        /// A search showed it while it was worked on: its record is not the newest.
        var isStale = false
    }

    private enum State { case waiting, claimed, done, failed }

    private struct Book {
        var calls: [String: Known] = [:]
        var searched: ContinuousClock.Instant?
    }

    private let book = Mutex(Book())
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter interval: between the begins of two searches.
    init(interval: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.interval = interval
        self.now = now
    }

    var hasLeases: Bool { false }

    func beginsSearch() -> Bool {
        let now = now()
        return book.withLock { book in
            if let searched = book.searched, now - searched < interval { return false }
            // What rests and is not shown any more has left the window.
            let oldest = book.searched
            book.calls = book.calls.filter { _, known in
                oldest.map { known.seen >= $0 } ?? true || known.state == .waiting || known.state == .claimed
            }
            book.searched = now
            return true
        }
    }

    /// A batch begins with an empty book: nothing waits in it for a later look.
    func note(_ calls: [SiteCall], wakes: Bool) {
        let now = now()
        book.withLock { book in
            for call in calls {
                guard var known = book.calls[call.id] else {
                    book.calls[call.id] = Known(record: call, notBefore: now, seen: now)
                    continue
                }
                known.seen = now
                if known.record.mediaIDs != call.mediaIDs, known.state != .claimed {
                    (known.state, known.notBefore, known.failures) = (.waiting, now, 0)
                }
                // What changes while it is worked on is seen by the next search.
                known.isStale = known.state == .claimed
                if !known.isStale { known.record = call }
                book.calls[call.id] = known
            }
        }
    }

    func claim(_ limit: Int, batch: SiteCalls.Batch?) -> [SiteClaim] {
        let now = now()
        return book.withLock { book in
            let due = book.calls.filter { $0.value.state == .waiting && $0.value.notBefore <= now }
            let chosen = due.sorted { ($0.value.notBefore, $0.key) < ($1.value.notBefore, $1.key) }.prefix(limit)
            return chosen.map { id, known in
                book.calls[id]?.state = .claimed
                // What the last search did not show any more may have changed since it was shown.
                let isFresh = !known.isStale && (book.searched.map { known.seen >= $0 } ?? true)
                return SiteClaim(
                    call: id, record: isFresh ? known.record : nil, start: known.record.start,
                    failures: known.failures)
            }
        }
    }

    func renew(_ claims: [SiteClaim]) -> Set<String> { Set(claims.map(\.call)) }
    func stage(_ address: String, _ claim: SiteClaim) -> Bool { true }

    func end(_ claim: SiteClaim, _ ending: SiteCalls.Ending) {
        let now = now()
        book.withLock { book in
            guard var known = book.calls[claim.call] else { return }
            switch ending {
            case .looked(let again):
                known.failures = 0
                known.state = again == nil ? .done : .waiting
                known.notBefore = now + (again ?? .zero)
            case .failed(let again, _):
                known.failures += 1
                known.state = again == nil ? .failed : .waiting
                known.notBefore = now + (again ?? .zero)
            case .released:
                known.state = .waiting
            }
            book.calls[claim.call] = known
        }
    }

    func note(_ wait: ScreenWait?, of claim: SiteClaim) {}

    func count(_ batch: SiteCalls.Batch) -> (open: Int, failed: Int) {
        book.withLock { book in
            let states = batch.calls.compactMap { book.calls[$0]?.state }
            return (states.count { $0 == .waiting || $0 == .claimed }, states.count { $0 == .failed })
        }
    }

    func untilDue() -> Duration? {
        let now = now()
        return book.withLock { book in
            let search = book.searched.map { $0 + interval } ?? now
            let call = book.calls.values.filter { $0.state == .waiting }.map(\.notBefore).min()
            return min(search, call ?? search) - now
        }
    }
}

extension SiteCall {
    /// Another set where something came or went.
    var mediaIDs: Set<String> { Set(media.map(\.mediaID)) }
}
