import Planning
import Testing

@Suite struct HintedRecordingsTests {
    private func hinted(_ ids: some Sequence<Int64>, limit: Int = 100) -> HintedRecordings {
        var hinted = HintedRecordings(limit: limit)
        for id in ids { hinted.add(id, at: .seconds(id)) }
        return hinted
    }

    @Test func `each is taken once, and comes again where its look failed`() {
        var hinted = hinted(1...10)
        let first = hinted.take(4)
        #expect(first.count == 4)
        #expect(hinted.ids.isDisjoint(with: first))
        hinted.giveBack(first, at: .seconds(20))
        #expect(hinted.ids == Set(1...10))
        let all = hinted.take(100)
        #expect(all == Set(1...10))
        #expect(hinted.isEmpty)
    }

    @Test func `what is too much is refused, what is known or comes back is not`() {
        var hinted = hinted(1...3, limit: 3)
        let tooMany = hinted.add(4, at: .seconds(4))
        let known = hinted.add(3, at: .seconds(5))
        #expect(!tooMany && known)
        let taken = hinted.take(1)
        let next = hinted.add(5, at: .seconds(6))
        #expect(next)
        hinted.giveBack(taken, at: .seconds(7))
        #expect(hinted.count == 4)
    }

    @Test func `another look covers only what was hinted at before it began`() {
        var hinted = hinted(1...6)
        hinted.add(1, at: .seconds(9))
        hinted.cover([1, 2, 3, 6, 77], lookedAtSince: .seconds(3))
        #expect(hinted.ids == [1, 3, 4, 5, 6])
    }
}
