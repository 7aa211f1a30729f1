internal import Vocabulary

/// A catalog that is not as Takeup knows catalogs, or a row that it cannot take.
package struct CatalogError: Retryable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A table or column that nothing works without is not there, or is of another type.
        case tables
        /// No default, function or sequence gives ids of a table.
        case identities
        /// The row that was to be changed is not there any more.
        case gone
        /// The replay's encoding has no form for the bytes of a path.
        case path
        /// Work that is only safe in a *read committed* transaction was begun outside of one.
        case transaction
        /// The server took a change and did not make it: a trigger or rule of others is in the way.
        case ignored
    }
    package let code: Code
    /// What is wrong, and where.
    package let sentence: String

    package init(code: Code, sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var isTransient: Bool { false }
    package var description: String { sentence }
}
