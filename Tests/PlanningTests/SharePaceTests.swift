import Planning
import Testing

@Suite struct SharePaceTests {
    /// How many pieces of such a cost are done in each of so many turns.
    private func pieces(of cost: Duration, turns: Int, every period: Duration) -> [Int] {
        var pace = SharePace(oneIn: 1000, longest: .seconds(600))
        return (0..<turns).map { turn in
            let now = period * turn
            pace.begin(at: now, after: period)
            var count = 0
            while pace.isDue(at: now) {
                pace.took(cost)
                count += 1
            }
            return count
        }
    }

    @Test(arguments: [1, 5, 20, 300]) func `work takes its share of the time, whatever a piece costs`(cost: Int) {
        let turns = 2000
        let done = pieces(of: .milliseconds(cost), turns: turns, every: .seconds(15))
        let share = Double(done.reduce(0, +) * cost) / (Double(turns) * 15_000)
        #expect(share > 0.0009)
        #expect(share < 0.00102)
    }

    @Test func `a piece that waited for something that was away holds up the next for a bounded time`() {
        let done = pieces(of: .seconds(30), turns: 81, every: .seconds(15))
        #expect(done.first == 1)
        #expect(done.reduce(0, +) == 3)
    }

    @Test func `time that nobody used is not made up for`() {
        var pace = SharePace(oneIn: 1000, longest: .seconds(600))
        pace.begin(at: .zero, after: .seconds(15))
        pace.took(.milliseconds(1))
        pace.begin(at: .seconds(9000), after: .seconds(15))
        var count = 0
        while pace.isDue(at: .seconds(9000)) {
            pace.took(.milliseconds(5))
            count += 1
        }
        #expect(count == 4)
    }
}
