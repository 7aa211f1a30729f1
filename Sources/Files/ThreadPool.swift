internal import CLinux
internal import Glibc

/// The threads themselves; they keep this alive until they end.
final class ThreadPool: @unchecked Sendable {
    let name: String
    private let abandonedAtMost: Int
    /// Nanoseconds.
    private let stopPatience: UInt64

    // Guarded by `lock`. The pointers themselves never change.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let watch = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting = Queue<any Job>()
    private var running: [ObjectIdentifier: any Job] = [:]
    /// How often those that hang were forgotten; a thread that comes back from an earlier era counts for nothing.
    private var era = 0
    private var eras: [ObjectIdentifier: Int] = [:]
    private var allowed: Int
    /// Bodies that only wait and run now: so many threads more may serve.
    private var lent = 0
    private var serving = 0
    private var idle = 0
    private var abandoned = 0
    private var isStopped = false
    private var isWatched = false
    /// When the watching thread looks next; it looks earlier only when woken.
    private var nextWatch = UInt64.max

    init(name: String, count: Int, abandonedAtMost: Int, stopPatience: UInt64) {
        self.stopPatience = stopPatience
        self.name = name
        allowed = count
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
    /// How many bodies run at a time.
    var count: Int { locked { allowed } }

    func resize(to count: Int) {
        locked {
            allowed = max(1, count)
            while waiting.count > idle && canServe { startServing() }
            // Those that are too many go when they have done what they do.
            pthread_cond_broadcast(work)
        }
    }

    func add(_ job: any Job) {
        let refusal: (any Error)? = locked {
            if job.pulse.isCancelled { return CancellationError() }
            if serving == 0 && !canServe { return Pulse.timeout }
            waiting.append(job)
            if waiting.count > idle && canServe {
                startServing()
            } else {
                pthread_cond_signal(work)
            }
            return nil
        }
        if let refusal { job.fail(refusal) }
    }

    /// A body was cancelled: it goes where it waits in line, and hangs sooner where it runs.
    func takeCancellation() {
        let dropped = locked {
            pthread_cond_signal(watch)
            return waiting.removeAll { $0.pulse.isCancelled }
        }
        for job in dropped { job.fail(CancellationError()) }
    }

    func renounce(silentFor span: UInt64) {
        let hanging = locked {
            let now = monotonicNanoseconds()
            let hanging = running.values.filter { $0.pulse.lastBeat &+ span <= now }
            for job in hanging { abandon(job) }
            abandoned = 0
            era += 1
            while waiting.count > idle && canServe { startServing() }
            return hanging
        }
        for job in hanging { job.fail(Pulse.timeout) }
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
    private var canServe: Bool {
        serving < allowed + lent && serving + abandoned < allowed + lent + abandonedAtMost
    }

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
            job.perform()
            let goesOn = endJob(job)
            job.deliver()
            if !goesOn { return }
        }
    }

    private func takeJob() -> (any Job)? {
        locked {
            idle += 1
            while waiting.isEmpty && !isStopped && serving <= allowed + lent { pthread_cond_wait(work, lock) }
            idle -= 1
            guard serving <= allowed + lent || isStopped, let job = waiting.popFirst() else {
                serving -= 1
                // What woke this one is for another.
                if !waiting.isEmpty { pthread_cond_signal(work) }
                return nil
            }
            job.pulse.start()
            running[ObjectIdentifier(job)] = job
            if job.onlyWaits {
                lent += 1
                if waiting.count > idle && canServe { startServing() }
            }
            if deadline(of: job) < nextWatch { pthread_cond_signal(watch) }
            return job
        }
    }

    /// Whether the thread goes on serving: one that hung and came back may be too many by then.
    private func endJob(_ job: any Job) -> Bool {
        locked {
            if isStopped { pthread_cond_signal(watch) }
            if running.removeValue(forKey: ObjectIdentifier(job)) != nil {
                if job.onlyWaits { lent -= 1 }
                return true
            }
            if eras.removeValue(forKey: ObjectIdentifier(job)) == era { abandoned -= 1 }
            guard serving < allowed + lent else { return false }
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
        nextWatch = running.values.map { deadline(of: $0) }.min() ?? UInt64.max
        if nextWatch == UInt64.max {
            pthread_cond_wait(watch, lock)
        } else {
            var until = timespec(tv_sec: Int(nextWatch / 1_000_000_000), tv_nsec: Int(nextWatch % 1_000_000_000))
            pthread_cond_timedwait(watch, lock, &until)
        }
    }

    private func abandonHanging() -> [any Job] {
        let now = monotonicNanoseconds()
        let hanging = running.values.filter { deadline(of: $0) <= now }
        for job in hanging { abandon(job) }
        return hanging
    }

    private func abandon(_ job: any Job) {
        job.pulse.abandon()
        running[ObjectIdentifier(job)] = nil
        eras[ObjectIdentifier(job)] = era
        serving -= 1
        abandoned += 1
        if job.onlyWaits { lent -= 1 }
    }

    private func deadline(of job: any Job) -> UInt64 { job.deadline(stopPatience: stopPatience) }
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
