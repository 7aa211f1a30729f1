internal import Ledger
internal import Vocabulary

extension StatusReport.Source {
    /// How fast it may be read and is, and who says so; nothing where there is no limit.
    func readLimitLines(at now: Instant, columns: Int) -> [ScreenLine] {
        guard let readLimit else { return [] }
        let rate = "\(HumanText.bytes(readRate)) a second now"
        let who = limitWord.map { "; `takeup limit` said so \(HumanText.ago(now - $0.since))" } ?? ""
        return wrapped(
            "Source \(name) is read at no more than \(HumanText.bytes(readLimit)) a second: \(rate)\(who).", to: columns
        ).map { ScreenLine($0) }
    }
}
