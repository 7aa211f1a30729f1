internal import CLinux
internal import Glibc
internal import Synchronization

/// An inotify instance could not be made. `EMFILE`: the user's limit on instances (`fs.inotify.max_user_instances`).
package struct InotifyFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: Int32
    package var description: String {
        "No inotify instance (errno \(code)); directories are polled instead. Raise fs.inotify.max_user_instances."
    }
}

/// One inotify instance with a thread of its own that does nothing but read and hand over.
///
/// The kernel's queue holds 16,384 events, a sixth of a second at the speed that files can be made; so the thread
/// never waits for whoever takes the events. Beyond a bound it drops them and says so, and the taker looks instead.
package final class InotifyReader: DirectoryEvents {
    private let instance: Instance
    private let isStarted = Mutex(false)

    /// - Parameter room: events that may wait to be taken; beyond it they are dropped.
    package init(room: Int = 262_144) throws(InotifyFailure) {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw InotifyFailure(code: errno) }
        let stop = eventfd(0, Int32(EFD_CLOEXEC))
        guard stop >= 0 else {
            let code = errno
            close(descriptor)
            throw InotifyFailure(code: code)
        }
        instance = Instance(descriptor: descriptor, stop: stop, room: room)
    }

    deinit { instance.stopReading() }

    /// Starts the thread. Until then the kernel's queue fills. Once.
    package func start() throws(InotifyFailure) {
        let first = isStarted.withLock { started in
            defer { started = true }
            return !started
        }
        guard first else { return }
        var thread = pthread_t()
        let held = Unmanaged.passRetained(instance)
        let code = pthread_create(&thread, nil, { readLoop($0) }, held.toOpaque())
        guard code == 0 else {
            held.release()
            throw InotifyFailure(code: code)
        }
        pthread_detach(thread)
    }

    package func watch(directory descriptor: Int32) -> WatchAnswer { instance.watch(directory: descriptor) }

    package func unwatch(_ number: WatchNumber) { instance.unwatch(number) }

    package func take() -> EventBatch { instance.take() }

    package func onArrival(_ ring: @escaping @Sendable () -> Void) { instance.onArrival(ring) }

    package func stop() { instance.stopReading() }
}

/// What the thread, and calls that hang in `watch`, share with the reader: the descriptors live as long as any of them,
/// so that a late call can never meet a descriptor number that is another file by then.
private final class Instance: Sendable {
    private struct Waiting {
        var batch = EventBatch()
        var ring: (@Sendable () -> Void)?
    }
    private let descriptor: Int32
    private let stop: Int32
    private let room: Int
    private let waiting = Mutex(Waiting())

    init(descriptor: Int32, stop: Int32, room: Int) {
        self.descriptor = descriptor
        self.stop = stop
        self.room = room
    }

    deinit {
        close(descriptor)
        close(stop)
    }

    func watch(directory: Int32) -> WatchAnswer {
        // By descriptor, not by path: between opening and watching, nobody can put a symbolic link in the way.
        let number = inotify_add_watch(descriptor, "/proc/self/fd/\(directory)", InotifyEvent.mask)
        if number >= 0 { return .watched(number) }
        let code = errno
        return code == ENOSPC || code == ENOMEM ? .limit : .refused(code)
    }

    func unwatch(_ number: WatchNumber) { _ = inotify_rm_watch(descriptor, number) }

    func take() -> EventBatch {
        waiting.withLock { waiting in
            defer { waiting.batch = EventBatch() }
            return waiting.batch
        }
    }

    func onArrival(_ ring: @escaping @Sendable () -> Void) { waiting.withLock { $0.ring = ring } }

    func stopReading() {
        var one: UInt64 = 1
        _ = write(stop, &one, 8)
    }

    func read() {
        takeup_name_thread("inotify")
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            var polled = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return fail() }
            if polled[1].revents != 0 { return }
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 {
                deliver(InotifyEvent.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
            } else if count < 0 && errno != EAGAIN && errno != EINTR {
                return fail()
            }
        }
    }

    private func deliver(_ events: [InotifyEvent]) {
        hand { batch in
            if batch.events.count + events.count > room {
                batch.lost = true
            } else {
                batch.events += events
            }
        }
    }

    private func fail() {
        hand { $0.hasEnded = true }
    }

    private func hand(_ change: (inout EventBatch) -> Void) {
        let ring = waiting.withLock { waiting in
            change(&waiting.batch)
            return waiting.ring
        }
        ring?()
    }
}

private func readLoop(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<Instance>.fromOpaque(context).takeRetainedValue().read() }
    return nil
}
