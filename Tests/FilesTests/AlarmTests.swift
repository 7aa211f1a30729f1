import Synchronization
import Testing

@testable import Files

@Suite struct AlarmTests {
    /// In which order alarms rang, and when since the start.
    private final class Rings: Sendable {
        private let state = Mutex<[(name: Int, after: Duration)]>([])
        private let start = ContinuousClock.now
        func note(_ name: Int) { state.withLock { $0.append((name, ContinuousClock.now - start)) } }
        var all: [(name: Int, after: Duration)] { state.withLock { $0 } }
        func wait(for count: Int) async throws {
            while all.count < count { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `each rings once, in the order of their times, and never before its own`()
        async throws
    {
        let rings = Rings()
        for name in [30, 10, 20] { _ = Alarm.shared.set(after: .milliseconds(name * 5)) { rings.note(name) } }
        try await rings.wait(for: 3)
        try await Task.sleep(for: .milliseconds(50))
        #expect(rings.all.map(\.name) == [10, 20, 30])
        for ring in rings.all { #expect(ring.after >= .milliseconds(ring.name * 5)) }
    }

    @Test(.timeLimit(.minutes(1))) func `one that may be early comes with another, and not by itself`() async throws {
        let rings = Rings()
        let late = Alarm.shared.set(after: .seconds(600), early: .milliseconds(1)) { rings.note(0) }
        _ = Alarm.shared.set(after: .seconds(600), early: .seconds(600)) { rings.note(1) }
        _ = Alarm.shared.set(after: .milliseconds(20)) { rings.note(2) }
        try await rings.wait(for: 2)
        #expect(Set(rings.all.map(\.name)) == [1, 2])
        Alarm.shared.cancel(late)
    }

    @Test(.timeLimit(.minutes(1))) func `one that was cancelled stays silent, and the others ring`() async throws {
        let rings = Rings()
        let tickets = (0..<100).map { name in Alarm.shared.set(after: .milliseconds(30)) { rings.note(name) } }
        for ticket in tickets.filter({ $0.isMultiple(of: 2) }) { Alarm.shared.cancel(ticket) }
        try await rings.wait(for: 50)
        try await Task.sleep(for: .milliseconds(50))
        #expect(rings.all.count == 50)
    }

    @Test(.timeLimit(.minutes(1))) func `many set from many threads all ring`() async throws {
        let rings = Rings()
        await withTaskGroup(of: Void.self) { group in
            for name in 0..<2000 {
                group.addTask {
                    _ = Alarm.shared.set(after: .microseconds(name * 20), early: .milliseconds(name % 3)) {
                        rings.note(name)
                    }
                }
            }
        }
        try await rings.wait(for: 2000)
        #expect(Set(rings.all.map(\.name)).count == 2000)
    }
}
