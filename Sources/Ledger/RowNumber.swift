/// The number of a row in a ledger table, with a type for each table, so that none is taken for another.
package protocol RowNumber: RawRepresentable<Int64>, Hashable, Comparable, Sendable, CustomStringConvertible {
    init(rawValue: Int64)
}

extension RowNumber {
    package var description: String { String(rawValue) }
    package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}
