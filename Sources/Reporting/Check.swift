internal import Synchronization

/// One thing to look at, by itself: whatever hangs in it delays no other.
package struct Check: Sendable {
    /// What is found when it does not answer in time; nothing where another check tells of the same cause.
    package let late: CheckFinding?
    package let look: @Sendable () async -> [CheckFinding]

    package init(late: CheckFinding?, look: @escaping @Sendable () async -> [CheckFinding]) {
        self.late = late
        self.look = look
    }

    /// Runs all at once, each for `limit` at most, and gives their findings in the order of the checks.
    package static func run(_ checks: [Check], limit: Duration) async -> [CheckFinding] {
        await withTaskGroup(of: (Int, [CheckFinding]).self) { group in
            for (place, check) in checks.enumerated() {
                group.addTask { (place, await check.answer(within: limit)) }
            }
            var found = [[CheckFinding]](repeating: [], count: checks.count)
            for await (place, findings) in group { found[place] = findings }
            return found.flatMap { $0 }
        }
    }

    /// The look is a task without a parent: one that hangs in a call of the kernel or of libpq can't be waited for.
    private func answer(within limit: Duration) async -> [CheckFinding] {
        await withCheckedContinuation { continuation in
            let first = FirstAnswer(continuation)
            let alarm = Task {
                try? await Task.sleep(for: limit)
                first.give(late.map { [$0] } ?? [])
            }
            Task {
                first.give(await look())
                alarm.cancel()
            }
        }
    }
}

/// Gives a continuation its one answer; later ones are let go.
private final class FirstAnswer: Sendable {
    private let waiting: Mutex<CheckedContinuation<[CheckFinding], Never>?>
    init(_ continuation: CheckedContinuation<[CheckFinding], Never>) { waiting = Mutex(continuation) }
    func give(_ findings: [CheckFinding]) { waiting.withLock { $0.take() }?.resume(returning: findings) }
}
