import Files
import Glibc
import Support
import Synchronization
import Testing

/// A call that hangs until it is let go.
private final class Hang: Sendable {
    private let ends = Mutex<(read: CInt, write: CInt)>((-1, -1))
    init() throws {
        var pair: [CInt] = [-1, -1]
        if pipe(&pair) != 0 { throw FileError(.open, number: errno) }
        let (read, write) = (pair[0], pair[1])
        ends.withLock { $0 = (read, write) }
    }
    func wait() {
        var byte: UInt8 = 0
        _ = read(ends.withLock { $0.read }, &byte, 1)
    }
    func release() { ends.withLock { _ = close($0.write) } }
    deinit { ends.withLock { _ = close($0.read) } }
}

private final class Owned: Sendable {
    private let onEnd: @Sendable () -> Void
    init(onEnd: @escaping @Sendable () -> Void) {
        self.onEnd = onEnd
    }
    deinit { onEnd() }
}

/// How many are inside at a time.
private final class Load: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    var most: Int { counts.withLock { $0.most } }
    func enter() {
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }
    func leave() { counts.withLock { $0.now -= 1 } }
}

private func until(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
}

@Suite struct FileThreadsTests {
    @Test func `results and errors come back`() async throws {
        let threads = FileThreads(name: "test", count: 2)
        #expect(try await threads.run(timeout: .seconds(5)) { _ in 42 } == 42)
        await #expect(throws: FileError(.notFound, doing: "look")) {
            try await threads.run(timeout: .seconds(5)) { _ in throw FileError(.notFound, doing: "look") }
        }
    }

    @Test func `no more bodies run at a time than there are threads, and all of them run`() async throws {
        let threads = FileThreads(name: "test", count: 3)
        let load = Load()
        let done = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    let ran = try? await threads.run(timeout: .seconds(20)) { _ in
                        load.enter()
                        usleep(200)
                        load.leave()
                        return true
                    }
                    return ran == true
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(done == 200)
        #expect((2...3).contains(load.most))
    }

    @Test func `a hang costs its caller its time, another thread takes over, and the late result ends itself`()
        async throws
    {
        let threads = FileThreads(name: "test", count: 1)
        let hang = try Hang()
        let ended = Atomic<Bool>(false)
        do {
            _ = try await threads.run(timeout: .milliseconds(50)) { _ in
                hang.wait()
                return Owned { ended.store(true, ordering: .sequentiallyConsistent) }
            }
            Issue.record("a hang gave a result")
        } catch let error as FileError {
            #expect(error.code == .timeout)
        }
        #expect(threads.abandonedCount == 1)
        #expect(try await threads.run(timeout: .seconds(5)) { _ in true })
        let endedEarly = ended.load(ordering: .sequentiallyConsistent)
        #expect(!endedEarly)
        hang.release()
        try await until { threads.abandonedCount == 0 }
        #expect(threads.abandonedCount == 0)
        let endedLate = ended.load(ordering: .sequentiallyConsistent)
        #expect(endedLate)
    }

    @Test func `when too many hang all is refused, and served again when they come back`() async throws {
        let threads = FileThreads(name: "test", count: 1, abandonedAtMost: 1)
        let hang = try Hang()
        for _ in 0..<2 {
            await #expect(throws: FileError.self) {
                try await threads.run(timeout: .milliseconds(30)) { _ in hang.wait() }
            }
        }
        #expect(threads.abandonedCount == 2)
        let refused = ContinuousClock.now
        await #expect(throws: FileError.self) { try await threads.run(timeout: .seconds(60)) { _ in } }
        #expect(ContinuousClock.now - refused < .seconds(5))
        hang.release()
        try await until { threads.abandonedCount == 0 }
        #expect(try await threads.run(timeout: .seconds(5)) { _ in true })
    }

    @Test func `what waits in line when the last thread hangs is refused too`() async throws {
        let threads = FileThreads(name: "test", count: 1, abandonedAtMost: 0)
        let hang = try Hang()
        let failures = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do {
                        try await threads.run(timeout: .milliseconds(50)) { _ in hang.wait() }
                        return false
                    } catch {
                        return (error as? FileError)?.code == .timeout
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 5)
        hang.release()
        try await until { threads.abandonedCount == 0 }
    }

    @Test func `signs of life keep a long body from being given up`() async throws {
        let threads = FileThreads(name: "test", count: 1)
        let beats = try await threads.run(timeout: .milliseconds(300)) { pulse in
            for _ in 0..<60 {
                try pulse.beat()
                usleep(10_000)
            }
            return 60
        }
        #expect(beats == 60)
    }

    @Test func `cancelling ends what waits at once and what runs at its next beat`() async throws {
        let threads = FileThreads(name: "test", count: 1)
        let hang = try Hang()
        let started = Atomic<Bool>(false)
        let running = Task {
            try await threads.run(timeout: .seconds(30)) { pulse in
                started.store(true, ordering: .sequentiallyConsistent)
                hang.wait()
                try pulse.beat()
            }
        }
        try await until { started.load(ordering: .sequentiallyConsistent) }
        let waiting = Task { try await threads.run(timeout: .seconds(30)) { _ in } }
        waiting.cancel()
        running.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        hang.release()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(threads.abandonedCount == 0)
    }

    @Test func `what hangs on something that was replaced ends at once, and takes no thread from what is there now`()
        async throws
    {
        let threads = FileThreads(name: "test", count: 2, abandonedAtMost: 1)
        let hang = try Hang()
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    await #expect(throws: FileError(.timeout, doing: "wait for a call about a file")) {
                        try await threads.run(timeout: .seconds(60)) { _ in hang.wait() }
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(100))
            threads.renounce()
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - began < .seconds(10))
        #expect(threads.abandonedCount == 0)
        for number in 0..<4 {
            #expect(try await threads.run(timeout: .seconds(5)) { _ in number } == number)
        }
        hang.release()
        try await Task.sleep(for: .milliseconds(50))
        #expect(threads.abandonedCount == 0)
        #expect(try await threads.run(timeout: .seconds(5)) { _ in 7 } == 7)
    }

    @Test func `a cancelled body that hangs is not waited for`() async throws {
        let threads = FileThreads(name: "test", count: 1, stopPatience: .milliseconds(50))
        let hang = try Hang()
        let task = Task { try await threads.run(timeout: .seconds(60)) { _ in hang.wait() } }
        try await Task.sleep(for: .milliseconds(50))
        let began = ContinuousClock.now
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(ContinuousClock.now - began < .seconds(10))
        hang.release()
    }

    @Test func `many bodies share threads, and each has its own outcome in its place`() async throws {
        let threads = FileThreads(name: "test", count: 3)
        let load = Load()
        let outcomes = await threads.each(500, atOnce: 2, timeout: .seconds(20)) { place, _ in
            load.enter()
            defer { load.leave() }
            if place % 100 == 7 { throw FileError(.notFound, doing: "look") }
            return place
        }
        #expect(load.most <= 2)
        #expect(outcomes.count == 500)
        for (place, outcome) in outcomes.enumerated() {
            switch outcome {
            case .success(let value): #expect(value == place && place % 100 != 7)
            case .failure(let error):
                #expect((error as? FileError)?.code == .notFound)
                #expect(place % 100 == 7)
            }
        }
        #expect(await threads.each(0, timeout: .seconds(1)) { place, _ in place }.isEmpty)
    }

    @Test func `of many bodies one that hangs is given up by itself, and others go on behind it`() async throws {
        let threads = FileThreads(name: "test", count: 2, abandonedAtMost: 2)
        let hang = try Hang()
        let late = Mutex(0)
        let outcomes = await threads.each(50, timeout: .milliseconds(300)) { place, _ in
            if place == 3 {
                hang.wait()
                late.withLock { $0 += 1 }
            }
            return Owned { late.withLock { $0 += place == 3 ? 1 : 0 } }
        }
        for (place, outcome) in outcomes.enumerated() {
            switch outcome {
            case .success: #expect(place != 3)
            case .failure(let error):
                #expect(place == 3)
                #expect((error as? FileError)?.code == .timeout)
            }
        }
        #expect(threads.abandonedCount == 1)
        hang.release()
        // Its result comes to nobody, and ends.
        try await until { late.withLock { $0 } == 2 && threads.abandonedCount == 0 }
        #expect(late.withLock { $0 } == 2)
        #expect(await threads.each(2, timeout: .seconds(5)) { place, _ in place }.count == 2)
    }

    @Test func `cancelling many bodies ends those that have not begun`() async throws {
        let threads = FileThreads(name: "test", count: 1)
        let begun = Mutex(0)
        let work = Task {
            await threads.each(1000, timeout: .seconds(20)) { _, pulse in
                begun.withLock { $0 += 1 }
                for _ in 0..<1000 {
                    try pulse.beat()
                    usleep(1000)
                }
            }
        }
        try await until { begun.withLock { $0 } == 1 }
        work.cancel()
        let outcomes = await work.value
        #expect(begun.withLock { $0 } == 1)
        #expect(outcomes.count == 1000)
        for case .failure(let error) in outcomes { #expect(error is CancellationError) }
        #expect(outcomes.allSatisfy { if case .failure = $0 { true } else { false } })
    }
}
