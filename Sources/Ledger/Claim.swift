package import Vocabulary

/// The right to work on one row until its lease ends: who took it, and in which attempt.
///
/// The attempt belongs to it: a process that lost a row and took it again holds another claim than before, so that two
/// tasks of one process cannot act for each other.
package struct Claim<ID: RowNumber>: Hashable, Sendable {
    package let id: ID
    package let holder: Holder
    package let attempt: Int
    package init(id: ID, holder: Holder, attempt: Int) {
        self.id = id
        self.holder = holder
        self.attempt = attempt
    }
}
