internal import Interaction
internal import Ledger
internal import Planning
internal import Telemetry
internal import Vocabulary

extension SiteService {
    /// Takes down whether a call waits for a screen, and tells of one that is left without a result.
    func noteWait(_ outcome: SiteWork.Outcome, _ ending: SiteCalls.Ending, _ claim: SiteClaim) async throws {
        guard case .looked(let again) = ending else { return }
        let wait: ScreenWait? = outcome.isAwaited ? again.map { .look(after: $0) } ?? .giveUp : nil
        try await book.note(wait, of: claim)
        // A batch counts them.
        guard again == nil, !isLast else { return }
        let start = claim.record?.start ?? claim.start ?? Instant(microseconds: 0)
        let job = claim.lease.map { [Fact.job($0.id.rawValue)] } ?? []
        if outcome.isAwaited {
            narrator.tell(.callGivenUp, facts: job + [.since(start), .reason("no screen came")])
        } else if outcome.lonely > 0 {
            let many = outcome.lonely == 1 ? "a screen lies" : "\(outcome.lonely) screens lie"
            narrator.tell(.callGivenUp, facts: job + [.since(start), .reason("\(many) at no time of its sounds")])
        }
    }
}
