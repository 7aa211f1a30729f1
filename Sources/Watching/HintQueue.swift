internal import Synchronization
internal import Vocabulary

/// Hints on their way to the one consumer: a file that is already waiting is not queued again, and the room is
/// bounded, so that memory grows with what is pending and not with what exists.
final class HintQueue: Sendable {
    private struct State {
        var hints: [WatchHint] = []
        var waitingFiles: Set<FilePath> = []
        /// Files that the hints name, and one for each hint that names none.
        var weight = 0
        var isFinished = false
    }
    private let state = Mutex(State())
    private let arrived = Doorbell()
    private let taken = Doorbell()
    private let room: Int
    private let batch: Int

    /// - Parameters:
    ///   - room: files that may wait; a producer with more is held.
    ///   - batch: files that the consumer gets at once; a listing is never cut.
    init(room: Int = 65_536, batch: Int = 4096) {
        self.room = room
        self.batch = batch
    }

    /// Queues hints, and then holds the producer while there is no room.
    func put(_ hints: [WatchHint]) async {
        state.withLock { state in
            for hint in hints {
                if case .file(let path) = hint, !state.waitingFiles.insert(path).inserted { continue }
                state.hints.append(hint)
                state.weight += hint.weight
            }
        }
        arrived.ring()
        while !Task.isCancelled, state.withLock({ $0.weight > room && !$0.isFinished }) { await taken.wait() }
    }

    /// The next hints, oldest first; waits for some. Nil once finished and empty, or when the task is cancelled.
    func next() async -> [WatchHint]? {
        while true {
            let (hints, isFinished) = state.withLock { state in (takeBatch(from: &state), state.isFinished) }
            if !hints.isEmpty {
                taken.ring()
                return hints
            }
            if isFinished || Task.isCancelled { return nil }
            await arrived.wait()
        }
    }

    private func takeBatch(from state: inout State) -> [WatchHint] {
        var weight = 0
        let part = Array(
            state.hints.prefix(while: { hint in
                defer { weight += hint.weight }
                return weight < batch
            }))
        state.hints.removeFirst(part.count)
        for hint in part {
            state.weight -= hint.weight
            if case .file(let path) = hint { state.waitingFiles.remove(path) }
        }
        return part
    }

    /// No more hints will come; what waits can still be taken.
    func finish() {
        state.withLock { $0.isFinished = true }
        arrived.ring()
        taken.ring()
    }
}

extension WatchHint {
    fileprivate var weight: Int {
        switch self {
        case .found(let files): files.count
        case .file, .rescanned, .mountProven, .mountLost, .degraded, .covered, .mode, .eventsLost, .eventsComplete: 1
        }
    }
}
