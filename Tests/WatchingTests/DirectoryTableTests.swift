import Testing
import Vocabulary

@testable import Watching

@Suite struct DirectoryTableTests {
    private func filled() -> DirectoryTable {
        var table = DirectoryTable()
        for (number, path) in ["", "a", "a/b", "a/b/c", "d"].enumerated() {
            table.insert(FilePath(path))
            _ = table.bind(WatchNumber(number), to: FilePath(path))
        }
        return table
    }

    @Test func `a directory goes with all below it`() {
        var table = filled()
        #expect(Set(table.remove(FilePath("a"))) == [1, 2, 3])
        #expect(Set(table.allPaths) == [FilePath(""), FilePath("d")])
        #expect(table.path(of: 3) == nil)
        #expect(table.watchCount == 2)
        #expect(table[FilePath("")]?.children == [Array("d".utf8)])
        #expect(table.remove(FilePath("a")) == [])
    }

    @Test func `a directory that moved brings its watch along`() {
        var table = filled()
        table.insert(FilePath("e"))
        #expect(table.bind(1, to: FilePath("e")) == nil)
        #expect(table.path(of: 1) == FilePath("e"))
        #expect(table[FilePath("a")]?.watch == nil)
        #expect(table.remove(FilePath("a")).sorted() == [2, 3])
        #expect(table.path(of: 1) == FilePath("e"))
    }

    @Test func `another directory in the old one's place leaves a watch without a directory`() {
        var table = filled()
        #expect(table.bind(9, to: FilePath("d")) == 4)
        #expect(table.path(of: 4) == nil)
        #expect(table.path(of: 9) == FilePath("d"))
    }

    @Test func `directories without a watch and without a right are counted`() {
        var table = filled()
        #expect(table.unbind(4) == FilePath("d"))
        table.noteUnwatched(FilePath("d"))
        table.set(.unreadable, of: FilePath("a/b"))
        table.set(.unreadable, of: FilePath("a/b"))
        #expect(table.unwatched == [FilePath("d")])
        #expect(table.unreadableCount == 1)
        _ = table.bind(5, to: FilePath("d"))
        #expect(table.unwatched == [])
        _ = table.remove(FilePath("a"))
        #expect(table.unreadableCount == 0)
    }

    @Test func `names are counted over all directories until they go`() {
        var table = filled()
        var names = SeenNames()
        names.insert([1])
        names.insert([2])
        table.remember(names, of: FilePath("a/b"))
        table.remember(names, of: FilePath("d"))
        table.remember(names, of: FilePath("nowhere"))
        #expect(table.nameCount == 4)
        let answers = [
            table.remember(name: [3], in: FilePath("d"), isReady: true),
            table.remember(name: [3], in: FilePath("d"), isReady: true),
            table.remember(name: [3], in: FilePath("a"), isReady: true),
        ]
        #expect(answers == [true, false, nil])
        #expect(table.nameCount == 5)
        _ = table.remove(FilePath("a"))
        #expect(table.nameCount == 3)
        table.remember(nil, of: FilePath("d"))
        #expect(table.nameCount == 0)
    }

    @Test func `names that were announced and not told are forgotten by themselves`() {
        var table = filled()
        table.remember(SeenNames(), of: FilePath("d"))
        for (name, isReady) in [(UInt8(1), false), (2, false), (2, true), (3, true)] {
            _ = table.remember(name: [name], in: FilePath("d"), isReady: isReady)
        }
        #expect(table.nameCount == 3)
        table.forgetUnready(in: FilePath("d"))
        #expect(table.nameCount == 2)
        #expect(table[FilePath("d")]?.names?.contains([1]) == false)
        #expect(table[FilePath("d")]?.names?.contains([2]) == true)
        table.forgetUnready(in: FilePath("d"))
        #expect(table.nameCount == 2)
    }
}
