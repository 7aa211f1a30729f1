/// What a piece of text says by its colour. It never says anything by colour alone.
package enum Ink: Sendable {
    case plain, good, doubtful, bad, faint, strong

    /// The parameters of SGR (ECMA-48, 8.3.117).
    fileprivate var code: String {
        switch self {
        case .plain: ""
        case .good: "32"
        case .doubtful: "33"
        case .bad: "1;31"
        case .faint: "2"
        case .strong: "1"
        }
    }
}

/// One line of a screen, in pieces of one colour each.
package struct ScreenLine: Hashable, Sendable {
    package struct Piece: Hashable, Sendable {
        package var text: String
        package var ink: Ink
    }
    package private(set) var pieces: [Piece]

    package init(_ text: String = "", _ ink: Ink = .plain) {
        pieces = text.isEmpty ? [] : [Piece(text: text, ink: ink)]
    }

    private init(pieces: [Piece]) { self.pieces = pieces }

    package static func + (one: ScreenLine, other: ScreenLine) -> ScreenLine {
        ScreenLine(pieces: one.pieces + other.pieces)
    }

    /// Columns, with one for each character.
    package var width: Int { pieces.reduce(0) { $0 + $1.text.count } }

    /// At most so many columns; what is cut shows as an ellipsis.
    package func clipped(to columns: Int) -> ScreenLine {
        guard width > columns else { return self }
        var left = max(0, columns - 1)
        var kept: [Piece] = []
        for piece in pieces where left > 0 {
            kept.append(Piece(text: String(piece.text.prefix(left)), ink: piece.ink))
            left -= piece.text.count
        }
        return ScreenLine(pieces: kept) + ScreenLine(columns > 0 ? "…" : "")
    }

    /// Without blanks at its end.
    package func text(isColoured: Bool) -> String {
        let plain = pieces.map(\.text).joined()
        var excess = plain.reversed().prefix { $0 == " " }.count
        var texts: [String] = []
        for piece in pieces.reversed() {
            let cut = min(excess, piece.text.count)
            excess -= cut
            let text = String(piece.text.dropLast(cut))
            if text.isEmpty { continue }
            texts.append(isColoured && piece.ink != .plain ? "\u{1B}[\(piece.ink.code)m\(text)\u{1B}[0m" : text)
        }
        return texts.reversed().joined()
    }
}

/// A text in lines of at most `columns`, cut between words; longer words stand alone.
func wrapped(_ text: String, to columns: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ", omittingEmptySubsequences: true) {
        if let last = lines.last, last.count + word.count < columns {
            lines[lines.count - 1] = last + " " + word
        } else {
            lines.append(String(word))
        }
    }
    return lines
}
