internal import Ledger
internal import Planning
internal import Vocabulary

/// Calls of GIR sites whose result could not be made, as a person reads them.
struct FailingCallLines: Sendable {
    let look: ScreensLook

    func lines(columns: Int?) -> [ScreenLine] {
        if look.failing == 0 { return [] }
        let many = HumanText.count(look.failing, "call")
        let text =
            "\(many) of GIR sites \(look.failing == 1 ? "has" : "have") no result, because it could not be made "
            + "(RESULT_FAILED):"
        var lines = wrapped(text, to: columns ?? .max).map { ScreenLine($0, .doubtful) }
        for call in look.listedFailing {
            let began = call.start.map { "began \(HumanText.span(look.at - $0)) ago" } ?? "began nobody knows when"
            let next = call.notBefore.map { $0 <= look.at ? "again now" : "again in \(HumanText.span($0 - look.at))" }
            let facts = "\(began), \(HumanText.count(call.failures, "attempt")), \(next ?? "not tried again")"
            lines.append(ScreenLine("  \(call.site)/\(call.call.rawValue)  \(facts)"))
            lines += wrapped(call.error, to: (columns ?? .max) - 4).map { ScreenLine("    \($0)", .faint) }
        }
        let rest = look.failing - look.listedFailing.count
        if rest > 0 {
            lines.append(ScreenLine("  and \(HumanText.count(rest)) more: --limit \(look.failing) lists all", .faint))
        }
        return lines
    }
}
