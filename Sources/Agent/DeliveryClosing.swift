internal import Copying
internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres

/// What follows a delivery, whoever made it: what it came to is told, what is not done goes back to waiting, and the
/// keeper hears of what is.
struct DeliveryClosing: Sendable {
    let reports: TransferReports
    let replay: Replay
    let committed: Wake
    let mount: MountGuard

    /// Gives those that are done.
    @discardableResult
    func close(_ outcomes: [(Transfer, DeliveryOutcome)]) async -> [Transfer.ID] {
        var releases: [TransferRelease] = []
        var done: [Transfer.ID] = []
        // What failed on a mount that is not there now, or was not lately, is no fault of the recording.
        let mayBeMount = outcomes.contains { $0.1.mayBeMount }
        let isSteady = mayBeMount ? await mount.isSteady() : true
        for (transfer, outcome) in outcomes {
            if case .committed = outcome { done.append(transfer.id) }
            if !isSteady, outcome.mayBeMount {
                releases += transfer.claim.map { [TransferRelease(unlooked: $0, delay: .seconds(2))] } ?? []
                continue
            }
            if let release = await reports.report(outcome, of: transfer) { releases.append(release) }
        }
        if !done.isEmpty { committed.wake() }
        let back = releases
        if back.isEmpty { return done }
        // Where the ledger is away, the leases run out by themselves.
        try? await replay.database.perform { session in try Transfers.release(back, in: session) }
        return done
    }
}

extension DeliveryOutcome {
    /// Whether the mount that is copied from may be to blame.
    fileprivate var mayBeMount: Bool {
        guard case .failed(let error) = self else { return false }
        switch error.code {
        case .sourceMissing, .sourceChanged, .sourceEscapes, .sourceUnreadable, .crcMismatch, .inputOutput, .timeout,
            .exhausted:
            return true
        case .volumeFull, .inodes, .quota, .volumeReadOnly, .volumeAbsent, .digestMismatch, .durability, .nameConflict,
            .unsupportedName, .notPermitted, .leaseLost, .cancelled:
            return false
        }
    }
}
