internal import Synchronization
internal import Vocabulary

extension FileThreads {
    /// Runs `body` for each place from 0 to `count`, several at a time, and gives the outcomes in order. One thread takes
    /// place after place, so that many short calls cost few changes of threads; now and then it lets others have their turn.
    ///
    /// Each place is by itself, as in ``run(timeout:_:)``: one that throws fails no other, one that hangs has the code
    /// `timeout` and costs a thread, and another one goes on behind it. Of a cancelled task those that have not begun fail
    /// with `CancellationError`.
    ///
    /// - Parameter atOnce: bodies of these at a time; no more than the pool has threads.
    package func each<Value: Sendable>(
        _ count: Int, atOnce: Int = .max, timeout: Duration, _ body: @escaping @Sendable (Int, Pulse) throws -> Value
    ) async -> [Result<Value, any Error>] {
        let work = FileWork(count: count, body)
        let workers = min(count, atOnce, self.count)
        if workers == 1 {
            await take(work, timeout)
        } else {
            await withDiscardingTaskGroup { group in
                for _ in 0..<workers { group.addTask { await self.take(work, timeout) } }
            }
        }
        return work.outcomes()
    }

    private func take<Value: Sendable>(_ work: FileWork<Value>, _ timeout: Duration) async {
        while let turn = work.turn() {
            do {
                try await run(timeout: timeout) { pulse in try work.carryOut(turn, pulse) }
            } catch {
                work.fail(turn, error)
            }
        }
    }
}

/// Places of a row that several threads take one after the other, each for a turn.
private final class FileWork<Value: Sendable>: Sendable {
    private enum Turn {
        case waiting
        case on(place: Int)
        case between
    }

    private struct State {
        /// The first that nobody has taken.
        var next = 0
        var outcomes: [Result<Value, any Error>?]
        /// By their number. Those that are over are none: what they still bring is let go.
        var turns: [Int: Turn] = [:]
        var lastTurn = 0
    }

    private let state: Mutex<State>
    private let count: Int
    private let body: @Sendable (Int, Pulse) throws -> Value
    /// Nanoseconds. A thread of a pool is not one work's for long.
    private static var slice: UInt64 { 10_000_000 }

    init(count: Int, _ body: @escaping @Sendable (Int, Pulse) throws -> Value) {
        self.count = count
        self.body = body
        state = Mutex(State(outcomes: [Result<Value, any Error>?](repeating: nil, count: count)))
    }

    /// A new turn; nil where all places are taken.
    func turn() -> Int? {
        state.withLock { state in
            guard state.next < count else { return nil }
            state.lastTurn += 1
            state.turns[state.lastTurn] = .waiting
            return state.lastTurn
        }
    }

    /// On a thread: place after place, until none is left or the time is up.
    func carryOut(_ turn: Int, _ pulse: Pulse) throws {
        let begun = monotonicNanoseconds()
        while let place = begin(turn) {
            let outcome = Result { try body(place, pulse) }
            end(turn, place, outcome)
            if monotonicNanoseconds() - begun > FileWork.slice { break }
            try pulse.beat()
        }
        state.withLock { $0.turns[turn] = nil }
    }

    private func begin(_ turn: Int) -> Int? {
        state.withLock { state in
            guard state.next < count, state.turns[turn] != nil else { return nil }
            state.turns[turn] = .on(place: state.next)
            state.next += 1
            return state.next - 1
        }
    }

    private func end(_ turn: Int, _ place: Int, _ outcome: Result<Value, any Error>) {
        state.withLock { state in
            guard state.turns[turn] != nil else { return }
            state.turns[turn] = .between
            state.outcomes[place] = outcome
        }
    }

    /// The turn ended otherwise. What it had taken fails; all that nobody has taken fails, too, where the turn never came to
    /// any, or was cancelled.
    func fail(_ turn: Int, _ error: any Error) {
        state.withLock { state in
            let failsAll: Bool
            switch state.turns.removeValue(forKey: turn) {
            case .on(let place):
                state.outcomes[place] = .failure(error)
                failsAll = error is CancellationError
            case .between: failsAll = error is CancellationError
            case .waiting: failsAll = true
            case nil: failsAll = false
            }
            while failsAll && state.next < count {
                state.outcomes[state.next] = .failure(error)
                state.next += 1
            }
        }
    }

    /// When all were taken and have ended.
    func outcomes() -> [Result<Value, any Error>] {
        state.withLock { $0.outcomes }.map { outcome in
            guard let outcome else { preconditionFailure("each place has an outcome when all have ended") }
            return outcome
        }
    }
}
