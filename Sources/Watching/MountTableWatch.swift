internal import CLinux
internal import Glibc
internal import Synchronization

/// Tells when anything is mounted or unmounted in this process's namespace, from a thread of its own that sleeps
/// otherwise: poll(2) on /proc/self/mountinfo. It is how a lazy unmount is seen, and one of a file system that is
/// mounted elsewhere too: neither raises an event of inotify.
package final class MountTableWatch: Sendable {
    private let stop: CInt
    private let hasEnded = Atomic<Bool>(false)

    /// Changes that come within it of each other are told as one: a host that starts many services mounts a lot.
    /// Microseconds.
    private static let gathering: useconds_t = 50_000

    /// Nil where the table cannot be watched; then the next proof of the mount says it.
    ///
    /// - Parameter changed: called on the watching thread, which it must not hold up.
    package init?(_ changed: @escaping @Sendable () -> Void) {
        let table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        guard table >= 0 else { return nil }
        stop = eventfd(0, O_CLOEXEC)
        guard stop >= 0 else {
            close(table)
            return nil
        }
        let argument = Unmanaged.passRetained(Work(table: table, stop: stop, changed: changed))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                takeup_name_thread("mount-table")
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            close(table)
            close(stop)
            return nil
        }
        pthread_detach(thread)
    }

    deinit { end() }

    /// Nothing is told after this but what is on its way.
    package func end() {
        if hasEnded.exchange(true, ordering: .relaxed) { return }
        var one: UInt64 = 1
        // The thread closes both descriptors.
        _ = write(stop, &one, MemoryLayout<UInt64>.size)
    }

    private final class Work: Sendable {
        let table: CInt
        let stop: CInt
        let changed: @Sendable () -> Void

        init(table: CInt, stop: CInt, changed: @escaping @Sendable () -> Void) {
            self.table = table
            self.stop = stop
            self.changed = changed
        }

        func run() {
            defer {
                close(table)
                close(stop)
            }
            while true {
                var waited = [
                    pollfd(fd: table, events: Int16(POLLPRI), revents: 0),
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                ]
                let count = poll(&waited, 2, -1)
                if count < 0 && errno != EINTR { return }
                if waited[1].revents != 0 { return }
                guard count > 0, waited[0].revents != 0 else { continue }
                changed()
                usleep(MountTableWatch.gathering)
            }
        }
    }
}
