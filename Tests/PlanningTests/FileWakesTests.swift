import Planning
import Testing
import Vocabulary

@Suite struct FileWakesTests {
    private func file(_ number: Int) -> FilePath { FilePath("day/\(number).mp3") }

    @Test func `few files are woken by name and at once`() {
        var wakes = FileWakes(namesAtOnce: 3)
        #expect(wakes.due == nil)
        wakes.note(file(1))
        wakes.note(1) { _ in file(2) }
        #expect(wakes.due == .zero)
        #expect(wakes.next(at: .seconds(5)) == .named([file(1), file(2)]))
        #expect(wakes.due == nil)
        #expect(wakes.next(at: .seconds(5)) == .nothing)
        wakes.note(file(3))
        #expect(wakes.next(at: .seconds(6)) == .named([file(3)]))
    }

    @Test func `a million files of a scan are a few statements`() {
        var wakes = FileWakes()
        var now = Duration.zero
        var named = 0
        var all = 0
        // 2,000 directories within 4 s.
        for _ in 0..<2000 {
            wakes.note(500, file)
            switch wakes.next(at: now) {
            case .named: named += 1
            case .all:
                all += 1
                wakes.wokeAll(10, at: now)
            case .nothing: break
            }
            now += .milliseconds(2)
        }
        wakes.noteAll()
        while let due = wakes.due {
            now = max(now, due)
            if case .all = wakes.next(at: now) { all += 1 }
        }
        #expect(named <= 100)
        #expect((2...4).contains(all))
    }

    @Test func `what is too much for names wakes everything, in any order of coming`() {
        var wakes = FileWakes(namesAtOnce: 3)
        for number in 0..<4 { wakes.note(file(number)) }
        #expect(wakes.next(at: .zero) == .all)
        #expect(wakes.next(at: .zero) == .named((0..<3).map(file)))
        #expect(wakes.next(at: .zero) == .nothing)
    }

    @Test func `a storm wakes everything ever more rarely, and who waits bounds it`() {
        var wakes = FileWakes(namesAtOnce: 1, spacing: .seconds(1))
        var times: [Int] = []
        for second in 0..<200 {
            wakes.noteAll()
            if wakes.next(at: .seconds(second)) == .all { times.append(second) }
        }
        #expect(times == [0, 2, 6, 14, 30, 62, 122, 182] || times == [0, 1, 3, 7, 15, 31, 63, 123, 183])
        wakes.noteAll()
        #expect(wakes.next(at: .seconds(1000)) == .all)
        wakes.wokeAll(10_000, at: .seconds(1000))
        wakes.noteAll()
        #expect(wakes.next(at: .seconds(1009)) == .nothing)
        #expect(wakes.next(at: .seconds(1010)) == .all)
    }
}
