internal import Files
internal import Vocabulary

/// One group of orders on its way: prepare, stage, make durable and verify while the caller is asked, publish, settle.
struct CopyGroup: Sendable {
    private let copier: Copier
    private let orders: [CopyOrder]
    private let reserved: @Sendable (FencingToken) -> Void
    /// How old an answer about leases may be when names appear.
    private static let answerHolds = Duration.milliseconds(100)

    init(copier: Copier, orders: [CopyOrder], reserved: @escaping @Sendable (FencingToken) -> Void) {
        self.copier = copier
        self.orders = orders
        self.reserved = reserved
    }

    /// How far an order is.
    enum Progress: Sendable {
        /// Goes to `staged`, a large one straight to `verified`.
        case placed(PreparedGroup.Place)
        /// Written, not durable. Goes to `verified`.
        case staged(StagedFile)
        /// Durable and read back. Goes to `copied`.
        case verified(StagedFile, VerificationLevel)
        /// Has its name; final once its directory is durable.
        case copied(Copied)
        /// Final.
        case failed(CopyError)

        fileprivate var staged: StagedFile? {
            switch self {
            case .staged(let file), .verified(let file, _): file
            case .placed, .copied, .failed: nil
            }
        }
    }

    func run(
        beforePublish: @Sendable ([ReadyCopy]) async throws -> Set<FencingToken>
    ) async -> [Result<Copied, CopyError>] {
        let prepared: PreparedGroup
        switch await copier.perform(
            .prepare, { [copier, orders] in try PreparedGroup(orders, copier: copier, pulse: $0) })
        {
        case .success(let group): prepared = group
        case .failure(let error): return orders.map { _ in .failure(error) }
        }
        let steps = CopySteps(copier: copier, prepared: prepared, reserved: reserved)
        var progress = await advance(start(prepared), .copy) { (order, pulse) throws(CopyError) in
            try steps.stage(order, pulse)
        }
        // What is to be published is known as soon as it is written: the caller writes it down while the disks work.
        let ready = progress.compactMap { $0.staged?.ready }
        let asked = ContinuousClock.now
        async let answer = ask(ready, beforePublish)
        progress = await makeDurable(progress, steps)
        progress = await advance(progress, .verify) { (order, pulse) throws(CopyError) in
            try steps.verify(order, pulse)
        }
        var held = await answer
        if held != nil, .now - asked > CopyGroup.answerHolds {
            // Whoever stood still for so long may have lost by now what was held then.
            held = await ask(progress.compactMap { $0.staged?.ready }, beforePublish)
        }
        progress = await withhold(progress, held)
        progress = await advance(progress, .publish) { (order, pulse) throws(CopyError) in
            try steps.publish(order, pulse)
        }
        progress = await settle(progress, steps)
        // An order that was given up may still hold what it was given: its thread lets go of it last, and no number of a
        // descriptor names another file under it.
        if !progress.contains(where: isGivenUp) { await copier.performAnyway(.settle) { prepared.letGo() } }
        return progress.map(result)
    }

    private func isGivenUp(_ progress: Progress) -> Bool {
        switch progress {
        case .failed(let error): error.code == .timeout
        case .placed, .staged, .verified, .copied: false
        }
    }

    private func start(_ prepared: PreparedGroup) -> [Progress] {
        prepared.places.map { place in
            switch place {
            case .success(let place): .placed(place)
            case .failure(let error): .failed(error)
            }
        }
    }

    private func result(_ progress: Progress) -> Result<Copied, CopyError> {
        switch progress {
        case .copied(let copied): .success(copied)
        case .failed(let error): .failure(error)
        case .placed, .staged, .verified: preconditionFailure("an order ends copied or failed")
        }
    }

    /// Takes each order that has not failed a step further, several at once.
    private func advance(
        _ progress: [Progress], _ step: CopyError.Step,
        _ body: @escaping @Sendable (Progress, Pulse) throws(CopyError) -> Progress
    ) async -> [Progress] {
        let going = progress.indices.filter { if case .failed = progress[$0] { false } else { true } }
        let reached = await copier.performEach(step, going.count) { place, pulse in
            try body(progress[going[place]], pulse)
        }
        var next = progress
        var dropped: [StagedFile] = []
        for (index, outcome) in zip(going, reached) {
            switch outcome {
            case .success(let further): next[index] = further
            case .failure(let error):
                // One that was cancelled in line put nothing away; one that hangs may still use what it holds.
                if error.code == .cancelled, let file = progress[index].staged { dropped.append(file) }
                next[index] = .failed(error)
            }
        }
        await discard(dropped)
        return next
    }

    /// One `syncfs` for all that are staged; an error of it tells nothing about any one of them, so all go.
    private func makeDurable(_ progress: [Progress], _ steps: CopySteps) async -> [Progress] {
        let staged = progress.compactMap { order in
            if case .staged(let file) = order { file } else { nil }
        }
        if staged.isEmpty || !steps.isGrouped { return progress }
        switch await copier.perform(.sync, onlyWaits: true, { _ in try steps.syncAll() }) {
        case .success: return progress
        case .failure(let error):
            await discard(staged)
            return progress.map { order in
                if case .staged = order { .failed(error) } else { order }
            }
        }
    }

    /// Which are still held; nil where the caller could not prove it.
    private func ask(
        _ ready: [ReadyCopy], _ beforePublish: @Sendable ([ReadyCopy]) async throws -> Set<FencingToken>
    ) async -> Set<FencingToken>? {
        ready.isEmpty ? [] : try? await beforePublish(ready)
    }

    private func withhold(_ progress: [Progress], _ held: Set<FencingToken>?) async -> [Progress] {
        let detail = held == nil ? "the caller could not prove that it holds it" : "the caller no longer holds it"
        var lost: [StagedFile] = []
        let next = progress.map { order in
            guard case .verified(let file, _) = order, held?.contains(file.order.token) != true else { return order }
            lost.append(file)
            return .failed(CopyError(.leaseLost, at: .lease, detail: detail))
        }
        await discard(lost)
        return next
    }

    private func discard(_ staged: [StagedFile]) async {
        if staged.isEmpty { return }
        let calls = copier.calls
        // What cannot be put away now is found by its token.
        await copier.performAnyway(.sync) {
            for file in staged { file.discard(with: calls) }
        }
    }

    /// Makes the names durable: only then is a copy one.
    private func settle(_ progress: [Progress], _ steps: CopySteps) async -> [Progress] {
        let paths = progress.compactMap { order in
            if case .copied(let copied) = order { copied.path } else { nil }
        }
        if paths.isEmpty { return progress }
        let settled = await copier.perform(.settle, onlyWaits: true) { pulse in try steps.settle(paths, pulse) }
        return progress.map { order in
            guard case .copied(let copied) = order else { return order }
            switch settled {
            case .success(let failures): return failures[copied.path].map(Progress.failed) ?? order
            case .failure(let error): return .failed(error)
            }
        }
    }
}
