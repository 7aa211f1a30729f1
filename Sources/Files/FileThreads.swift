internal import CLinux
internal import Glibc
internal import Synchronization
internal import Vocabulary

/// Threads of one mount's or volume's own for calls that can hang, bounded and with a name. A hang hurts only them: the
/// caller gets ``FileError/Code/timeout`` when a body has shown no life for its time, its thread is abandoned and
/// another takes its place, up to a bound. Nothing here blocks the cooperative pool.
package final class FileThreads: Sendable {
    private let pool: ThreadPool

    /// `count` bodies run at a time; at most `abandonedAtMost` threads more may hang before all is refused.
    /// `name` has at most 15 bytes. A cancelled body may take `stopPatience` to its next beat: a process that is told to
    /// stop waits for no server.
    package init(name: String, count: Int, abandonedAtMost: Int = 8, stopPatience: Duration = .seconds(10)) {
        precondition(count > 0 && abandonedAtMost >= 0, "a pool has at least one thread")
        pool = ThreadPool(
            name: name, count: count, abandonedAtMost: abandonedAtMost, stopPatience: stopPatience.nanoseconds)
    }

    deinit { pool.stop() }

    /// What the bodies work on has been replaced: those that have shown no life for `span` end now for their callers, as
    /// if they hung, and none that hangs counts towards the bound any more, whether it ever comes back or not.
    package func renounce(silentFor span: Duration = .zero) { pool.renounce(silentFor: span.nanoseconds) }

    /// How many bodies run at a time.
    package var count: Int { pool.count }

    /// Changes that. Bodies that run end as they would.
    package func resize(to count: Int) { pool.resize(to: count) }

    /// Threads that hang now.
    package var abandonedCount: Int { pool.abandonedCount }

    /// Runs `body` on one of the threads.
    ///
    /// `timeout` is how long the body may show no sign of life; ``Pulse/beat()`` is one. Waiting for a free thread
    /// does not count. A result that comes after the timeout is let go on its thread: results that own something
    /// must end it when they go (``HeldFile`` does). Cancelling the task stops a body that waits in line at once, one
    /// that runs at its next beat; one that does not come to it within the pool's patience counts as hanging.
    ///
    /// A body that `onlyWaits` for a disk takes no other's place: one thread more works while it runs.
    ///
    /// - Throws: what the body throws; ``FileError`` with code `timeout` when it hangs, or when so many threads hang
    ///   that none is left; `CancellationError`.
    package func run<Value: Sendable>(
        timeout: Duration, onlyWaits: Bool = false, _ body: @escaping @Sendable (Pulse) throws -> Value
    ) async throws -> Value {
        let errand = Errand(timeout: timeout, onlyWaits: onlyWaits, body)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                errand.wait(continuation)
                pool.add(errand)
            }
        } onCancel: {
            errand.pulse.cancel()
            pool.takeCancellation()
        }
        return try errand.take().get()
    }
}

/// A body's sign of life, and how it learns that nobody waits for it any more.
package final class Pulse: Sendable {
    private let last = Atomic<UInt64>(0)
    /// By the monotonic clock; zero as long as it is not.
    private let cancelled = Atomic<UInt64>(0)
    private let abandoned = Atomic<Bool>(false)

    package init() {}

    /// Shows life. Call it between blocks, and right before what must not happen late.
    ///
    /// - Throws: `CancellationError` when the task was cancelled, ``FileError`` with code `timeout` when the body was
    ///   given up: then it puts away what it made and ends.
    package func beat() throws {
        if abandoned.load(ordering: .acquiring) { throw Pulse.timeout }
        if isCancelled { throw CancellationError() }
        last.store(monotonicNanoseconds(), ordering: .releasing)
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) != 0 }
    /// Nil as long as nobody has.
    var whenCancelled: UInt64? {
        let when = cancelled.load(ordering: .acquiring)
        return when == 0 ? nil : when
    }
    var lastBeat: UInt64 { last.load(ordering: .acquiring) }
    func start() { last.store(monotonicNanoseconds(), ordering: .releasing) }
    func cancel() { cancelled.store(monotonicNanoseconds(), ordering: .releasing) }
    func abandon() { abandoned.store(true, ordering: .releasing) }

    static let timeout = FileError(.timeout, doing: "wait for a call about a file")
}

func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

extension Duration {
    /// None where it is negative.
    var nanoseconds: UInt64 { UInt64(max(0, wholeMicroseconds)) * 1000 }
}
