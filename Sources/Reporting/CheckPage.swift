/// Findings as a person reads them: a line each, hints under what they are about, and the sum at the end.
package struct CheckPage: Sendable {
    private let findings: [CheckFinding]

    package init(_ findings: [CheckFinding]) { self.findings = findings }

    package var hasFailure: Bool { findings.contains { $0.grade == .fail } }

    /// - Parameter columns: of the terminal; nil keeps every text in one line.
    package func lines(columns: Int?) -> [ScreenLine] {
        let subjectWidth = findings.map(\.subject.count).max() ?? 0
        let indent = 4 + 2 + subjectWidth + 2
        let textWidth = columns.map { max(30, $0 - indent) } ?? .max
        var lines: [ScreenLine] = []
        for finding in findings {
            let head =
                ScreenLine(padded(finding.grade.rawValue, 6), ink(of: finding.grade))
                + ScreenLine(padded(finding.subject, subjectWidth + 2))
            let texts = wrapped(finding.what, to: textWidth)
            for (place, text) in texts.enumerated() {
                lines.append((place == 0 ? head : blanks(indent)) + ScreenLine(text))
            }
            for text in wrapped(finding.hint ?? "", to: textWidth) {
                lines.append(blanks(indent) + ScreenLine(text, .faint))
            }
        }
        return lines + [ScreenLine(), sum]
    }

    private var sum: ScreenLine {
        let failures = findings.count { $0.grade == .fail }
        let warnings = findings.count { $0.grade == .warn }
        let warned = HumanText.count(warnings, "warning")
        if failures > 0 {
            return ScreenLine(
                HumanText.count(failures, "failure") + (warnings > 0 ? " and \(warned)." : "."), .bad)
        }
        return warnings > 0
            ? ScreenLine("No failure, \(warned).", .doubtful) : ScreenLine("Everything is as it should be.", .good)
    }

    private func ink(of grade: CheckFinding.Grade) -> Ink {
        switch grade {
        case .ok: .good
        case .warn: .doubtful
        case .fail: .bad
        }
    }

    private func blanks(_ count: Int) -> ScreenLine { ScreenLine(String(repeating: " ", count: count)) }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
