internal import Files
internal import Synchronization

/// A hint that there is something to do. Hints that come while nobody waits are kept as one.
///
/// For one waiter at a time.
package final class Wake: Sendable {
    private struct State {
        var isPending = false
        var waiter: CheckedContinuation<Bool, Never>?
        /// Counts waits, so that a timer of an earlier wait does nothing.
        var turn = 0
        /// The last wait whose time was up, or that was cancelled, before its waiter stood there.
        var endedTurn = 0
    }
    private let state = Mutex(State())

    package init() {}

    package func wake() {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let waiter = state.waiter else {
                state.isPending = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: true)
    }

    /// Returns at the next hint, at once where one is pending, or when the time is up, or when the task is cancelled.
    /// - Parameter early: how much sooner the time may be up, so that several wait for one waking of the process.
    /// - Returns: whether a hint was the reason.
    @discardableResult
    package func wait(atMost longest: Duration, early: Duration = .zero) async -> Bool {
        let turn = state.withLock { state in
            state.turn += 1
            return state.turn
        }
        let timer = Alarm.shared.set(after: longest, early: early) { [weak self] in self?.end(turn) }
        defer { Alarm.shared.cancel(timer) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isHinted = state.withLock { state -> Bool? in
                    if state.isPending {
                        state.isPending = false
                        return true
                    }
                    if state.endedTurn == turn { return false }
                    state.waiter = continuation
                    return nil
                }
                if let isHinted { continuation.resume(returning: isHinted) }
            }
        } onCancel: {
            end(turn)
        }
    }

    /// Rests between two turns of a loop that nothing hurries, and that may come a fifth sooner.
    package static func rest(_ period: Duration) async { await Wake().wait(atMost: period, early: period / 5) }

    private func end(_ turn: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.turn == turn else { return nil }
            state.endedTurn = turn
            let waiter = state.waiter
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: false)
    }
}
