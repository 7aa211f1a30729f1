import Planning
import Testing

@Suite struct LookPlacesTests {
    @Test func `what is due gets the places that hints leave, the longest due first`() {
        #expect(LookPlaces.choose(hinted: [5, 3], due: [9, 3, 8, 7, 6], limit: 5) == [3, 5, 9, 8, 7])
        #expect(LookPlaces.choose(hinted: [], due: [2, 1], limit: 5) == [2, 1])
    }

    @Test(arguments: [8, 9, 500])
    func `and a quarter of the places however many hints there are, which all have theirs`(hints: Int64) {
        let hinted = Set(1...hints)
        let chosen = LookPlaces.choose(hinted: hinted, due: [1003, 1, 1001, 1002], limit: 8)
        #expect(Set(chosen.dropLast(2)) == hinted)
        #expect(chosen.suffix(2) == [1003, 1001])
    }

    @Test func `one place is left in the smallest look`() {
        #expect(LookPlaces.choose(hinted: [1], due: [7, 8], limit: 1) == [1, 7])
    }
}
