internal import CLinux
internal import Glibc
internal import Synchronization

/// SIGTERM and SIGINT as one call of a closure, on a thread of its own. A second signal ends the process at once.
///
/// By handler, not by blocking the signals and waiting for them: the main thread, which only keeps the concurrency
/// runtime going, is never ours to block them on, and the kernel would choose it and end the process.
enum StopSignals {
    private static let waiter = Waiter()

    /// Once in a process.
    static func onStop(_ stop: @escaping @Sendable () -> Void) {
        signal(SIGPIPE, SIG_IGN)
        waiter.start(stop)
        for number in [SIGTERM, SIGINT] {
            // What the handler reaches is made by now: it does nothing but what signal-safety(7) allows.
            signal(number) { StopSignals.waiter.arrive($0) }
        }
    }

    private final class Waiter: @unchecked Sendable {
        // Unchecked: the pointer never changes, and semaphores are for several threads.
        private let arrivals = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        private let last = Atomic<CInt>(0)

        init() { sem_init(arrivals, 0, 0) }

        func arrive(_ number: CInt) {
            let standing = errno
            last.store(number, ordering: .relaxed)
            sem_post(arrivals)
            errno = standing
        }

        func start(_ stop: @escaping @Sendable () -> Void) {
            let box = Unmanaged.passRetained(Work(waiter: self, stop: stop))
            var thread = pthread_t()
            let failed = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    takeup_name_thread("signals")
                    let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                    work.waiter.wait()
                    work.stop()
                    work.waiter.wait()
                    _exit(128 + work.waiter.last.load(ordering: .relaxed))
                }, box.toOpaque())
            precondition(failed == 0, "a thread for signals could not be made")
            pthread_detach(thread)
        }

        private func wait() { while sem_wait(arrivals) != 0 && errno == EINTR {} }
    }

    private final class Work: Sendable {
        let waiter: Waiter
        let stop: @Sendable () -> Void
        init(waiter: Waiter, stop: @escaping @Sendable () -> Void) {
            self.waiter = waiter
            self.stop = stop
        }
    }
}
