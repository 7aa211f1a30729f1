internal import Ledger
internal import Vocabulary

extension StatusReport.Source {
    /// That it is paused, since when, why, and what ends it; nothing where it is not.
    func pauseLines(at now: Instant, columns: Int) -> [ScreenLine] {
        guard let pause else { return [] }
        let why = pause.reason.map { ": \($0)" } ?? "."
        let sentence =
            "Source \(name) is paused since \(pause.since.text), \(HumanText.ago(now - pause.since))\(why)"
            + (why.hasSuffix(".") ? "" : ".") + " `takeup resume --source \(name)` lets it go on."
        return wrapped(sentence, to: columns).map { ScreenLine($0, .doubtful) }
    }
}
