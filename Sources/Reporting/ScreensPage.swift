internal import Ledger
internal import Planning
internal import Vocabulary

/// Recordings without a screen to mux as a person reads them.
package struct ScreensPage: Sendable {
    private let look: ScreensLook
    private static let indent = "  "

    package init(_ look: ScreensLook) { self.look = look }

    /// - Parameter columns: of the screen; nil where there is none, and lines may have any length.
    package func lines(columns: Int?) -> [ScreenLine] {
        var lines = wrapped(summary, to: columns ?? .max).map {
            ScreenLine($0, look.total > 0 ? .doubtful : .plain)
        }
        let others =
            notMuxable(columns) + noted(columns)
            + FailingCallLines(look: look).lines(columns: columns)
        if look.listed.isEmpty { return lines + others }
        let titles = ["RECORDING", "STATE", "SINCE", "LOOKS", "NEXT LOOK", "ANNOUNCED BY"]
        let rows = look.listed.map(cells)
        let widths = titles.indices.map { place in ([titles] + rows).map { $0[place].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            let text = ScreensPage.indent + padded.joined(separator: "  ")
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
        lines.append(ScreenLine(line(titles), .faint))
        lines += rows.map { ScreenLine(line($0)) }
        let rest = look.total - look.listed.count
        if rest > 0 {
            lines.append(
                ScreenLine(
                    "\(ScreensPage.indent)and \(HumanText.count(rest)) more: --limit \(look.total) lists all", .faint))
        }
        let shown = columns.map { columns in lines.map { $0.clipped(to: columns) } } ?? lines
        return shown + others
    }

    /// Whole: what is not shown is told nowhere else.
    private func noted(_ columns: Int?) -> [ScreenLine] {
        if look.noted == 0 { return [] }
        let text =
            "\(HumanText.count(look.noted, "muxed file")) \(look.noted == 1 ? "does" : "do") not show all that was recorded, or "
            + "not as its rows say:"
        var lines = wrapped(text, to: columns ?? .max).map { ScreenLine($0, .doubtful) }
        for noted in look.listedNoted {
            let parts = wrapped(
                "\(noted.recording)  \(noted.notes)",
                to: columns.map { max(20, $0 - 2 * ScreensPage.indent.count) } ?? .max)
            lines += parts.enumerated().map { place, part in
                ScreenLine(
                    String(repeating: ScreensPage.indent, count: place == 0 ? 1 : 2) + part,
                    noted.lacksScreens ? .doubtful : .plain)
            }
        }
        let rest = look.noted - look.listedNoted.count
        if rest > 0 {
            lines.append(
                ScreenLine(
                    "\(ScreensPage.indent)and \(HumanText.count(rest)) more: --limit \(look.noted) lists all", .faint))
        }
        return lines
    }

    /// No problem: told once, and recordings by their names.
    private func notMuxable(_ columns: Int?) -> [ScreenLine] {
        if look.notMuxable == 0 { return [] }
        let many = HumanText.count(look.notMuxable, "recording")
        let text =
            "\(many) \(look.notMuxable == 1 ? "is" : "are") not muxable: the screens are RECD, for which there is no "
            + "converter (`mux.recd_converter`):"
        var lines = wrapped(text, to: columns ?? .max).map { ScreenLine($0) }
        lines += look.listedNotMuxable.map {
            ScreenLine("\(ScreensPage.indent)\($0.recording)  \(HumanText.span($0.age))")
        }
        let rest = look.notMuxable - look.listedNotMuxable.count
        if rest > 0 {
            lines.append(
                ScreenLine(
                    "\(ScreensPage.indent)and \(HumanText.count(rest)) more: --limit \(look.notMuxable) lists all",
                    .faint))
        }
        return lines
    }

    private var summary: String {
        if look.total == 0 { return "No recording waits for a screen." }
        let waiting = look.counts[.waiting] ?? 0
        let givenUp = look.counts[.givenUp] ?? 0
        return
            "\(HumanText.count(waiting, "recording")) \(waiting == 1 ? "waits" : "wait") for a screen that was announced; "
            + "\(HumanText.count(givenUp)) \(givenUp == 1 ? "was" : "were") given up."
    }

    private func cells(_ wait: WaitingScreen) -> [String] {
        let announcement =
            switch wait.announcement {
            case .row: "a row whose file is missing"
            case .data: wait.key.site == .gir ? "the call's user data" : "external data"
            }
        let (state, next): (String, String) =
            switch wait.state {
            case .waiting:
                ("waiting", wait.notBefore <= look.at ? "now" : "in \(HumanText.span(wait.notBefore - look.at))")
            case .givenUp: ("given up", "-")
            }
        return [
            "\(wait.key.source)/\(wait.key.reference)", state, HumanText.span(wait.age), String(wait.looks), next,
            announcement,
        ]
    }
}
