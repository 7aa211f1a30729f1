package import Files
package import Vocabulary

/// Copies files to one volume, verified and durable: the whole protocol of a group of orders.
///
/// One per volume and process: it remembers which directories are durable. All file calls run on `threads`.
package struct Copier: Sendable {
    package let volume: CopyVolume
    let threads: FileThreads
    let calls: any FileCalls
    let settings: CopySettings
    /// Of whatever is read from a source.
    let pace: SourcePace
    /// Nil: the threads are as many as they are.
    let finder: WidthFinder?
    let durable = DurableNames()
    let workspaces: Workspaces
    package let space = SpaceNotes()
    package let attributes = AttributeNotes()

    package init(
        volume: CopyVolume, threads: FileThreads, calls: any FileCalls = KernelFiles(),
        settings: CopySettings = CopySettings(), pace: SourcePace = SourcePace(),
        finder: WidthFinder? = nil, workspaces: Workspaces = Workspaces()
    ) {
        self.workspaces = workspaces
        self.finder = finder
        self.volume = volume
        self.pace = pace
        self.threads = threads
        self.calls = calls
        self.settings = settings
    }

    /// Copies `orders`; results stand in their order, and one that fails fails no other, but where the whole group
    /// could not be made durable or the volume went away. A success is durable, directories included.
    ///
    /// `beforePublish` is called while copies are made durable and verified, and no name appears before it ended: it
    /// renews and proves the leases, records what is about to be published, and returns the tokens that are still held.
    /// Where the disks take longer than a moment it is called once more after them. The others fail with
    /// `leaseLost` and nothing of them is published; so do all when it throws. For more than
    /// ``CopySettings/openAtMost`` orders it is called more than once.
    ///
    /// `reserved` is called on a thread of the volume for each large file whose space is taken.
    package func run(
        _ orders: [CopyOrder],
        beforePublish: @Sendable ([ReadyCopy]) async throws -> Set<FencingToken> = { Set($0.map(\.token)) },
        reserved: @escaping @Sendable (FencingToken) -> Void = { _ in }
    ) async -> [Result<Copied, CopyError>] {
        var results: [Result<Copied, CopyError>] = []
        for start in stride(from: 0, to: orders.count, by: max(1, settings.openAtMost)) {
            let part = Array(orders[start..<min(start + max(1, settings.openAtMost), orders.count)])
            let isMeasured = part.count >= WidthFinder.least
            let isLong = WidthFinder.isLong(part)
            if isLong { finder?.beginLong(part.count) }
            defer { if isLong { finder?.endLong(part.count) } }
            if isMeasured { finder?.begin() }
            let copied = await CopyGroup(copier: self, orders: part, reserved: reserved).run(
                beforePublish: beforePublish)
            if isMeasured {
                let sizes = copied.compactMap { try? $0.get().size }
                finder?.end(bytes: sizes.reduce(0, +), isWhole: sizes.count == copied.count)
            }
            results += copied
        }
        return results
    }

    /// Runs `body` on the volume's threads. A hang is an error `timeout` at `step`. One that `onlyWaits` for the disk
    /// takes no thread from those that copy.
    func perform<Value: Sendable>(
        _ step: CopyError.Step, onlyWaits: Bool = false, _ body: @escaping @Sendable (Pulse) throws -> Value
    ) async -> Result<Value, CopyError> {
        do {
            return .success(try await threads.run(timeout: settings.patience, onlyWaits: onlyWaits, body))
        } catch {
            return .failure(CopyError(of: error, at: step))
        }
    }

    /// The same for each place from 0 to `count`, several at a time; the outcomes in order. One that fails or hangs fails
    /// no other.
    func performEach<Value: Sendable>(
        _ step: CopyError.Step, _ count: Int, _ body: @escaping @Sendable (Int, Pulse) throws -> Value
    ) async -> [Result<Value, CopyError>] {
        await threads.each(count, timeout: settings.patience, body).map { outcome in
            outcome.mapError { CopyError(of: $0, at: step) }
        }
    }

    /// Runs `body` also when the task was cancelled: for putting away what was begun.
    func performAnyway(_ step: CopyError.Step, _ body: @escaping @Sendable () -> Void) async {
        // A hang leaves it to the sweep.
        _ = await Task { await perform(step) { _ in body() } }.value
    }
}

extension CopyError {
    /// What a body on a volume's threads ended with.
    fileprivate init(of error: any Error, at step: Step) {
        switch error {
        case let error as CopyError: self = error
        case let error as FileError: self.init(.timeout, at: step, detail: "a call hangs", cause: error)
        default: self.init(.cancelled, at: step)
        }
    }
}
