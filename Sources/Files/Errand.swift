internal import Synchronization
internal import Vocabulary

/// A body on its way through the pool, whatever its result is.
protocol Job: AnyObject, Sendable {
    var pulse: Pulse { get }
    /// Nanoseconds without a sign of life that make it hang.
    var timeout: UInt64 { get }
    /// Whether it only waits for a disk: beside it as many others run as without it.
    var onlyWaits: Bool { get }
    /// Runs the body and keeps its result, unless the answer has been given.
    func perform()
    /// Wakes the caller.
    func deliver()
    /// Gives the caller an error instead, and wakes it.
    func fail(_ error: any Error)
}

extension Job {
    /// When it hangs, by the monotonic clock; one that was cancelled `stopPatience` nanoseconds after that.
    func deadline(stopPatience: UInt64) -> UInt64 {
        let silent = pulse.lastBeat &+ timeout
        return pulse.whenCancelled.map { min(silent, $0 &+ stopPatience) } ?? silent
    }
}

/// A body with its one answer. The thread has let go of the body, and the caller alone holds the result, by the time
/// the caller wakes: nothing that they own is ended later than that.
final class Errand<Value: Sendable>: Job {
    let pulse = Pulse()
    let timeout: UInt64
    let onlyWaits: Bool
    private struct State {
        var body: (@Sendable (Pulse) throws -> Value)?
        var answer: Result<Value, any Error>?
        var isAnswered = false
        var continuation: CheckedContinuation<Void, Never>?
    }
    private let state: Mutex<State>

    init(timeout: Duration, onlyWaits: Bool = false, _ body: @escaping @Sendable (Pulse) throws -> Value) {
        state = Mutex(State(body: body))
        self.onlyWaits = onlyWaits
        self.timeout = timeout.nanoseconds
    }

    func wait(_ continuation: CheckedContinuation<Void, Never>) {
        state.withLock { $0.continuation = continuation }
    }

    func take() -> Result<Value, any Error> {
        guard let answer = state.withLock({ $0.answer.take() }) else {
            preconditionFailure("a caller wakes when there is an answer")
        }
        return answer
    }

    func perform() {
        guard let body = state.withLock({ $0.body.take() }) else { return }
        answer(Result { try body(pulse) })
    }

    func deliver() { state.withLock { $0.continuation.take() }?.resume() }

    func fail(_ error: any Error) {
        answer(.failure(error))
        deliver()
    }

    private func answer(_ result: Result<Value, any Error>) {
        state.withLock {
            if !$0.isAnswered { $0.answer = result }
            $0.isAnswered = true
        }
    }
}
