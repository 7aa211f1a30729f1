import Planning
import Testing
import Vocabulary

@Suite struct ClaimedLengthTests {
    private static func times(_ start: Int64?, _ stop: Int64?) -> ClaimedTimes {
        func time(_ milliseconds: Int64) -> WallTime { WallTime(microseconds: milliseconds * 1000) }
        return ClaimedTimes(start: start.map(time), stop: stop.map(time))
    }

    @Test func `a row of whole seconds is good to two of them, a finer one to what a frame and a picture take`() {
        #expect(ClaimedLength(Self.times(10_000, 70_000)) == ClaimedLength(.seconds(60), granularity: .seconds(2)))
        #expect(
            ClaimedLength(Self.times(10_001, 70_000))
                == ClaimedLength(.milliseconds(59_999), granularity: .milliseconds(250)))
    }

    @Test func `a row that is not of the file says nothing`() {
        #expect(ClaimedLength(Self.times(10_000, nil)) == nil)
        #expect(ClaimedLength(Self.times(nil, 10_000)) == nil)
        #expect(ClaimedLength(Self.times(10_000, 10_000)) == nil)
        #expect(ClaimedLength(Self.times(10_000, 9000)) == nil)
        // Two hundred years.
        #expect(ClaimedLength(Self.times(0, 6_311_433_600_000)) == nil)
        #expect(
            ClaimedLength(
                ClaimedTimes(start: WallTime(microseconds: .min), stop: WallTime(microseconds: .max))) == nil)
        // Two sounds with the times of their call.
        let call = Self.times(10_000, 70_000)
        #expect(ClaimedLength(call, among: [call]) == nil)
        #expect(ClaimedLength(call, among: [Self.times(10_000, 60_000)])?.length == .seconds(60))
        // A screen with those of its sound: perhaps.
        #expect(ClaimedLength(call, sound: call)?.mayBeCalls == true)
        #expect(ClaimedLength(call, sound: Self.times(10_000, 60_000))?.mayBeCalls == false)
        #expect(ClaimedLength(call)?.mayBeCalls == false)
    }

    struct Case: Sendable {
        var claimed: Double
        var measured: Double
        var granularity = Duration.seconds(2)
        var isWhole = true
        var longestStill = Duration.zero
        var mayBeCalls = false
        var finding: LengthFinding
    }

    static let fine = Duration.milliseconds(250)

    @Test(
        arguments: [
            // Within rounding.
            Case(claimed: 600, measured: 598, finding: .agrees),
            Case(claimed: 600, measured: 602, finding: .agrees),
            Case(claimed: 3, measured: 1, finding: .agrees),
            Case(claimed: 60, measured: 59.8, granularity: fine, finding: .agrees),
            // A clock that ran wrong, where the file is whole.
            Case(claimed: 600, measured: 590, finding: .drift(600.0 / 590)),
            Case(claimed: 600, measured: 590, isWhole: false, finding: .unexplained),
            Case(claimed: 600, measured: 610, finding: .drift(600.0 / 610)),
            // Rows with milliseconds show less than two seconds.
            Case(claimed: 600, measured: 598.2, granularity: fine, finding: .drift(600 / 598.2)),
            Case(claimed: 600, measured: 598.2, granularity: fine, isWhole: false, finding: .unexplained),
            Case(claimed: 10, measured: 8.5, granularity: fine, finding: .unexplained),
            // More than a clock can.
            Case(claimed: 600, measured: 587.9, finding: .short),
            Case(claimed: 600, measured: 300, finding: .short),
            Case(claimed: 12, measured: 9.9, finding: .short),
            Case(claimed: 12, measured: 9.9, granularity: fine, isWhole: false, finding: .short),
            Case(claimed: 300, measured: 600, finding: .unexplained),
            // The clock on the wall was put forward during the call.
            Case(claimed: 4200, measured: 599, finding: .unexplained),
            Case(claimed: 4200, measured: 595, finding: .short),
            // A recorder that writes no picture while nothing changes.
            Case(claimed: 600, measured: 500, longestStill: .seconds(120), finding: .unexplained),
            // And far longer at the end of the call, where it shows that it has all that was written of it.
            Case(claimed: 600, measured: 500, longestStill: .seconds(90), finding: .unexplained),
            Case(claimed: 600, measured: 500, longestStill: .seconds(2), finding: .unexplained),
            Case(claimed: 600, measured: 500, isWhole: false, longestStill: .seconds(90), finding: .short),
            Case(claimed: 600, measured: 500, longestStill: .milliseconds(1900), finding: .short),
            // The times of the sound, which may be the call's: never a reason to refuse a screen.
            Case(claimed: 600, measured: 500, mayBeCalls: true, finding: .unexplained),
            Case(
                claimed: 600, measured: 500, granularity: fine, isWhole: false, mayBeCalls: true, finding: .unexplained),
            Case(claimed: 600, measured: 599, mayBeCalls: true, finding: .agrees),
            // Of whole seconds that is chance as well, and a clock may have run wrong.
            Case(claimed: 600, measured: 590, mayBeCalls: true, finding: .drift(600.0 / 590)),
            Case(claimed: 600, measured: 590, granularity: fine, mayBeCalls: true, finding: .unexplained),
            Case(claimed: 600, measured: 590, longestStill: .seconds(15), finding: .unexplained),
            Case(claimed: 600, measured: 590, longestStill: .seconds(9), finding: .drift(600.0 / 590)),
            Case(claimed: 600, measured: 0, finding: .agrees),
        ])
    func `a length that was measured is judged beside the row's`(_ one: Case) {
        var claimed = ClaimedLength(.seconds(one.claimed), granularity: one.granularity)
        claimed.mayBeCalls = one.mayBeCalls
        let found = LengthFinding(
            claimed: claimed,
            measured: .seconds(one.measured), isWhole: one.isWhole, longestStill: one.longestStill)
        #expect(found == one.finding, "\(one)")
    }

    @Test func `without a claim nothing is found`() {
        #expect(LengthFinding(claimed: nil, measured: .seconds(5), isWhole: true) == .agrees)
    }
}
