import Planning
import Testing
import Vocabulary

@Suite struct BlankTests {
    private static let picture = PictureFormat(
        codec: "h264", pixelFormat: "yuv420p", width: 640, height: 480, frameRate: 10, parameters: "a")
    private let sound = SoundTrack(duration: .seconds(60), codec: "mp3", sampleRate: 8000)

    private func screen(
        _ offset: Int64, _ duration: Int64, uncertainty: Int64 = 0, claimed: Int64? = nil
    ) -> ScreenTrack {
        ScreenTrack(
            offset: .milliseconds(offset), uncertainty: .milliseconds(uncertainty), duration: .milliseconds(duration),
            claimed: claimed.map { ClaimedLength(.milliseconds($0)) }, isWhole: true, picture: Self.picture)
    }

    /// Spans in milliseconds, or why not.
    private func blanked(
        _ masks: [(Int64, Int64?)], _ screens: [ScreenTrack], sound: SoundTrack? = nil
    ) throws -> String {
        let sound = sound ?? self.sound
        guard case .mux(let plan) = arrange(sound, screens: screens) else { return "refused" }
        let times = masks.map { MaskedTime(start: .milliseconds($0), end: $1.map { .milliseconds($0) }) }
        do {
            let blanked = try plan.blanking(times, sound: sound, screens: screens)
            #expect(masks.isEmpty == (blanked == plan))
            if !masks.isEmpty { #expect(blanked.picture == .encode(.masked)) }
            return blanked.blanked.map { "\($0.start.wholeMilliseconds)-\($0.end.wholeMilliseconds)" }
                .joined(separator: " ")
        } catch {
            return error.refusal.text(screens: ["the screen"])
        }
    }

    @Test func `exact rows make exact spans, but for what is rounded`() throws {
        #expect(try blanked([], [screen(0, 60_000)]) == "")
        #expect(try blanked([(10_000, 20_000)], [screen(0, 60_000)]) == "9998-20002")
        #expect(try blanked([(10_000, nil)], [screen(0, 60_000)]) == "9998-60000")
        // The clock is the sound's, wherever the screen began.
        #expect(try blanked([(10_000, 20_000)], [screen(-3000, 60_000)]) == "9998-20002")
        #expect(try blanked([(10_000, 20_000)], [screen(12_000, 30_000)]) == "9998-20002")
    }

    @Test func `spans grow by all that may be off in the place of a screen`() throws {
        #expect(try blanked([(10_000, 20_000)], [screen(2000, 50_000, uncertainty: 750)]) == "9248-20752")
        // It began before the sound by less than is uncertain, and was moved to its start.
        #expect(try blanked([(10_000, 20_000)], [screen(-400, 60_000, uncertainty: 500)]) == "9098-20902")
        // What is left between row and file, which is no drift.
        #expect(try blanked([(10_000, 20_000)], [screen(0, 59_000, claimed: 60_000)]) == "8998-21002")
        // Nor is drift sure: pictures may be missing.
        #expect(try blanked([(10_000, 20_000)], [screen(0, 300_000, claimed: 303_000)]) == "6998-23002")
        // Of two screens the one that is less known counts.
        #expect(
            try blanked([(10_000, 20_000)], [screen(0, 30_000), screen(31_000, 20_000, uncertainty: 300)])
                == "9698-20302")
    }

