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
    /// `name` has at most 15 bytes.
    package init(name: String, count: Int, abandonedAtMost: Int = 8) {
        precondition(count > 0 && abandonedAtMost >= 0, "a pool has at least one thread")
        pool = ThreadPool(name: name, count: count, abandonedAtMost: abandonedAtMost)
    }

    deinit { pool.stop() }

    /// How many bodies run at a time.
    package var count: Int { pool.count }

    /// Threads that hang now.
    package var abandonedCount: Int { pool.abandonedCount }

    /// Runs `body` on one of the threads.
    ///
    /// `timeout` is how long the body may show no sign of life; ``Pulse/beat()`` is one. Waiting for a free thread
    /// does not count. A result that comes after the timeout is let go on its thread: results that own something
    /// must end it when they go (``HeldFile`` does). Cancelling the task stops a body that waits in line at once, one
    /// that runs at its next beat.
    ///
    /// - Throws: what the body throws; ``FileError`` with code `timeout` when it hangs, or when so many threads hang
    ///   that none is left; `CancellationError`.
    package func run<Value: Sendable>(
        timeout: Duration, _ body: @escaping @Sendable (Pulse) throws -> Value
    ) async throws -> Value {
        let pulse = Pulse()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer = Answer(continuation)
                let job = ThreadPool.Job(pulse: pulse, timeout: timeout) {
                    let result = Result { try body(pulse) }
                    answer.give(result)
                } fail: { error in
                    answer.give(.failure(error))
                }
                pool.add(job)
            }
        } onCancel: {
            pulse.cancel()
            pool.dropCancelled()
        }
    }
}

/// A body's sign of life, and how it learns that nobody waits for it any more.
package final class Pulse: Sendable {
    private let last = Atomic<UInt64>(0)
    private let cancelled = Atomic<Bool>(false)
    private let abandoned = Atomic<Bool>(false)

    package init() {}

    /// Shows life. Call it between blocks, and right before what must not happen late.
    ///
    /// - Throws: `CancellationError` when the task was cancelled, ``FileError`` with code `timeout` when the body was
    ///   given up: then it puts away what it made and ends.
    package func beat() throws {
        if abandoned.load(ordering: .acquiring) { throw Pulse.timeout }
        if cancelled.load(ordering: .acquiring) { throw CancellationError() }
        last.store(monotonicNanoseconds(), ordering: .releasing)
    }

    fileprivate var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
    fileprivate var lastBeat: UInt64 { last.load(ordering: .acquiring) }
    fileprivate func start() { last.store(monotonicNanoseconds(), ordering: .releasing) }
    fileprivate func cancel() { cancelled.store(true, ordering: .releasing) }
    fileprivate func abandon() { abandoned.store(true, ordering: .releasing) }

    fileprivate static let timeout = FileError(.timeout, doing: "wait for a call about a file")
}

/// Gives a continuation its one answer; later ones are let go.
private final class Answer<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, any Error>?>
    init(_ continuation: CheckedContinuation<Value, any Error>) { self.continuation = Mutex(continuation) }
    func give(_ result: Result<Value, any Error>) {
        let waiting = continuation.withLock { $0.take() }
        waiting?.resume(with: result)
    }
}

/// The threads themselves; they keep this alive until they end.
private final class ThreadPool: @unchecked Sendable {
    final class Job: Sendable {
        let pulse: Pulse
        let timeout: UInt64
        let run: @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
        /// When it hangs, by the monotonic clock.
        var deadline: UInt64 { pulse.lastBeat &+ timeout }

        init(
            pulse: Pulse, timeout: Duration, run: @escaping @Sendable () -> Void,
            fail: @escaping @Sendable (any Error) -> Void
        ) {
            self.pulse = pulse
            self.timeout = UInt64(max(0, timeout.wholeMicroseconds)) * 1000
            self.run = run
            self.fail = fail
        }
    }

    let name: String
    let count: Int
    private let abandonedAtMost: Int

    // Guarded by `lock`. The pointers themselves never change.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let watch = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting = Queue<Job>()
    private var running: [ObjectIdentifier: Job] = [:]
    private var serving = 0
    private var idle = 0
    private var abandoned = 0
    private var isStopped = false
    private var isWatched = false
    /// When the watching thread looks next; it looks earlier only when woken.
    private var nextWatch = UInt64.max

