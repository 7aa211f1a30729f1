internal import Delivery
internal import Ledger
internal import Postgres
internal import Settings
internal import Vocabulary

/// Gives up, with `mark_erroneous`, what failed often by its own fault: it gets mark E by the way of every mark, and
/// rests until an operator has it tried again.
struct ErroneousService: Sendable {
    let source: SourceLink
    let replay: Replay
    let synchro: SynchroSettings

    /// For the keeper. One statement where there is nothing to give up.
    func turn(lease: KeeperLease) async throws {
        guard synchro.markErroneous else { return }
        let name = source.name
        let limit = synchro.erroneousAfter
        let faulty = try await replay.database.perform { session in
            try Faults.find(source: name, atLeast: limit, in: session)
        }
        for one in faulty {
            let isKeeper = try await replay.database.transaction { session in
                guard try Keepers.confirm(lease, in: session) else { return false }
                _ = try Faults.giveUp(one, atLeast: limit, why: ErroneousService.why(one), in: session)
                return true
            }
            guard isKeeper else { throw KeeperLost() }
        }
    }

    private static func why(_ faulty: FaultyRecording) -> String {
        "media \(faulty.mediaID) failed \(faulty.faults) times: \(faulty.lastError ?? "the reason is not known")"
    }
}