    @Test func `a sound whose clock ran wrong has its masks where it has its silence`() throws {
        var slow = sound
        slow.duration = .seconds(606)
        slow.claimed = ClaimedLength(.seconds(600))
        slow.isWhole = true
        #expect(
            try blanked([(300_000, 310_000)], [screen(0, 600_000, claimed: 600_000)], sound: slow) == "302998-313102")
    }

    @Test func `masks that touch are one, those at the edges are cut, and none is lost`() throws {
        #expect(
            try blanked([(40_000, 50_000), (10_000, 20_000), (20_000, 30_000)], [screen(0, 60_000)])
                == "9998-30002 39998-50002")
        #expect(try blanked([(-5000, 1000), (59_000, 90_000)], [screen(0, 60_000)]) == "0-1002 58998-60000")
        #expect(try blanked([(-10, 0), (5, 5)], [screen(0, 60_000)]) == "0-2 3-7")
    }

    @Test func `what cannot be right is refused`() throws {
        #expect(
            try blanked([(1, 2), (70_000, 80_000)], [screen(0, 60_000)])
                == "masked time 2 does not lie within the sound")
        #expect(try blanked([(-9000, -5000)], [screen(0, 60_000)]) == "masked time 1 does not lie within the sound")
        #expect(try blanked([(9000, 5000)], [screen(0, 60_000)]) == "masked time 1 ends before it begins")
    }

    // MARK: As they are written down

    private static func wall(_ microseconds: Int64) -> WallTime { WallTime(microseconds: microseconds) }
    /// 2026-11-20 12:00:00.
    private static let noon: Int64 = 1_795_176_000_000_000

    static let moments: [(String, MaskMoment?)] = [
        ("2026-11-20 12:00:00", .wall(wall(noon))), ("2026-11-20T12:00:00.25", .wall(wall(noon + 250_000))),
        ("2026-11-20T12:00:00Z", .instant(Instant(microseconds: noon))),
        ("2026-11-20T12:00:00.000+0000", .instant(Instant(microseconds: noon))),
        ("2026-11-20T13:30:00.5+01:30", .instant(Instant(microseconds: noon + 500_000))),
        ("2024-02-29 00:00:00", .wall(wall(1_709_164_800_000_000))), ("0", .offset(.zero)),
        ("12500", .offset(.milliseconds(12_500))), ("1795176000000", .instant(Instant(microseconds: noon))),
        ("", nil), ("-5", nil), ("1.5", nil), ("2026-11-20", nil), ("2026-11-20 12:00", nil),
        ("2026-13-20 12:00:00", nil),
        ("2026-02-30 12:00:00", nil), ("2025-02-29 12:00:00", nil), ("2026-11-20 24:00:00", nil),
        ("2026-11-20 12:00:00.", nil), ("2026-11-20 12:00:00 CET", nil), ("2026-11-20 12:00:00+99:00", nil),
        ("20.11.2026 12:00:00", nil), ("99999999999999999999", nil),
    ]

    @Test(arguments: moments) func `a moment is read, or not guessed at`(text: String, moment: MaskMoment?) {
        #expect(MaskMoment(text) == moment)
    }

    @Test func `a mask is two moments, or one where it was not ended`() {
        #expect(RecordedMask("1000/2000") == RecordedMask(start: .offset(.seconds(1)), end: .offset(.seconds(2))))
        #expect(RecordedMask("1000/") == RecordedMask(start: .offset(.seconds(1)), end: nil))
        #expect(
            RecordedMask(" 2026-11-20 12:00:00 / 2026-11-20 12:00:05 ")
                == RecordedMask(start: .wall(Self.wall(Self.noon)), end: .wall(Self.wall(Self.noon + 5_000_000))))
        for text in ["", "/", "1000", "/2000", "1000/x", "1000/2000/3000"] { #expect(RecordedMask(text) == nil) }
    }

    @Test func `times of the clock are placed from the sound's estimated start, whole seconds as wide as they are`() {
        let exact = Beginning(
            of: ClaimedTimes(start: Self.wall(Self.noon + 1000), stop: nil), lasting: .seconds(60))
        let mask = RecordedMask(
            start: .wall(Self.wall(Self.noon + 10_001_000)), end: .wall(Self.wall(Self.noon + 20_000_000)))
        #expect(
            mask.placed(from: exact, isUTC: false)
                == MaskedTime(start: .seconds(10), end: .milliseconds(20_999)))
        // It began somewhere in its second: half a second in, by estimate.
        let rounded = Beginning(of: ClaimedTimes(start: Self.wall(Self.noon), stop: nil), lasting: .seconds(60))
        #expect(
            mask.placed(from: rounded, isUTC: false)
                == MaskedTime(start: .milliseconds(9501), end: .milliseconds(20_500)))
        #expect(mask.placed(from: nil, isUTC: false) == nil)
        let offset = RecordedMask(start: .offset(.seconds(1)), end: nil)
        #expect(offset.placed(from: nil, isUTC: false) == MaskedTime(start: .seconds(1), end: nil))
        let zoned = RecordedMask(start: .instant(Instant(microseconds: Self.noon + 2_001_000)), end: nil)
        #expect(zoned.placed(from: exact, isUTC: false) == nil)
        #expect(zoned.placed(from: exact, isUTC: true) == MaskedTime(start: .seconds(2), end: nil))
    }
}
