/// Rows in columns that are as wide as what stands in them.
struct ScreenTable {
    struct Column {
        let title: String
        let isNumber: Bool
        /// Whether it gives way where the screen is too narrow: cut in front, since the ends of paths tell them apart.
        let yields: Bool

        static func word(_ title: String, yields: Bool = false) -> Column {
            Column(title: title, isNumber: false, yields: yields)
        }
        static func number(_ title: String) -> Column { Column(title: title, isNumber: true, yields: false) }
    }

    struct Cell {
        let text: String
        let ink: Ink
        init(_ text: String, _ ink: Ink = .plain) {
            self.text = text
            self.ink = ink
        }
    }

    let columns: [Column]
    /// A row has a cell for each column.
    let rows: [[Cell]]

    private static let gap = 2
    private static let fewest = 12

    func lines(within width: Int) -> [ScreenLine] {
        var widths = columns.indices.map { column in
            max(columns[column].title.count, rows.map { $0[column].text.count }.max() ?? 0)
        }
        let total = widths.reduce(0, +) + ScreenTable.gap * (columns.count - 1)
        if total > width, let place = columns.firstIndex(where: \.yields) {
            widths[place] = max(ScreenTable.fewest, widths[place] - (total - width))
        }
        let titles = columns.map { Cell($0.title, .faint) }
        return ([titles] + rows).map { line($0, widths) }
    }

    private func line(_ cells: [Cell], _ widths: [Int]) -> ScreenLine {
        var line = ScreenLine()
        for (place, cell) in cells.enumerated() {
            let text = shortened(cell.text, to: widths[place])
            let blanks = ScreenLine(String(repeating: " ", count: widths[place] - text.count))
            if place > 0 { line = line + ScreenLine(String(repeating: " ", count: ScreenTable.gap)) }
            let inked = ScreenLine(text, cell.ink)
            line = line + (columns[place].isNumber ? blanks + inked : inked + blanks)
        }
        return line
    }

    private func shortened(_ text: String, to width: Int) -> String {
        text.count <= width ? text : "…" + text.suffix(max(0, width - 1))
    }
}
