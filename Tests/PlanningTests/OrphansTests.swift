import Planning
import Testing
import Vocabulary

@Suite struct OrphansTests {
    private let grace = Duration.seconds(3600)
    private let day = HotDays(at: Instant(microseconds: 1_795_219_200_000_000)) { _ in 0 }
    private func path(_ text: String) -> FilePath { FilePath(text) }
    private func sight(isOld: Bool = false) -> OrphanBook.Sight {
        OrphanBook.Sight(size: 1, modified: Instant(microseconds: 7), isOld: isOld)
    }
    /// How many the book has, by directory.
    private func orphans(_ book: OrphanBook, at now: Duration) -> [FilePath: Int] {
        book.orphans(after: grace, at: now).keys.reduce(into: [:]) { $0[$1.parent, default: 0] += 1 }
    }

    @Test func `a file is an orphan when it was seen without a row for the grace time, whatever its own clock says`() {
        var book = OrphanBook()
        let one = path("20261121/a.mp3")
        book.note([one], unnamed: [one: sight()], grace: grace, at: .seconds(10))
        #expect(orphans(book, at: .seconds(3610)).isEmpty)
        book.note([one], unnamed: [one: sight()], grace: grace, at: .seconds(3000))
        #expect(orphans(book, at: .seconds(3611)) == [path("20261121"): 1])
    }

    @Test func `one that is older than any clock could be wrong is an orphan at once`() {
        var book = OrphanBook()
        let old = path("20250101/a.mp3")
        book.note([old], unnamed: [old: sight(isOld: true)], grace: grace, at: .zero)
        #expect(orphans(book, at: .zero) == [path("20250101"): 1])
    }

    @Test func `it is none any more when a row names it, and when it is gone`() {
        var book = OrphanBook()
        let (named, gone, kept) = (path("d/a"), path("d/b"), path("d/e/c"))
        let all = [named, gone, kept]
        book.note(
            all, unnamed: [named: sight(isOld: true), gone: sight(isOld: true), kept: sight(isOld: true)], grace: grace,
            at: .zero)
        book.note([named], unnamed: [:], grace: grace, at: .seconds(1))
        book.forget(in: path("d")) { $0 != gone }
        #expect(orphans(book, at: .seconds(2)) == [path("d/e"): 1])
        #expect(!book.isEmpty)
    }

    @Test func `all that are known are asked for again in turn`() {
        var book = OrphanBook()
        let files = (0..<25).map { path("d/\($0)") }
        book.note(
            files, unnamed: Dictionary(uniqueKeysWithValues: files.map { ($0, sight(isOld: true)) }), grace: grace,
            at: .zero)
        let asked = (0..<3).flatMap { _ in book.next(10) }
        #expect(Set(asked) == Set(files))
        #expect(asked.count == 25)
    }

    @Test func `what an earlier process knew is as old as it was, and what is seen of it is the newest look`() {
        var book = OrphanBook()
        let one = path("d/a")
        book.remember(one, sight(), since: .seconds(-4000))
        #expect(orphans(book, at: .zero) == [path("d"): 1])
        let grown = OrphanBook.Sight(size: 2, modified: Instant(microseconds: 8))
        book.note([one], unnamed: [one: grown], grace: grace, at: .seconds(5))
        #expect(book.orphans(after: grace, at: .seconds(5))[one]?.sight == grown)
        #expect(book.orphans(after: grace, at: .seconds(5))[one]?.age == .seconds(4005))
    }

    @Test(arguments: [
        (".nfs0000000a", true), (".hidden.mp3", true), ("a.mp3.part", true), ("a.TMP", true), ("a.mp3~", true),
        ("a.mp3", false), ("tmp", false), ("a.part.mp3", false),
    ])
    func `drafts and hidden files are no orphans`(name: String, isPassing: Bool) {
        #expect(isPassingName(Array(name.utf8)) == isPassing)
    }

    @Test func `rows of a day folder are looked for on its day and the ones beside it`() throws {
        let window = try #require(rowWindow(of: path("screens/20240301/deeper")))
        #expect(window.lowerBound.sqlText.hasPrefix("2024-02-29 00:00:00"))
        #expect(window.upperBound.sqlText.hasPrefix("2024-03-03 00:00:00"))
        #expect(rowWindow(of: path("screens/all")) == nil)
        #expect(rowWindow(of: path("19700101"))?.lowerBound.microseconds == -86_400_000_000)
    }

