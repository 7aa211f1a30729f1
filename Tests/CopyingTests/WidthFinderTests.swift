import Files
import Planning
import Synchronization
import Testing
import Vocabulary

@testable import Copying

@Suite struct WidthFinderTests {
    /// Each look at it is half a second later: each group is a measure.
    private final class StepClock: Sendable {
        private let now = Mutex(Duration.zero)

        func look() -> Duration {
            now.withLock {
                $0 += .milliseconds(500)
                return $0
            }
        }
    }

    @Test func `groups are measured, and more threads are tried; small ones and those at a limit are not`() async throws
    {
        try await CopyFixture.with { fixture in
            let threads = FileThreads(name: "width", count: 1)
            let pace = SourcePace()
            let finder = WidthFinder(threads: threads, pace: pace, clock: { [clock = StepClock()] in clock.look() })
            #expect(threads.count == CopyWidth.first)
            let copier = Copier(volume: fixture.volume, threads: threads, pace: pace, finder: finder)
            func group(_ number: Int, files: Int = WidthFinder.least) throws -> [CopyOrder] {
                try (0..<files).map { try fixture.order(Int64(number * 100 + $0 + 1), content(1000)) }
            }
            for number in 0..<5 { _ = await copier.run(try group(number, files: 31)) }
            #expect(threads.count == CopyWidth.first)
            for number in 5..<10 {
                let results = await copier.run(try group(number))
                #expect(results.allSatisfy { $0.code == nil })
            }
            let more = try #require(CopyWidth.steps.first { $0 > CopyWidth.first })
            #expect(threads.count == more && finder.found.width == more && !finder.found.isFound)
            // At a limit: granted as it is asked for, a moment later.
            pace.bytesPerSecond = 1 << 30
            let granting = Task {
                while !Task.isCancelled {
                    pace.grant(pace.wanted)
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            for number in 10..<16 { _ = await copier.run(try group(number)) }
            #expect(threads.count == more)
            granting.cancel()
            pace.bytesPerSecond = nil
            for number in 16..<34 { _ = await copier.run(try group(number)) }
            #expect(finder.found.width != more || finder.found.isFound)
        }
    }

    @Test func `long copies that begin and end at once leave as many threads as there were`() async throws {
        let threads = FileThreads(name: "width", count: 1)
        let finder = WidthFinder(threads: threads, pace: SourcePace())
        for _ in 0..<200 {
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        finder.beginLong(2)
                        finder.endLong(2)
                    }
                }
            }
            try #require(threads.count == CopyWidth.first)
        }
    }
}
