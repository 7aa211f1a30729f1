/// Rows in columns that are as wide as what stands in them.
struct ScreenTable {
    struct Column {
        let title: String
        let isNumber: Bool
        /// Whether it gives way where the screen is too narrow: cut in front, since the ends of paths tell them apart.
        let yields: Bool
        /// Where even that does not help, those with the highest go first; nil never goes.
        let spare: Int?

        static func word(_ title: String, yields: Bool = false, spare: Int? = nil) -> Column {
            Column(title: title, isNumber: false, yields: yields, spare: spare)
        }
        static func number(_ title: String, spare: Int? = nil) -> Column {
            Column(title: title, isNumber: true, yields: false, spare: spare)
        }
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

    /// Where columns had to go, a last line says which, and how wide a screen they take.
    func lines(within width: Int) -> [ScreenLine] {
        let whole = columns.indices.map { column in
            max(columns[column].title.count, rows.map { $0[column].text.count }.max() ?? 0)
        }
        let spare = columns.indices.filter { columns[$0].spare != nil }.sorted {
            (columns[$0].spare ?? 0) > (columns[$1].spare ?? 0)
        }
        var dropped: Set<Int> = []
        for column in spare where least(whole, without: dropped) > width { dropped.insert(column) }
        let shown = columns.indices.filter { !dropped.contains($0) }
        var widths = whole
        let total = shown.reduce(ScreenTable.gap * (shown.count - 1)) { $0 + whole[$1] }
        if total > width, let place = shown.first(where: { columns[$0].yields }) {
            widths[place] = max(ScreenTable.fewest, widths[place] - (total - width))
        }
        let titles = columns.map { Cell($0.title, .faint) }
        let lines = ([titles] + rows).map { line($0, widths, shown) }
        if dropped.isEmpty { return lines }
        let names = dropped.sorted().map { columns[$0].title }.joined(separator: ", ")
        return lines + [ScreenLine("\(names): from \(least(whole, without: [])) columns on", .faint)]
    }

    /// How wide it is at least.
    private func least(_ widths: [Int], without dropped: Set<Int>) -> Int {
        let shown = columns.indices.filter { !dropped.contains($0) }
        return shown.reduce(ScreenTable.gap * (shown.count - 1)) { sum, column in
            sum + (columns[column].yields ? min(widths[column], ScreenTable.fewest) : widths[column])
        }
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ shown: [Int]) -> ScreenLine {
        var line = ScreenLine()
        for place in shown {
            let cell = cells[place]
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
