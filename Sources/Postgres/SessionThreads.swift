internal import CLinux
internal import Glibc

/// Threads that each own one session, fed from one queue. Blocking stays here, off the cooperative pool.
final class SessionThreads: @unchecked Sendable {
    /// What a thread does with its slot; it may empty the slot to have the session made anew.
    typealias Job = (inout Session?) -> Void

    // Guarded by `mutex`: jobs, idle, isStopped. The pointers themselves never change.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var jobs: [Job] = []
    /// What threads without a job wait for. The one that worked last is the next to work: its session and the server's
    /// process know the statements already, and the others sleep.
    private var idle: [UnsafeMutablePointer<pthread_cond_t>] = []
    private var isStopped = false

    init(count: Int, name: String) {
        pthread_mutex_init(mutex, nil)
        for _ in 0..<count {
            // Each thread keeps this object alive until it is stopped.
            let box = Unmanaged.passRetained(Start(threads: self, name: name))
            var thread = pthread_t()
            let failed = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    takeup_name_thread(start.name)
                    start.threads.serve()
                    return nil
                }, box.toOpaque())
            precondition(failed == 0, "a thread for database work could not be made")
            pthread_detach(thread)
        }
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func add(_ job: @escaping Job) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        if let last = idle.popLast() { pthread_cond_signal(last) }
        pthread_mutex_unlock(mutex)
    }

    /// Threads end, and their sessions with them, when what is queued has been done.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        for waiting in idle { pthread_cond_signal(waiting) }
        pthread_mutex_unlock(mutex)
    }

    private func serve() {
        var session: Session?
        let bell = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        pthread_cond_init(bell, nil)
        defer {
            pthread_cond_destroy(bell)
            bell.deallocate()
        }
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !isStopped {
                if !idle.contains(bell) { idle.append(bell) }
                pthread_cond_wait(bell, mutex)
            }
            // It may have come by itself, or to a job that another took.
            idle.removeAll { $0 == bell }
            if jobs.isEmpty {
                pthread_mutex_unlock(mutex)
                return
            }
            let job = jobs.removeFirst()
            pthread_mutex_unlock(mutex)
            job(&session)
        }
    }

    private final class Start {
        let threads: SessionThreads
        let name: String
        init(threads: SessionThreads, name: String) {
            self.threads = threads
            self.name = name
        }
    }
}
