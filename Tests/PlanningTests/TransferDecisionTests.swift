import Planning
import Testing

@Suite struct TransferDecisionTests {
    private let window = SettleWindow(quiet: .seconds(5), atMost: .seconds(600))

    private func look(_ size: Int64) -> FileLook { FileLook(size: size, modified: size, changed: size, inode: 7) }

    private func decide(
        _ trail: inout TransferTrail, _ sight: TransferSight, size: Int64? = 900, failures: Int = 0, at now: Duration
    ) -> TransferDecision {
        trail.decide(sight, row: TransferRow(size: size, failures: failures), within: window, at: now)
    }

    @Test func `a whole file of the right size is delivered at the first look`() {
        var trail = TransferTrail()
        #expect(decide(&trail, .seen(look(900), .whole), at: .zero) == .deliver)
    }

    @Test func `looks for a missing file thin out to one a minute`() {
        var trail = TransferTrail()
        let times: [(Duration, Duration)] = [
            (.seconds(10), .milliseconds(200)), (.seconds(11), .milliseconds(500)), (.seconds(30), .seconds(10)),
            (.seconds(5000), .seconds(60)),
        ]
        for (now, again) in times {
            #expect(decide(&trail, .absent, at: now) == .missing(again: again))
        }
    }

    @Test func `a file that comes late begins anew, and so does one that goes again`() {
        var trail = TransferTrail()
        _ = decide(&trail, .absent, at: .zero)
        #expect(
            decide(&trail, .seen(look(100), .whole), at: .seconds(700))
                == .wait(.short(have: 100, want: 900), again: .milliseconds(50)))
        #expect(decide(&trail, .absent, at: .seconds(800)) == .missing(again: .milliseconds(200)))
        // What was seen before it went does not count as agreement.
        #expect(
            decide(&trail, .seen(look(900), .unknown), at: .seconds(900)) == .wait(.secondLook, again: .seconds(1)))
    }

    @Test func `a short file is looked at ever more rarely, is told of after the grace time, and heals`() {
        var trail = TransferTrail()
        let short = TransferSight.seen(look(100), .broken(.truncated(missing: nil)))
        let hold = SettleHold.short(have: 100, want: 900)
        #expect(decide(&trail, short, at: .zero) == .wait(hold, again: .milliseconds(50)))
        #expect(decide(&trail, short, at: .seconds(4)) == .wait(hold, again: .seconds(2)))
        #expect(decide(&trail, short, at: .seconds(400)) == .wait(hold, again: .seconds(5)))
        #expect(decide(&trail, short, at: .seconds(600)) == .neverSettles(hold, again: .seconds(5)))
        #expect(decide(&trail, .seen(look(900), .whole), at: .seconds(700)) == .deliver)
    }

    @Test func `a file without a size that grows is never delivered between two of its pieces`() {
        var trail = TransferTrail()
        for second in 0..<20 {
            let decision = decide(
                &trail, .seen(look(Int64(100 + second)), .whole), size: nil, at: .seconds(Double(second) * 4.9))
            #expect(decision == .wait(.secondLook, again: .seconds(5)))
        }
        #expect(decide(&trail, .seen(look(119), .whole), size: nil, at: .seconds(19 * 4.9 + 5)) == .deliver)
    }

    @Test func `a broken container of the exact size is delivered as damaged, once it has been at rest`() {
        var trail = TransferTrail()
        let broken = TransferSight.seen(look(900), .broken(.noIndex))
        #expect(decide(&trail, broken, at: .zero) == .wait(.unfinishedContainer, again: .milliseconds(50)))
        #expect(decide(&trail, broken, at: .seconds(5)) == .deliverDamaged)
    }

    @Test func `a path that leads out is refused, for long`() {
        var trail = TransferTrail()
        #expect(decide(&trail, .refused, at: .zero) == .refuse(again: .seconds(600)))
    }

    @Test(arguments: [0, 1, 2, 9])
    func `what cannot be read is tried again`(failures: Int) {
        var trail = TransferTrail()
        #expect(decide(&trail, .unreadable, failures: failures, at: .zero) == .retry)
    }
}
