/// A version of a service as Genesys counts them: `8.5.201.14`.
package struct ServiceVersion: Hashable, Comparable, Sendable {
    /// Without zeros at the end, so that 8.5 and 8.5.0 are one version.
    private let numbers: [Int]

    /// Nil where the text does not begin with a number. What follows the numbers (`-rc1`) does not count.
    package init?(_ text: String) {
        var numbers: [Int] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            let digits = part.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(digits) else { break }
            numbers.append(number)
            if digits.count < part.count { break }
        }
        guard !numbers.isEmpty else { return nil }
        while numbers.last == 0 { numbers.removeLast() }
        self.numbers = numbers
    }

    package static func < (one: ServiceVersion, other: ServiceVersion) -> Bool {
        one.numbers.lexicographicallyPrecedes(other.numbers)
    }

    /// The first one whose searches know the mark that a call with a screen carries in its user data.
    package static let knowsScreenMark = ServiceVersion("8.5.201.14")!
}
