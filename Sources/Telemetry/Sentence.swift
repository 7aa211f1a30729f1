/// Constant text with places for facts: `Volume {volume} is {used} full`.
package struct Sentence: Hashable, Sendable, ExpressibleByStringLiteral {
    package enum Part: Hashable, Sendable {
        case text(String)
        case fact(Fact.Name)
    }

    package let parts: [Part]

    /// Invariant: every name between braces is a fact's.
    package init(stringLiteral text: String) {
        var parts: [Part] = []
        for (index, piece) in text.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            var rest = piece
            if index > 0 {
                guard let end = piece.firstIndex(of: "}"), let name = Fact.Name(rawValue: String(piece[..<end])) else {
                    preconditionFailure("the sentence \"\(text)\" names a fact that does not exist")
                }
                parts.append(.fact(name))
                rest = piece[piece.index(after: end)...]
            }
            if !rest.isEmpty { parts.append(.text(String(rest))) }
        }
        self.parts = parts
    }

    /// The facts that the sentence mentions.
    package var names: Set<Fact.Name> {
        Set(parts.compactMap { if case .fact(let name) = $0 { name } else { nil } })
    }

    /// The sentence with `replace` in the places of facts.
    package func text(replace: (Fact.Name) -> String) -> String {
        parts.map { part in
            switch part {
            case .text(let constant): constant
            case .fact(let name): replace(name)
            }
        }.joined()
    }
}
