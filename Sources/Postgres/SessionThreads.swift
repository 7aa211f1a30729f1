internal import CLinux
internal import Glibc

/// Threads that each own one session, fed from one queue. Blocking stays here, off the cooperative pool.
final class SessionThreads: @unchecked Sendable {
    /// What a thread does with its slot; it may empty the slot to have the session made anew.
    typealias Job = (inout Session?) -> Void

    // Guarded by `mutex`: jobs, isStopped. The pointers themselves never change.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [Job] = []
    private var isStopped = false

    init(count: Int, name: String) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
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
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    func add(_ job: @escaping Job) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Threads end, and their sessions with them, when what is queued has been done.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func serve() {
        var session: Session?
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !isStopped { pthread_cond_wait(condition, mutex) }
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
