internal import Vocabulary

/// A failure that is the ledger's own; those of the database are `PostgresError`.
package struct LedgerError: Retryable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The schema was made by a later version of Takeup than this one.
        case newerSchema
        /// The schema is older than this version needs, and was not migrated.
        case olderSchema
        /// A column holds a word that this version does not know.
        case unknownWord
        /// A transaction of another isolation level than *read committed*: it would not see what it waited for.
        case wrongIsolation
    }
    package let code: Code
    /// A whole sentence, with what to do.
    package let sentence: String

    package init(code: Code, sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var isTransient: Bool { false }
    package var description: String { sentence }
}
