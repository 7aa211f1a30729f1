internal import Copying
internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Vocabulary

/// What follows a delivery, whoever made it: what it came to is told, what is not done goes back to waiting, and the
/// keeper hears of what is.
struct DeliveryClosing: Sendable {
    let reports: TransferReports
    let replay: Replay
    let committed: Wake
    let mount: MountGuard

    /// Gives those that are done.
    @discardableResult
    func close(_ outcomes: [(Transfer, Consignment, DeliveryOutcome)]) async -> [Transfer.ID] {
        var releases: [TransferRelease] = []
        var done: [Transfer.ID] = []
        // What failed on a mount that is not there now, or was not lately, is no fault of the recording.
        let mayBeMount = outcomes.contains { $0.2.mayBeMount }
        let isSteady = mayBeMount ? await mount.isSteady() : true
        for (transfer, _, outcome) in outcomes {
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
        let ids = Set(back.map(\.claim.id))
        // What was carried out at once was not written down for whoever takes it next.
        let left = outcomes.filter { ids.contains($0.0.id) }.compactMap(\.1.sourceRecording)
        let details = left.compactMap { recording in
            (try? Snapshot.encode(recording)).map { (recording.reference, $0) }
        }
        try? await replay.database.perform { session in
            try Sightings.keep(details, in: session)
            try Transfers.release(back, in: session)
        }
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
        case .volumeFull, .inodes, .quota, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale,
            .digestMismatch, .durability, .nameConflict, .unsupportedName, .notPermitted, .leaseLost, .cancelled:
            return false
        }
    }
}
