import Planning
import Testing
import Vocabulary

@testable import Watching

@Suite struct BlindWatchTests {
    @Test func `a find counts as unannounced only when no event comes within the time`() {
        var blind = BlindWatch(patience: .seconds(1))
        blind.find(FilePath("late"), at: .zero)
        blind.find(FilePath("never"), at: .zero)
        blind.confirm(FilePath("late"))
        blind.settle(at: .milliseconds(999))
        #expect(blind.count.unannounced == 0)
        blind.settle(at: .seconds(1))
        #expect(blind.count.announced == 1)
        #expect(blind.count.unannounced == 1)
        blind.announce(FilePath("another"))
        #expect(blind.count.announced == 2)
    }
}
