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
        for (transfer, outcome) in outcomes {
            if case .committed = outcome { done.append(transfer.id) }
            if let release = await reports.report(outcome, of: transfer) { releases.append(release) }
        }
        if !done.isEmpty { committed.wake() }
        // What failed on a mount that is not there now is no fault of the recording.
        if releases.contains(where: \.isFault), await mount.prove() == nil {
            for place in releases.indices { releases[place].isFault = false }
        }
        let back = releases
        // Where the ledger is away, the leases run out by themselves.
        try? await replay.database.perform { session in try Transfers.release(back, in: session) }
        return done
    }
}
