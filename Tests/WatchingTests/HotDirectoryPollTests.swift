import Files
import Planning
import Testing
import Vocabulary

@testable import Watching

@Suite struct HotDirectoryPollTests {
    private let days = HotDays(at: Instant(microseconds: 1_768_474_800_000_000)) { _ in 3600 }

    private func table(_ paths: [String]) -> DirectoryTable {
        var table = DirectoryTable()
        table.insert(FilePath(""))
        for path in paths { table.insert(FilePath(path)) }
        return table
    }

    @Test func `hot directories are picked each turn, cold ones in rounds of a few`() {
        let old = (10..<30).map { "202501\($0)" }
        let table = table(old + ["20260115", "20260114"])
        var poll = HotDirectoryPoll(settings: PollSettings(coldPerTurn: 8))
        _ = poll.refresh(table, at: .zero, days: days)
        let hot: Set<FilePath> = [FilePath(""), FilePath("20260115"), FilePath("20260114")]
        #expect(poll.hot == hot)
        var cold: [FilePath] = []
        for second in 0..<5 {
            let picked = poll.pick(from: table, at: .seconds(second))
            #expect(hot.isSubset(of: picked))
            #expect(picked.count <= 11)
            cold += picked.filter { !hot.contains($0) }
        }
        #expect(cold.count == 20)
        #expect(Set(cold) == Set(old.map { FilePath($0) }))
        #expect(cold.first == FilePath("20250129"))
        // The next round has its time.
        #expect(Set(poll.pick(from: table, at: .seconds(59))) == hot)
        #expect(poll.pick(from: table, at: .seconds(60)).count == 11)
    }

    @Test func `at the change of day the newest folder becomes hot and the oldest cools`() {
        let table = table(["20260114", "20260115", "20260116"])
        var poll = HotDirectoryPoll(settings: PollSettings())
        _ = poll.refresh(table, at: .zero, days: days)
        let tomorrow = HotDays(at: Instant(microseconds: 1_768_561_200_000_000)) { _ in 3600 }
        let cooled = poll.refresh(table, at: .seconds(1), days: tomorrow)
        #expect(cooled == [FilePath("20260114")])
        #expect(poll.hot == [FilePath(""), FilePath("20260115"), FilePath("20260116")])
    }

    @Test func `a directory that rests is left alone`() {
        var table = table(["20260115"])
        table.update(FilePath("20260115")) { $0.restsUntil = .seconds(10) }
        var poll = HotDirectoryPoll(settings: PollSettings(coldPerTurn: 0))
        _ = poll.refresh(table, at: .zero, days: days)
        #expect(poll.pick(from: table, at: .seconds(9)) == [FilePath("")])
        #expect(poll.pick(from: table, at: .seconds(10)).contains(FilePath("20260115")))
    }

    @Test func `a change makes a directory hot for a while`() {
        var table = table(["old"])
        var poll = HotDirectoryPoll(settings: PollSettings(recently: .seconds(600)))
        _ = poll.refresh(table, at: .zero, days: days)
        table.update(FilePath("old")) { $0.changed = .seconds(5) }
        poll.consider(FilePath("old"), in: table, at: .seconds(5))
        #expect(poll.hot.contains(FilePath("old")))
        #expect(poll.refresh(table, at: .seconds(604), days: days) == [])
        #expect(poll.refresh(table, at: .seconds(664), days: days) == [FilePath("old")])
    }

    @Test func `the cost of a look is followed by a rest that is bounded`() {
        let settings = PollSettings(restFactor: 4, longestRest: .seconds(30))
        #expect(settings.rest(after: .milliseconds(10)) == .milliseconds(40))
        #expect(settings.rest(after: .seconds(60)) == .seconds(30))
    }

    @Test func `a hot directory is looked at every period while files come, a little later at rest`() {
        let settings = PollSettings()
        var busy = KnownDirectory()
        busy.changed = .seconds(100)
        func pause(_ directory: KnownDirectory, _ mode: WatchMode, unwatched: Bool = false, at now: Int) -> Duration {
            settings.pause(of: directory, isUnwatched: unwatched, in: mode, at: .seconds(now))
        }
        #expect(pause(busy, .polling, at: 159) == .seconds(1))
        #expect(pause(busy, .mixed, at: 160) == .seconds(2))
        #expect(pause(KnownDirectory(), .polling, at: 0) == .seconds(2))
        #expect(pause(busy, .event, at: 159) == .seconds(30))
        // What should have a watch and could get none is polled, whatever the others are.
        #expect(pause(busy, .event, unwatched: true, at: 159) == .seconds(1))
        #expect(PollSettings(period: .seconds(60)).restingPeriod == .milliseconds(90_500))
    }
}
