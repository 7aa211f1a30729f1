internal import Files
internal import Synchronization

/// Wakes one waiter, from any thread. A ring that nobody waits for is kept for the next wait; several are one.
final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.isRung = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns when rung, past the span, or when the task is cancelled. It may return early, so callers look again.
    /// At most one waiter at a time.
    func wait(atMost span: Duration? = nil) async {
        let timer = span.map { span in Alarm.shared.set(after: span) { self.ring() } }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isRung = state.withLock { state in
                    precondition(state.waiter == nil, "A doorbell has one waiter at a time.")
                    defer { state.isRung = false }
                    if !state.isRung { state.waiter = continuation }
                    return state.isRung
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
        if let timer { Alarm.shared.cancel(timer) }
    }
}
