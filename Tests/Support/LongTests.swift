internal import Glibc

/// What is looked at more closely where there is time for it: `TAKEUP_LONG_TESTS=1`.
package enum LongTests {
    package static let areWanted = getenv("TAKEUP_LONG_TESTS") != nil

    /// Cases of a test that mostly waits, and whose cases differ in what is shown elsewhere, too: the first of them, or
    /// all of them where there is time.
    package static func all<Case>(orFirst count: Int, of cases: [Case]) -> [Case] {
        areWanted ? cases : Array(cases.prefix(count))
    }

    package static func all<Case>(orFirstOf cases: [Case]) -> [Case] { all(orFirst: 1, of: cases) }
}
