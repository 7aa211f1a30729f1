package import Files
internal import Planning
internal import Synchronization
internal import Vocabulary

/// Measures how fast copies to one volume go while many wait, and gives its threads as many bodies at once as
/// ``CopyWidth`` found. What a read limit held up, and groups that are too small to show anything, measure nothing.
package final class WidthFinder: Sendable {
    private struct State {
        var width = CopyWidth()
        /// Large groups under way, and since when there are some.
        var groups = 0
        var since = Duration.zero
        var worked = Duration.zero
        var bytes: Int64 = 0
        var waits = 0
        /// Long copies under way, each on a thread that is not counted: small files never wait behind them.
        var long = 0
        /// Something failed: how fast the rest went shows nothing.
        var isSpoilt = false
    }

    /// Resized where the width is known: of two changes at once the later would else be forgotten.
    private let threads: FileThreads
    private let pace: SourcePace
    private let clock: @Sendable () -> Duration
    private let state = Mutex(State())

    /// Twice as many files as are ever copied at once.
    package static let least = 32
    /// A measure takes so long, and a group at least.
    private static let span = Duration.milliseconds(400)

    package init(
        threads: FileThreads, pace: SourcePace, clock: @escaping @Sendable () -> Duration = WidthFinder.monotonic()
    ) {
        self.threads = threads
        self.pace = pace
        self.clock = clock
        threads.resize(to: CopyWidth().width)
    }

    /// Files at once, and whether that was found by now.
    package var found: (width: Int, isFound: Bool) { state.withLock { ($0.width.width, $0.width.isFound) } }

    package static func monotonic() -> @Sendable () -> Duration {
        let started = ContinuousClock.now
        return { ContinuousClock.now - started }
    }

    func begin() {
        state.withLock { state in
            if state.groups == 0 { state.since = clock() }
            state.groups += 1
        }
    }

    /// - Parameter isWhole: whether all of the group were copied.
    func end(bytes: Int64, isWhole: Bool = true) {
        let waits = pace.waitCount
        state.withLock { state in
            let now = clock()
            state.worked += now - state.since
            state.since = now
            state.groups -= 1
            state.bytes += bytes
            state.isSpoilt = state.isSpoilt || !isWhole
            guard state.worked >= WidthFinder.span else { return }
            let rate = Double(state.bytes) / state.worked.inSeconds
            let isFree = waits == state.waits && !state.isSpoilt
            state.isSpoilt = false
            (state.worked, state.bytes, state.waits) = (.zero, 0, waits)
            guard isFree else { return }
            let before = state.width.width
            state.width.see(bytesPerSecond: rate, at: now)
            if state.width.width != before { threads.resize(to: state.width.width + state.long) }
        }
    }

    /// A group whose files take long each, whatever the disk.
    static func isLong(_ orders: [CopyOrder]) -> Bool {
        orders.count <= 2 && orders.contains { $0.expectedSize.map { $0 >= 8 << 20 } ?? false }
    }

    func beginLong(_ count: Int) { changeLong(by: count) }
    func endLong(_ count: Int) { changeLong(by: -count) }

    private func changeLong(by count: Int) {
        state.withLock { state in
            state.long += count
            threads.resize(to: state.width.width + state.long)
        }
    }
}
