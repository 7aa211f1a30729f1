package import Vocabulary

/// What was remembered outside of the ledger of the marks that it gave to a source.
package struct MarkWitness: Hashable, Sendable {
    /// The ledger's own name.
    package var ledger: String
    /// Marks given to the source, ever; grows with every batch, before it is given.
    package var marks: Int64
    /// By the ledger's clock.
    package var at: Instant
    package init(ledger: String, marks: Int64, at: Instant) {
        self.ledger = ledger
        self.marks = marks
        self.at = at
    }

    /// Why no more marks may be given; nil where this ledger knows of all that were.
    ///
    /// - Parameters:
    ///   - ledger: what the ledger itself says now.
    ///   - audited: when an audit passed on it last: what was remembered before that is settled.
    package func objection(to ledger: MarkWitness, audited: Instant?, source: SourceName) -> String? {
        if let audited, audited >= at { return nil }
        if ledger.ledger != self.ledger {
            return "The ledger in the replay database is not the one that gave \(source) its marks."
        }
        guard ledger.marks < marks else { return nil }
        return
            "The replay database went back in time: its ledger knows of \(ledger.marks) marks given to \(source), and "
            + "\(marks) were given."
    }
}
