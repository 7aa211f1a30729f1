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

    @Test func `those that wait longest are taken first, whatever their ids are`() {
        var hinted = HintedRecordings(limit: 10_000)
        let ids = (1...1000).map { Int64($0) &* 7919 % 1009 }
        for (place, id) in ids.enumerated() { hinted.add(id, at: .seconds(place)) }
        // Hinted at once more: it waits since it was hinted at first.
        hinted.add(ids[0], at: .seconds(5000))
        for start in stride(from: 0, to: 1000, by: 100) {
            let taken = hinted.take(100)
            #expect(taken == Set(ids[start..<start + 100]))
        }
        #expect(hinted.isEmpty)
    }

    @Test func `what a failed look had comes before what was hinted at meanwhile`() {
        var hinted = hinted(1...6)
        let taken = hinted.take(2)
        hinted.giveBack(taken, at: .seconds(9))
        let again = hinted.take(3)
        #expect(again == [1, 2, 3])
    }

    @Test func `what other looks cover leaves nothing behind, over any number of rounds`() {
        var hinted = HintedRecordings(limit: 10)
        for round in 0..<10_000 {
            hinted.add(7, at: .seconds(round))
            hinted.cover([7], lookedAtSince: .seconds(round + 1))
        }
        hinted.add(8, at: .seconds(20_000))
        hinted.add(7, at: .seconds(20_001))
        #expect(hinted.count == 2)
        let all = hinted.take(10)
        #expect(all == [7, 8] && hinted.isEmpty)
        let none = hinted.take(1)
        #expect(none.isEmpty)
    }
}
