import Planning
import Testing

@Suite struct HintsTests {
    @Test func `the first hint brings a look at once`() {
        var hints = HintGathering()
        #expect(hints.due == nil)
        hints.hint(at: .seconds(3))
        #expect(hints.due == .seconds(3))
        let began = hints.begin(at: .seconds(3))
        #expect(began)
    }

    @Test func `a look does not begin before it is due, nor without a hint`() {
        var hints = HintGathering()
        let began2 = hints.begin(at: .seconds(1))
        #expect(!began2)
        run(&hints, from: .seconds(1), to: .milliseconds(1001))
        hints.hint(at: .milliseconds(1002))
        let began3 = hints.begin(at: .milliseconds(1009))
        #expect(!began3)
        let began4 = hints.begin(at: .milliseconds(1010))
        #expect(began4)
    }

    @Test func `a thousand hints in ten milliseconds are one look`() {
        var hints = HintGathering()
        run(&hints, from: .zero, to: .zero)
        for step in 0..<1000 { hints.hint(at: .microseconds(10 * step)) }
        #expect(hints.due == .milliseconds(10))
        let began = hints.begin(at: .milliseconds(10))
        #expect(began)
        hints.end(at: .milliseconds(10), measured: .zero)
        #expect(hints.due == nil)
    }

    @Test func `a hint during a look brings another one`() {
        var hints = HintGathering()
        hints.hint(at: .zero)
        let began = hints.begin(at: .zero)
        #expect(began)
        hints.hint(at: .milliseconds(1))
        #expect(hints.due == nil)
        hints.end(at: .milliseconds(2), measured: .zero)
        #expect(hints.due == .milliseconds(10))
    }

    @Test func `a look that was cut by its batch goes on without a hint`() {
        var hints = HintGathering()
        hints.hint(at: .zero)
        let began = hints.begin(at: .zero)
        #expect(began)
        hints.end(at: .milliseconds(200), measured: .milliseconds(5), more: true)
        #expect(hints.due == .milliseconds(200))
    }

    @Test(arguments: [
        (Duration.zero, Duration.milliseconds(10)),
        (.milliseconds(1), .milliseconds(10)),
        (.milliseconds(30), .milliseconds(120)),
        (.milliseconds(250), .seconds(1)),
        (.seconds(20), .seconds(1)),
    ])
    func `the spacing keeps looks within a quarter of the recorder's time`(cost: Duration, spacing: Duration) {
        var hints = HintGathering()
        run(&hints, from: .zero, to: .seconds(1), measured: cost)
        #expect(hints.spacing == spacing)
    }

    @Test func `the cost rises at once and falls slowly`() {
        var hints = HintGathering()
        run(&hints, from: .zero, to: .zero, measured: .milliseconds(80))
        #expect(hints.cost == .milliseconds(80))
        run(&hints, from: .seconds(5), to: .seconds(5), measured: .zero)
        #expect(hints.cost == .milliseconds(60))
        run(&hints, from: .seconds(9), to: .seconds(9), measured: .milliseconds(70))
        #expect(hints.cost == .milliseconds(70))
    }

    @Test func `a look that outlasts the spacing is followed at once`() {
        var hints = HintGathering()
        hints.hint(at: .zero)
        let began = hints.begin(at: .zero)
        #expect(began)
        hints.hint(at: .seconds(1))
        hints.end(at: .seconds(4), measured: .seconds(4))
        #expect(hints.due == .seconds(4))
    }

    private func run(
        _ hints: inout HintGathering, from start: Duration, to end: Duration, measured: Duration = .zero
    ) {
        hints.hint(at: start)
        let began = hints.begin(at: start)
        #expect(began)
        hints.end(at: end, measured: measured)
        #expect(hints.state == .idle)
    }
}
