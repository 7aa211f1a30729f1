import Files
import Glibc
import Synchronization
import Testing

/// Bodies that run, that ran at a time at most, and that ended.
private final class Counted: Sendable {
    private let counts = Mutex((now: 0, most: 0, done: 0))

    var most: Int { counts.withLock { $0.most } }
    var done: Int { counts.withLock { $0.done } }

    func run(microseconds: UInt32) {
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
        usleep(microseconds)
        counts.withLock {
            $0.now -= 1
            $0.done += 1
        }
    }
}

@Suite struct FileThreadsSizeTests {
    /// The most that ran at a time.
    private func mostAtOnce(_ threads: FileThreads, bodies: Int) async -> Int {
        let counted = Counted()
        await withDiscardingTaskGroup { group in
            for _ in 0..<bodies {
                group.addTask {
                    try? await threads.run(timeout: .seconds(30)) { _ in counted.run(microseconds: 20_000) }
                }
            }
        }
        return counted.most
    }

    @Test func `as many bodies run at a time as was said last, and none is lost`() async throws {
        let threads = FileThreads(name: "size", count: 2)
        #expect(await mostAtOnce(threads, bodies: 12) == 2)
        threads.resize(to: 6)
        #expect(threads.count == 6)
        #expect(await mostAtOnce(threads, bodies: 30) == 6)
        threads.resize(to: 1)
        #expect(await mostAtOnce(threads, bodies: 6) == 1)
        threads.resize(to: 3)
        #expect(await mostAtOnce(threads, bodies: 12) == 3)
    }

    @Test func `changing the size under load loses no body`() async throws {
        let threads = FileThreads(name: "size", count: 4)
        let counted = Counted()
        await withDiscardingTaskGroup { group in
            for number in 0..<400 {
                group.addTask {
                    if number % 20 == 0 { threads.resize(to: 1 + number / 20 % 7) }
                    try? await threads.run(timeout: .seconds(30)) { _ in counted.run(microseconds: 500) }
                }
            }
        }
        #expect(counted.done == 400)
    }

    @Test func `beside a body that only waits for a disk as many run as without it, and no more when it is over`()
        async throws
    {
        let threads = FileThreads(name: "size", count: 2)
        let isOver = Atomic<Bool>(false)
        async let waiting: Void = threads.run(timeout: .seconds(30), onlyWaits: true) { pulse in
            while !isOver.load(ordering: .acquiring) {
                try pulse.beat()
                usleep(1000)
            }
        }
        // More than the first of them, which may come before it.
        _ = await mostAtOnce(threads, bodies: 2)
        #expect(await mostAtOnce(threads, bodies: 12) == 2)
        isOver.store(true, ordering: .releasing)
        try await waiting
        #expect(await mostAtOnce(threads, bodies: 12) == 2)
    }

    @Test func `a body that only waits and hangs takes no more threads than any other that hangs`() async throws {
        let threads = FileThreads(name: "size", count: 2, abandonedAtMost: 2)
        let isOver = Atomic<Bool>(false)
        await #expect(throws: FileError.self) {
            try await threads.run(timeout: .milliseconds(50), onlyWaits: true) { _ in
                while !isOver.load(ordering: .acquiring) { usleep(1000) }
            }
        }
        #expect(threads.abandonedCount == 1)
        #expect(await mostAtOnce(threads, bodies: 12) == 2)
        isOver.store(true, ordering: .releasing)
        for _ in 0..<10_000 where threads.abandonedCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(threads.abandonedCount == 0)
        #expect(await mostAtOnce(threads, bodies: 12) == 2)
    }
}
