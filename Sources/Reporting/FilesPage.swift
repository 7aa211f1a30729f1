internal import Ledger
internal import Settings
internal import Vocabulary

/// Listed files as a person reads them. A path is never cut: where it has no room beside what is said of it, it stands in a
/// line of its own.
package struct FilesPage: Sendable {
    private let look: FilesLook
    private static let indent = "  "

    package init(_ look: FilesLook) { self.look = look }

    /// - Parameter columns: of the screen; nil where there is none, and lines may have any length.
    package func lines(columns: Int?) -> [ScreenLine] {
        var lines: [ScreenLine] = []
        for mount in look.mounts {
            if !lines.isEmpty { lines.append(ScreenLine()) }
            lines += wrapped("\(mount.path): \(count(mount)).", to: columns ?? .max).enumerated().map { place, text in
                ScreenLine((place == 0 ? "" : FilesPage.indent) + text, mount.total > 0 ? .doubtful : .plain)
            }
            if mount.total > 0 { lines += listed(mount, columns) }
        }
        return lines
    }

    private func count(_ mount: FilesLook.Mount) -> String {
        switch look.what {
        case .missing:
            if mount.total == 0 { return "no file is missing" }
            let many = mount.total == 1 ? "1 file is missing" : "\(HumanText.count(mount.total)) files are missing"
            let late = mount.late == mount.total ? "" : ", \(HumanText.count(mount.late)) of them"
            return mount.late == 0 ? many : "\(many)\(late) for longer than \(HumanText.span(look.grace))"
        case .orphans:
            if mount.total == 0 { return "no file without a row is known" }
            return "\(HumanText.count(mount.total, "file")) without a row in the recorder's database"
        }
    }

    private func listed(_ mount: FilesLook.Mount, _ columns: Int?) -> [ScreenLine] {
        let rows: [(cells: [String], path: FilePath)]
        let titles: [String]
        switch look.what {
        case .missing:
            titles = ["MISSING", "RECORDING", "MEDIA", "FILE"]
            rows = mount.missing.map {
                ([HumanText.span($0.age), $0.recording.description, String($0.media)], $0.path)
            }
        case .orphans:
            titles = ["KNOWN", "CHANGED (UTC)", "SIZE", "FILE"]
            rows = mount.orphans.map {
                ([HumanText.span($0.age), minutes($0.modified), HumanText.bytes($0.size)], $0.path)
            }
        }
        let widths = (0..<3).map { place in
            ([titles] + rows.map(\.cells)).map { $0[place].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            FilesPage.indent
                + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        var lines = [ScreenLine(line(Array(titles.prefix(3))) + "  " + titles[3], .faint)]
        for row in rows {
            let (front, path) = (line(row.cells), row.path.displayText)
            if let columns, front.count + 2 + path.count > columns {
                lines += [ScreenLine(front), ScreenLine(FilesPage.indent + FilesPage.indent + path)]
            } else {
                lines.append(ScreenLine("\(front)  \(path)"))
            }
        }
        if mount.rest > 0 {
            lines.append(
                ScreenLine(
                    "\(FilesPage.indent)and \(HumanText.count(mount.rest)) more: --limit \(mount.total) lists all",
                    .faint))
        }
        return lines
    }

    /// `2026-11-21 02:03`.
    private func minutes(_ instant: Instant) -> String {
        String(WallTime(microseconds: instant.microseconds).secondsText(separator: " ").prefix(16))
    }
}
