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
    /// - Returns: whether a hint was the reason.
    @discardableResult
    package func wait(atMost longest: Duration) async -> Bool {
        let turn = state.withLock { state in
            state.turn += 1
            return state.turn
        }
        let timer = Task { [weak self] in
            try? await Task.sleep(for: longest)
            self?.end(turn)
        }
        defer { timer.cancel() }
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
