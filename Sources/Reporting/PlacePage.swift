package import Delivery
internal import Planning
internal import Settings
internal import Vocabulary

/// Where a file would go, as a person reads it.
package struct PlacePage: Sendable {
    private let preview: PlacementPreview
    private let explains: Bool

    package init(_ preview: PlacementPreview, explains: Bool) {
        self.preview = preview
        self.explains = explains
    }

    package func lines(columns: Int) -> [ScreenLine] {
        var lines = wrapped(verdict, to: columns).map { ScreenLine($0, preview.chosen == nil ? .bad : .plain) }
        guard explains || preview.chosen == nil else { return lines }
        if explains { lines += [ScreenLine()] + table.lines(within: columns).map { $0.clipped(to: columns) } }
        lines.append(ScreenLine())
        for row in preview.rows {
            let label = "  \(row.settings.name)  "
            let text = wrapped(sentence(row), to: max(30, columns - label.count))
            for (place, line) in text.enumerated() {
                let begin = place == 0 ? label : String(repeating: " ", count: label.count)
                lines.append(ScreenLine(begin, .faint) + ScreenLine(line, row.refusal == nil ? .good : .plain))
            }
        }
        return lines
    }

    private var verdict: String {
        let file = "A file of \(HumanText.bytes(preview.size))"
        guard let chosen = preview.rows.first(where: { $0.settings.name == preview.chosen })?.settings else {
            return preview.isTooLarge
                ? "\(file) fits on no volume, however much is freed: add one that is large enough."
                : "\(file) would wait at its recorder: no volume can take it now."
        }
        let how = preview.isOverflow ? ", in overflow: every volume is past its watermark with it" : ""
        return "\(file) goes to volume \(chosen.name) at \(chosen.path.displayText)\(how)."
    }

    private var table: ScreenTable {
        ScreenTable(
            columns: [
                .word("VOLUME", yields: true), .number("PRIO"), .number("BALANCE", spare: 3), .word("STATE"),
                .number("FREE"), .number("PROMISED", spare: 1), .number("TRIGGER"), .number("FLOOR"),
                .number("CREDIT", spare: 4), .number("CLEAR", spare: 5), .number("INODES FREE", spare: 6),
            ],
            rows: preview.rows.map { row in
                let (view, levels) = (row.view, row.levels)
                func bytes(_ count: Int64?) -> ScreenTable.Cell { .init(count.map(HumanText.bytes) ?? "-") }
                return [
                    .init(row.settings.name.rawValue), .init(String(row.settings.priority)),
                    .init(String(row.settings.balance)), state(row), bytes(view?.available), bytes(view?.reserved),
                    bytes(levels?.trigger), bytes(levels?.floor), credit(view?.credit), bytes(levels?.clear),
                    .init(view.flatMap { $0.inodesTotal > 0 ? HumanText.count(Int($0.inodesAvailable)) : nil } ?? "-"),
                ]
            })
    }

    private func state(_ row: PlacementPreview.Row) -> ScreenTable.Cell {
        if row.settings.balance == 0 { return .init("drains", .faint) }
        guard let state = row.view?.state else {
            if case .state(let state)? = row.refusal { return .init(state.rawValue, .bad) }
            return .init("-", .faint)
        }
        return .init(state.rawValue, state == .ok ? .good : state == .above ? .doubtful : .bad)
    }

    /// What it is owed; less than nothing where it is ahead.
    private func credit(_ credit: Double?) -> ScreenTable.Cell {
        guard let credit else { return .init("-") }
        return .init((credit < 0 ? "-" : "") + HumanText.bytes(Int64(credit.magnitude)))
    }

    private func sentence(_ row: PlacementPreview.Row) -> String {
        guard let refusal = row.refusal else { return row.view == nil ? "is not known" : "takes it" }
        var text = String(describing: refusal)
        if let reason = row.reason { text += ": \(reason)" }
        guard let view = row.view, let levels = row.levels else { return text }
        let left = max(0, view.projected - VolumeLevels.footprint(of: preview.size))
        switch refusal {
        case .overWatermark:
            return text + ": \(HumanText.bytes(left)) would be left of the \(HumanText.bytes(levels.trigger)) that its"
                + " watermark, \(row.settings.watermark), keeps free"
        case .underFloor: return text + ": \(HumanText.bytes(levels.floor)) are never taken"
        case .outOfInodes: return text + ": \(HumanText.count(Int(levels.inodeFloor))) are never taken"
        case .state, .lowerTier, .othersTurn, .tooSmall, .unfit, .failed, .rests: return text
        }
    }
}

/// The same as programs read it: JSON. Keys are never renamed or left out within a version; new ones may come.
package struct PlaceDocument: Sendable {
    private let preview: PlacementPreview

    package init(_ preview: PlacementPreview) { self.preview = preview }

    package var text: String {
        JSONText.object([
            ("version", .integer(1)), ("size", .integer(preview.size)), ("volume", .optional(preview.chosen?.rawValue)),
            ("overflow", .boolean(preview.isOverflow)), ("too_large", .boolean(preview.isTooLarge)),
            ("volumes", .list(preview.rows.map(volume))),
        ]).text() + "\n"
    }

    private func volume(_ row: PlacementPreview.Row) -> JSONText {
        let (view, levels) = (row.view, row.levels)
        func bytes(_ count: Int64?) -> JSONText { count.map { .integer($0) } ?? .null }
        return .object([
            ("name", .string(row.settings.name.rawValue)), ("path", .string(row.settings.path.displayText)),
            ("id", .optional(view?.id.rawValue)), ("account", .optional(view?.account.rawValue)),
            ("priority", .integer(row.settings.priority)), ("balance", .integer(row.settings.balance)),
            ("state", .optional(view?.state.rawValue)), ("refusal", .optional(row.refusal?.word)),
            ("reason", .optional(row.reason)), ("used_bytes", bytes(view?.used)),
            ("available_bytes", bytes(view?.available)), ("reserved_bytes", bytes(view?.reserved)),
            ("trigger_bytes", bytes(levels?.trigger)), ("clear_bytes", bytes(levels?.clear)),
            ("floor_bytes", bytes(levels?.floor)), ("inodes", bytes(view?.inodesTotal)),
            ("available_inodes", bytes(view?.inodesAvailable)), ("trigger_inodes", bytes(levels?.inodeTrigger)),
            ("floor_inodes", bytes(levels?.inodeFloor)), ("credit", .optional(view?.credit)),
        ])
    }
}

extension Refusal {
    /// For programs.
    fileprivate var word: String {
        switch self {
        case .state(let state): state.rawValue
        case .overWatermark: "watermark"
        case .underFloor: "floor"
        case .outOfInodes: "inodes"
        case .tooSmall: "too-small"
        case .unfit: "unfit"
        case .failed: "failed"
        case .rests: "rests"
        case .lowerTier: "priority"
        case .othersTurn: "balance"
        }
    }
}
