import Testing
import Vocabulary

@testable import Planning

@Suite struct SearchWindowTests {
    private let now = Instant(microseconds: 1_790_000_000_000_000)

    private func minutes(_ count: Int) -> Duration { .seconds(count * 60) }

    @Test func `a window counts back from now, and is open where it reaches to now`() {
        let primary = SearchWindow(past: minutes(720), olderThan: .zero, now: now)
        #expect(now - primary.from == minutes(720))
        #expect(primary.to == nil)
        let backup = SearchWindow(past: minutes(1440), olderThan: minutes(720), now: now)
        #expect(backup.to == primary.from)
        #expect(now - backup.from == minutes(1440))
    }

    @Test(arguments: [
        (1440, 0, 720, 240), (2880, 720, 721, 720), (10_000, 0, 720, 1), (721, 0, 720, 240), (720, 0, 720, 240),
    ])
    func `every call that is no longer than the buffer lies in one part as a whole`(
        past: Int, olderThan: Int, longest: Int, buffer: Int
    ) throws {
        let window = SearchWindow(past: minutes(past), olderThan: minutes(olderThan), now: now)
        let parts = window.parts(longest: minutes(longest), buffer: minutes(buffer), now: now)
        let end = window.to ?? now
        for part in parts {
            #expect((part.to ?? end) - part.from <= minutes(longest))
            #expect(part.from >= window.from)
        }
        #expect(parts.first?.to == window.to)
        #expect(parts.last?.from == window.from)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let length = Duration.seconds(Int.random(in: 0...buffer * 60, using: &random))
            let latest = (end - window.from) - length
            guard latest >= .zero else { continue }
            let start = window.from + .seconds(Int64.random(in: 0...latest.components.seconds, using: &random))
            #expect(parts.contains { $0.from <= start && start + length <= ($0.to ?? end) })
        }
    }

    @Test func `parts come the newest first, and are as few as can be`() {
        let window = SearchWindow(past: minutes(1440), olderThan: .zero, now: now)
        let parts = window.parts(longest: minutes(720), buffer: minutes(240), now: now)
        #expect(parts.map { Int((now - $0.from).components.seconds / 60) } == [720, 1200, 1440])
        #expect(parts.map { $0.to.map { Int((now - $0).components.seconds / 60) } } == [nil, 480, 960])
    }

    @Test(arguments: [(720, 0), (720, 720), (720, 721), (0, -1)])
    func `a buffer that leaves no step gives the window as a whole`(longest: Int, buffer: Int) {
        let window = SearchWindow(past: minutes(1440), olderThan: .zero, now: now)
        #expect(window.parts(longest: minutes(longest), buffer: minutes(buffer), now: now) == [window])
    }
}
