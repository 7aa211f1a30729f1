internal import Files
internal import Glibc
internal import Planning

/// How fast this process reads from one source: who reads asks for bytes before and waits until they are granted. Without a
/// limit everything is. Shared by all copies of the process; somebody has to grant what ``wanted`` says.
package final class SourcePace: @unchecked Sendable {
    // Guarded by `lock`. The pointers themselves never change.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let granted = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var line = ReadLine()
    private var limit: Int64?
    private var waits = 0
    private let isWanted: @Sendable () -> Void

    /// So long a reader waits at most between two signs of life.
    private static let period: UInt64 = 200_000_000

    /// - Parameter isWanted: called on the thread of who begins to wait.
    package init(isWanted: @escaping @Sendable () -> Void = {}) {
        self.isWanted = isWanted
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(granted, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(granted)
        pthread_mutex_destroy(lock)
        granted.deallocate()
        lock.deallocate()
    }

    /// Bytes a second; nil where there is no limit. What is waited for goes on by the new one.
    package var bytesPerSecond: Int64? {
        get { locked { limit } }
        set {
            locked {
                limit = newValue
                line.setOpen(newValue == nil)
                pthread_cond_broadcast(granted)
            }
        }
    }

    /// Bytes that readers wait for.
    package var wanted: Int64 { locked { line.wanted } }
    /// Bytes that were asked for since the start.
    package var asked: Int64 { locked { line.asked } }
    /// How often a reader had to wait, since the start.
    package var waitCount: Int { locked { waits } }

    package func grant(_ bytes: Int64) {
        locked {
            line.grant(bytes)
            pthread_cond_broadcast(granted)
        }
    }

    /// How many bytes to read in one go.
    var block: Int { ReadBucket.block(limit: bytesPerSecond) }

    /// Returns when `bytes` may be read. On a thread that may block.
    func wait(for bytes: Int, _ pulse: Pulse) throws(CopyError) {
        let (place, isUp) = locked {
            let place = line.ask(for: Int64(bytes))
            let isUp = line.isUp(place)
            if !isUp { waits += 1 }
            return (place, isUp)
        }
        if isUp { return }
        isWanted()
        while !locked({ isUpSoon(place) }) { try beat(pulse, .copy) }
    }

    /// Whether a place came up within a period.
    private func isUpSoon(_ place: ReadLine.Place) -> Bool {
        if line.isUp(place) { return true }
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let then = UInt64(until.tv_sec) * 1_000_000_000 + UInt64(until.tv_nsec) + SourcePace.period
        until = timespec(tv_sec: Int(then / 1_000_000_000), tv_nsec: Int(then % 1_000_000_000))
        pthread_cond_timedwait(granted, lock, &until)
        return line.isUp(place)
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }
}
