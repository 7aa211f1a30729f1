internal import CLinux
internal import Glibc
internal import Vocabulary

/// One thread that wakes all who wait for a time. A wait that ends before its time costs no system call and no switch of
/// threads, and those that may come a little early come with others: a process with many slow loops sleeps in between.
package final class Alarm: @unchecked Sendable {
    /// The process's.
    package static let shared = Alarm()

    package typealias Ticket = UInt64

    private struct Entry {
        let ticket: Ticket
        /// Nanoseconds of the monotonic clock.
        let earliest: UInt64
        let deadline: UInt64
        let ring: @Sendable () -> Void
    }

    // Guarded by `lock`. The pointers themselves never change.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let bell = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var entries: [Entry] = []
    private var last: Ticket = 0
    /// When the thread wakes by itself.
    private var next = UInt64.max

    private init() {
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(bell, &attributes)
        pthread_condattr_destroy(&attributes)
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                takeup_name_thread("alarm")
                if let argument { Unmanaged<Alarm>.fromOpaque(argument).takeUnretainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(failed == 0, "a thread for waits could not be made")
        pthread_detach(thread)
    }

    /// Calls `ring` once when the span is over, on the alarm's thread, which it must not hold up.
    /// - Parameter early: it may be so much sooner where the thread is awake for another.
    package func set(
        after span: Duration, early: Duration = .zero, _ ring: @escaping @Sendable () -> Void
    ) -> Ticket {
        let now = monotonicNanoseconds()
        let deadline = now &+ min(span.nanoseconds, 1 << 62)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        last += 1
        entries.append(
            Entry(
                ticket: last, earliest: max(now, deadline - min(deadline, early.nanoseconds)), deadline: deadline,
                ring: ring))
        if deadline < next { pthread_cond_signal(bell) }
        return last
    }

    /// What is being called already is called all the same.
    package func cancel(_ ticket: Ticket) {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if let place = entries.lastIndex(where: { $0.ticket == ticket }) { entries.swapAt(place, entries.count - 1) }
        if entries.last?.ticket == ticket { entries.removeLast() }
    }

    private func run() {
        pthread_mutex_lock(lock)
        while true {
            let due = takeDue()
            if due.isEmpty {
                waitForNext()
            } else {
                pthread_mutex_unlock(lock)
                for entry in due { entry.ring() }
                pthread_mutex_lock(lock)
            }
        }
    }

    /// Those whose time is over, and those that may come along.
    private func takeDue() -> [Entry] {
        let now = monotonicNanoseconds()
        guard entries.contains(where: { $0.deadline <= now }) else { return [] }
        let due = entries.filter { $0.earliest <= now }
        entries.removeAll { $0.earliest <= now }
        return due
    }

    private func waitForNext() {
        next = entries.lazy.map(\.deadline).min() ?? UInt64.max
        if next == UInt64.max {
            pthread_cond_wait(bell, lock)
        } else {
            var until = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
            pthread_cond_timedwait(bell, lock, &until)
        }
        // Awake: whoever comes now is seen without a signal.
        next = 0
    }
}