    init(name: String, count: Int, abandonedAtMost: Int) {
        self.name = name
        self.count = count
        self.abandonedAtMost = abandonedAtMost
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(work, nil)
        pthread_cond_init(watch, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(work)
        pthread_cond_destroy(watch)
        pthread_mutex_destroy(lock)
        work.deallocate()
        watch.deallocate()
        lock.deallocate()
    }

    var abandonedCount: Int { locked { abandoned } }

    func add(_ job: Job) {
        let isRefused = locked {
            if serving == 0 && !canServe { return true }
            waiting.append(job)
            if waiting.count > idle && canServe {
                startServing()
            } else {
                pthread_cond_signal(work)
            }
            return false
        }
        if isRefused { job.fail(Pulse.timeout) }
    }

    func dropCancelled() {
        let dropped = locked { waiting.removeAll { $0.pulse.isCancelled } }
        for job in dropped { job.fail(CancellationError()) }
    }

    func stop() {
        locked {
            isStopped = true
            pthread_cond_broadcast(work)
            pthread_cond_broadcast(watch)
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }

    /// Whether one more thread may serve: hanging ones use up the allowance of `abandonedAtMost`.
    private var canServe: Bool { serving < count && serving + abandoned < count + abandonedAtMost }

    private var isOver: Bool { isStopped && running.isEmpty && waiting.isEmpty }

    private func startServing() {
        serving += 1
        start { $0.serve() }
        if !isWatched {
            isWatched = true
            start { $0.watchDeadlines() }
        }
    }

    private func start(_ body: @escaping @Sendable (ThreadPool) -> Void) {
        let argument = Unmanaged.passRetained(Start(pool: self, body: body))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                takeup_name_thread(start.pool.name)
                start.body(start.pool)
                return nil
            }, argument.toOpaque())
        precondition(failed == 0, "a thread for file calls could not be made")
        pthread_detach(thread)
    }

    private final class Start {
        let pool: ThreadPool
        let body: @Sendable (ThreadPool) -> Void
        init(pool: ThreadPool, body: @escaping @Sendable (ThreadPool) -> Void) {
            self.pool = pool
            self.body = body
        }
    }

    private func serve() {
        while let job = takeJob() {
            job.run()
            if !endJob(job) { return }
        }
    }

    private func takeJob() -> Job? {
        locked {
            idle += 1
            while waiting.isEmpty && !isStopped { pthread_cond_wait(work, lock) }
            idle -= 1
            guard let job = waiting.popFirst() else {
                serving -= 1
                return nil
            }
            job.pulse.start()
            running[ObjectIdentifier(job)] = job
            if job.deadline < nextWatch { pthread_cond_signal(watch) }
            return job
        }
    }

    /// Whether the thread goes on serving: one that hung and came back may be too many by then.
    private func endJob(_ job: Job) -> Bool {
        locked {
            if isStopped { pthread_cond_signal(watch) }
            if running.removeValue(forKey: ObjectIdentifier(job)) != nil { return true }
            abandoned -= 1
            guard serving < count else { return false }
            serving += 1
            return true
        }
    }

    private func watchDeadlines() {
        while true {
            let (hanging, refused, ends) = locked {
                waitForDeadline()
                let hanging = abandonHanging()
                while waiting.count > idle && canServe {
                    startServing()
                }
                let isExhausted = serving == 0 && !canServe
                return (hanging, isExhausted ? waiting.removeAll { _ in true } : [], isOver)
            }
            for job in hanging + refused { job.fail(Pulse.timeout) }
            if ends { return }
        }
    }

    private func waitForDeadline() {
        if isOver { return }
        nextWatch = running.values.map(\.deadline).min() ?? UInt64.max
        if nextWatch == UInt64.max {
            pthread_cond_wait(watch, lock)
        } else {
            var until = timespec(tv_sec: Int(nextWatch / 1_000_000_000), tv_nsec: Int(nextWatch % 1_000_000_000))
            pthread_cond_timedwait(watch, lock, &until)
        }
    }

    private func abandonHanging() -> [Job] {
        let now = monotonicNanoseconds()
        let hanging = running.values.filter { $0.deadline <= now }
        for job in hanging {
            job.pulse.abandon()
            running[ObjectIdentifier(job)] = nil
            serving -= 1
            abandoned += 1
        }
        return hanging
    }
}

/// First in, first out, in constant time.
private struct Queue<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head].take()
        head += 1
        if head > 64 && head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
        let all = elements[head...].compactMap { $0 }
        elements = all.filter { !isRemoved($0) }
        head = 0
        return all.filter(isRemoved)
    }
}

private func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
