import Testing
import Vocabulary

@testable import Planning

/// Calls of a GIR site that fail for a reason that does not pass by itself.
@Suite struct CallRestTests {
    private let patience = CallPatience(shortest: .seconds(60), follows: .seconds(86_400))
    private let now = Instant(microseconds: 4_000_000_000_000_000)

    private func ago(_ seconds: Int64) -> Instant { Instant(microseconds: now.microseconds - seconds * 1_000_000) }

    @Test func `what only a person can mend is tried after an hour, in the end once a day, and given up after a month`()
    {
        func rest(_ hours: Int64, _ failures: Int = 9) -> Duration? {
            patience.rest(at: now, stop: ago(hours * 3600), failures: failures)
        }
        #expect(rest(0) == .seconds(3600) && rest(8) == .seconds(3600))
        #expect(rest(80) == .seconds(10 * 3600) && rest(29 * 24) == .seconds(86_400))
        #expect(rest(30 * 24) == nil)
        // Found late, it is tried some times all the same.
        #expect(rest(30 * 24, 4) == .seconds(86_400) && rest(30 * 24, 5) == nil)
        let wide = CallPatience(shortest: .seconds(60), follows: .seconds(60 * 86_400))
        #expect(wide.rest(at: now, stop: ago(40 * 86_400), failures: 9) == .seconds(86_400))
        #expect(patience.rest(at: now, stop: nil, failures: 99) == .seconds(3600))
    }

    @Test func `a damaged call is tried some dozens of times in its month`() {
        var (age, tries) = (Int64(0), 0)
        while let wait = patience.rest(at: now, stop: ago(age), failures: tries + 1) {
            (age, tries) = (age + wait.components.seconds, tries + 1)
        }
        #expect((30...90).contains(tries), "\(tries)")
    }
}
