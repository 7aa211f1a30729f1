import Testing

@testable import Watching

@Suite struct PackedNamesTests {
    @Test func `names come back as they went in`() {
        var names = PackedNames()
        let all: [[UInt8]] = [[1], [255, 10], Array(repeating: 7, count: 255)]
        for name in all { names.append(name) }
        #expect(names.count == 3)
        #expect((0..<3).map { names[$0] } == all)
    }

    @Test func `a name is new once`() {
        var seen = SeenNames()
        #expect(!seen.contains([1, 2]))
        let first = seen.insert([1, 2])
        let second = seen.insert([1, 2])
        #expect(first && !second)
        #expect(seen.contains([1, 2]) && !seen.contains([2, 1]))
    }
}
