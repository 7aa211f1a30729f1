/// A share of a whole, from 0 to 100 percent, in hundredths of a percent.
package struct Percent: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0 to 10 000.
    package let basisPoints: Int

    package init?(basisPoints: Int) {
        guard (0...10_000).contains(basisPoints) else { return nil }
        self.basisPoints = basisPoints
    }

    /// Whole percent; what lies outside 0 to 100 is brought to the nearer end.
    package init(_ percent: Int) { basisPoints = min(max(percent, 0), 100) * 100 }

    /// 0 to 1.
    package var fraction: Double { Double(basisPoints) / 10_000 }

    package static func < (one: Percent, other: Percent) -> Bool { one.basisPoints < other.basisPoints }

    /// `85%`, `99.5%`.
    package var description: String {
        let hundredths = basisPoints % 100
        guard hundredths != 0 else { return "\(basisPoints / 100)%" }
        let digits = hundredths % 10 == 0 ? "\(hundredths / 10)" : (hundredths < 10 ? "0" : "") + "\(hundredths)"
        return "\(basisPoints / 100).\(digits)%"
    }
}
