import Planning
import Testing

@Suite struct FileGroupsTests {
    private func sizes(_ files: [Int64], mostFiles: Int = 100, mostBytes: Int64 = 1000) -> [[Int64]] {
        FileGroups(mostFiles: mostFiles, mostBytes: mostBytes).split(files) { $0 }
    }

    @Test func `so many files close a group`() {
        let groups = sizes([Int64](repeating: 1, count: 1000), mostFiles: 256)
        #expect(groups.map(\.count) == [256, 256, 256, 232])
    }

    @Test func `so many bytes do, and a file that is larger than that goes alone`() {
        #expect(sizes([400, 600, 1, 5000, 2, 998, 1]) == [[400, 600], [1], [5000], [2, 998], [1]])
        #expect(sizes([5000]) == [[5000]])
        #expect(sizes([]) == [])
    }
}
