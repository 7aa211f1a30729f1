import Files
import Planning
import Synchronization
import Testing
import Vocabulary

@testable import Watching

/// A watcher that runs on a directory, and all that it has told.
final class WatchedTree: Sendable {
    let watcher: TreeWatcher
    private let told = Mutex(Told())
    private let tasks: Mutex<[Task<Void, Never>]> = Mutex([])

    struct Told: Sendable {
        /// How often each file was named.
        var files: [String: Int] = [:]
        var rescans = 0
        var losses = 0
        /// The rescans of each storm that is over.
        var storms: [Int] = []
        var states: [WatchHint] = []
    }

    /// - Parameter mode: event mode with no polling by default, so that what is found was found by events and scans.
    init(
        _ path: String, mode: WatchMode? = .event, poll: PollSettings = .onlyAtStart, mustBeMountPoint: Bool = false,
        marker: String? = nil, proofPeriod: Duration = .milliseconds(200), calls: any FileCalls = KernelFiles(),
        clock: WatchClock = .system(),
        makeEvents: @escaping @Sendable () throws -> any DirectoryEvents = { try startedReader() }
    ) {
        let threads = FileThreads(name: "test-mount", count: 2)
        let proof = MountProof(
            MountExpectation(path: FilePath(path), mustBeMountPoint: mustBeMountPoint, marker: marker),
            threads: threads)
        watcher = TreeWatcher(
            proof: proof, threads: threads,
            settings: WatchSettings(mode: mode, poll: poll, proofPeriod: proofPeriod), calls: calls, clock: clock,
            makeEvents: makeEvents)
        let watcher = watcher
        let run = Task { await watcher.run() }
        let listen = Task { [weak self] in
            for await hints in watcher.hints { self?.note(hints) }
        }
        tasks.withLock { $0 = [run, listen] }
    }

    deinit { tasks.withLock { $0.forEach { $0.cancel() } } }

    /// Ends the watcher and waits for its end.
    func stop() async {
        let tasks = tasks.withLock { $0 }
        tasks.first?.cancel()
        for task in tasks { await task.value }
    }

    var current: Told { told.withLock { $0 } }

    func forgetFiles() { told.withLock { $0.files = [:] } }

    private func note(_ hints: [WatchHint]) {
        told.withLock { told in
            for hint in hints {
                switch hint {
                case .file(let path): told.files[path.displayText, default: 0] += 1
                case .found(let files):
                    for index in 0..<files.count { told.files[files[index].displayText, default: 0] += 1 }
                case .rescanned: told.rescans += 1
                case .eventsLost: told.losses += 1
                case .eventsComplete(let rescans, _): told.storms.append(rescans)
                case .mountProven, .mountLost, .degraded, .covered, .mode: told.states.append(hint)
                }
            }
        }
    }

    /// The modes that were chosen, in order; a reason that changed is none.
    var modes: [WatchMode] {
        current.states.reduce(into: []) { modes, hint in
            if case .mode(let decision) = hint, modes.last != decision.mode { modes.append(decision.mode) }
        }
    }

    func isScanned(times: Int = 1) async -> Bool { await waitUntil { self.current.rescans >= times } }

    func hasTold(_ files: Set<String>) async -> Bool {
        await waitUntil { files.isSubset(of: self.current.files.keys) }
    }

    func missing(of files: Set<String>) -> Set<String> { files.subtracting(current.files.keys) }
}

extension PollSettings {
    /// One turn at the start, and none in the time that a test takes.
    static var onlyAtStart: PollSettings { PollSettings(period: .seconds(3600), checkPeriod: .seconds(3600)) }
    static var quick: PollSettings { PollSettings(period: .milliseconds(20), checkPeriod: .milliseconds(20)) }
}
