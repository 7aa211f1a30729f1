import Testing

@testable import Planning

@Suite struct ShardTests {
    @Test func `of four, primary 2 works on part 2 and its backup on part 3, and the last backup on part 0`() throws {
        let shard = try #require(Shard(id: 2, total: 4))
        #expect(shard.backup == Shard(id: 3, total: 4))
        #expect(shard.backup.backup == Shard(id: 0, total: 4))
        #expect(Shard(id: 0, total: 1)?.backup == Shard(id: 0, total: 1))
    }

    @Test(arguments: [(-1, 4), (4, 4), (0, 0)])
    func `there is no part outside of the whole`(id: Int, total: Int) { #expect(Shard(id: id, total: total) == nil) }

    @Test(arguments: [1, 2, 3, 7, 16])
    func `every recording is in one part, and the parts are about the same`(total: Int) {
        let shards = (0..<total).compactMap { Shard(id: $0, total: total) }
        var counts = [Int](repeating: 0, count: total)
        for number in 0..<8000 {
            // Ids that differ in their ends only, as a recorder makes them.
            let owners = shards.filter { $0.contains(recording: "01ABCDEF0123456789AES\(number)") }
            #expect(owners.count == 1)
            for owner in owners { counts[owner.id] += 1 }
        }
        for count in counts { #expect(abs(count - 8000 / total) < 8000 / total / 4 + 1) }
    }

    @Test func `a recording's part never changes from one version to the next`() {
        // Two versions beside each other would otherwise mux a call twice, or never.
        let ids = ["01ABCDEF0123456789AES0001", "0", ""]
        #expect(
            ids.map { id in (0..<1000).first { Shard(id: $0, total: 1000)?.contains(recording: id) == true } } == [
                614, 28, 458,
            ])
    }
}