    @Test func `times near each other share a window`() {
        let hour: Int64 = 3_600_000_000
        let times = [100 * hour, 0, 50 * hour, 24 * 365 * hour].map { WallTime(microseconds: $0) }
        let windows = rowWindows(around: times)
        #expect(windows.map(\.places) == [[1, 2, 0], [3]])
        for (window, places) in windows { for place in places { #expect(window.contains(times[place])) } }
    }

    @Test func `the walk comes to every directory, the newest day first, and to today's again and again`() {
        var walk = OrphanWalk(hotPeriod: .seconds(60))
        let today = path(day.today)
        let tree: [FilePath: [FilePath]] = [
            path(""): [path("20200101"), today, path("other")], path("other"): [path("other/deep")],
        ]
        var order: [FilePath] = []
        while let stop = walk.next(at: .zero, days: day) {
            order.append(stop.directory)
            walk.visited(
                stop, subdirectories: tree[stop.directory] ?? [], names: 3, at: .zero, days: day)
        }
        #expect(order == [path(""), path("other"), path("other/deep"), today, path("20200101")])
        #expect(walk.rounds == 1)
        #expect(walk.next(at: .seconds(59), days: day) == nil)
        // The directory that tomorrow's will be in, too.
        let hot = [walk.next(at: .seconds(61), days: day), walk.next(at: .seconds(61), days: day)]
        #expect(Set(hot.map { $0?.directory }) == [today, path("")])
        #expect(walk.next(at: .seconds(62), days: day) == nil)
        // A visit out of turn begins no round.
        walk.visited(
            OrphanWalk.Stop(path(""), isHot: true), subdirectories: tree[path("")] ?? [], names: 0, at: .seconds(62),
            days: day)
        #expect(walk.next(at: .seconds(63), days: day) == nil)
        let later = (0..<3).map { _ in walk.next(at: .seconds(6 * 3600), days: day) }
        #expect(later.map { $0?.isHot } == [true, false, true])
    }

    @Test func `directories that are always due again keep no other from its turn`() {
        var walk = OrphanWalk(hotPeriod: .zero)
        let others = (0..<20).map { path("other-\($0)") }
        var seen: Set<FilePath> = []
        for _ in 0..<60 {
            guard let stop = walk.next(at: .zero, days: day) else { break }
            if !stop.isHot { seen.insert(stop.directory) }
            walk.visited(
                stop, subdirectories: stop.directory == path("") ? others + [path(day.today)] : [], names: 0,
                at: .zero, days: day)
        }
        #expect(seen.isSuperset(of: others))
        #expect(walk.rounds >= 1)
    }

    @Test func `the parts of a large directory wait once, however often it is visited out of turn`() {
        var walk = OrphanWalk(hotPeriod: .zero)
        let today = path(day.today)
        var parts = 0
        walk.visited(OrphanWalk.Stop(path("")), subdirectories: [today], names: 0, at: .zero, days: day)
        for _ in 0..<100 {
            walk.visited(
                OrphanWalk.Stop(today, isHot: true), subdirectories: [], names: 1_000_000, at: .zero, days: day)
        }
        // More than there could be if each visit had added its own.
        for _ in 0..<1000 where (walk.next(at: .zero, days: day)?.part ?? 0) > 0 { parts += 1 }
        #expect(parts == 20)
    }

    @Test func `a directory of a million files is looked at in parts`() {
        var walk = OrphanWalk(hotPeriod: .seconds(60))
        var parts: Set<Int> = []
        while let stop = walk.next(at: .zero, days: day) {
            parts.insert(stop.part)
            walk.visited(stop, subdirectories: [], names: 1_000_000, at: .zero, days: day)
        }
        #expect(parts == Set(0...20))
    }

    /// Goes on to the end of the round, with what cannot be looked at so often.
    private func walk(
        _ walk: inout OrphanWalk, _ tree: [FilePath: [FilePath]], at now: Duration = .zero,
        failing: inout [FilePath: Int]
    ) -> [FilePath] {
        var order: [FilePath] = []
        while let stop = walk.next(at: now, days: day) {
            order.append(stop.directory)
            if let left = failing[stop.directory], left > 0 {
                failing[stop.directory] = left - 1
                walk.failed(stop)
            } else {
                walk.visited(stop, subdirectories: tree[stop.directory] ?? [], names: 1, at: now, days: day)
            }
        }
        return order
    }

    @Test func `a directory that can't be looked at comes once more behind the others, and then in the next round`() {
        let tree: [FilePath: [FilePath]] = [
            path(""): [path("20200101"), path("other")], path("other"): [path("other/deep")],
        ]
        var once = [path("other"): 1]
        var first = OrphanWalk(hotPeriod: .seconds(1_000_000))
        #expect(
            walk(&first, tree, failing: &once)
                == [path(""), path("other"), path("20200101"), path("other"), path("other/deep")])
        #expect(first.rounds == 1)
        var always = [path("other"): 2]
        var second = OrphanWalk(hotPeriod: .seconds(1_000_000))
        #expect(
            walk(&second, tree, failing: &always) == [path(""), path("other"), path("20200101"), path("other")])
        // Nobody can say that there was nothing below it.
        #expect(second.rounds == 0)
        #expect(walk(&second, tree, at: .seconds(6 * 3600), failing: &always).count == 4)
        #expect(second.rounds == 1)
    }

    @Test func `what was not looked at for no fault of its own is the next, however often`() {
        var walk = OrphanWalk(hotPeriod: .seconds(60))
        let root = walk.next(at: .zero, days: day)
        for _ in 0..<5 {
            if let root { walk.putBack(root, at: .zero) }
            #expect(walk.next(at: .zero, days: day) == root)
        }
        let today = path(day.today)
        walk.visited(OrphanWalk.Stop(path("")), subdirectories: [today], names: 0, at: .zero, days: day)
        walk.visited(OrphanWalk.Stop(today), subdirectories: [], names: 0, at: .zero, days: day)
        while let stop = walk.next(at: .zero, days: day) {
            walk.visited(stop, subdirectories: [], names: 0, at: .zero, days: day)
        }
        let hot = walk.next(at: .seconds(61), days: day)
        #expect(hot?.isHot == true)
        if let hot { walk.putBack(hot, at: .seconds(61)) }
        #expect(
            Set([walk.next(at: .seconds(61), days: day), walk.next(at: .seconds(61), days: day)].map { $0?.directory })
                == [today, path("")])
    }
}
