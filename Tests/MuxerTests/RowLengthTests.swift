import Ledger
import Media
import Support
import Testing
import Vocabulary

@testable import Muxer

/// What the length of a half says beside its row, and beside what it announces itself.
@Suite struct RowLengthTests {
    /// Speech of 16 kbit/s at 8 kHz: 144 bytes and 72 ms a frame.
    private static let frameBytes = 144

    /// - Parameter announces: whether its first frame says how many there are.
    private func speech(_ fixture: MuxFixture, seconds: Int, announces: Bool) throws -> MuxFixture.Half {
        var half = try fixture.speech(seconds: seconds)
        guard !announces else { return half }
        let path = try fixture.samples.speech(seconds: seconds)
        half.bytes = try readSample(
            fixture.samples.made("silent-\(seconds).mp3") { output in
                try ChildProcess.run([
                    "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", path, "-c:a", "libmp3lame", "-b:a",
                    "16k", "-write_xing", "0", "-f", "mp3", output,
                ])
            })
        return half
    }

    @Test(arguments: [false, true])
    func `a sound that lost its last frames says so itself, whoever wrote it`(isPlain: Bool) async throws {
        let fixture = try await MuxFixture()
        var sound = try speech(fixture, seconds: 12, announces: true)
        if !isPlain {
            let writer = try #require(sound.bytes.firstRange(of: Array("Lavf".utf8)))
            sound.bytes.replaceSubrange(writer, with: Array("Else".utf8))
        }
        let whole = try await fixture.make(
            try await fixture.pair(sound: sound, screens: [fixture.screen(seconds: 4)]))
        #expect(whole.notes == [])
        let other = try await MuxFixture()
        sound.bytes.removeLast(3 * Self.frameBytes)
        let failure = try await other.failure(
            of: try await other.pair(sound: sound, screens: [other.screen(seconds: 4)]))
        #expect(failure.text.contains("the sound is damaged: it holds "), "\(failure.text)")
        #expect(failure.text.contains("frames that it announces"), "\(failure.text)")
        #expect(failure.isTransient == false)
    }

    @Test func `a sound of half its row is refused, with both lengths`() async throws {
        let fixture = try await MuxFixture()
        var sound = try speech(fixture, seconds: 12, announces: false)
        sound.claimed = .seconds(12)
        sound.bytes.removeLast(80 * Self.frameBytes)
        let failure = try await fixture.failure(
            of: try await fixture.pair(sound: sound, screens: [fixture.screen(seconds: 4)]))
        #expect(failure.text.contains("the sound lasts 6."), "\(failure.text)")
        #expect(failure.text.contains("and its row says 12.0 s"), "\(failure.text)")
        #expect(failure.isTransient == false)
    }

    @Test func `a screen of half its row is left out by name, whatever the others are`() async throws {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.claimed, first.name) = (.seconds(4), "first.mp4")
        (second.claimed, second.delay, second.name) = (.seconds(6), .seconds(5), "second.mp4")
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 12), screens: [first, second])
        let made = try await fixture.make(pair)
        #expect(made.leftOut == [pair.screens[1].replica.id])
        #expect(
            made.notes.first?.contains("screen 2 (media 3) lasts 3.0 s, and its row says 6.0 s") == true,
            "\(made.notes)")
        let other = try await MuxFixture()
        let failure = try await other.failure(
            of: try await other.pair(sound: other.speech(seconds: 12), screens: [second]))
        #expect(failure.text.contains("the screen lasts 3.0 s, and its row says 6.0 s"), "\(failure.text)")
        #expect(failure.isTransient == false)
    }

    @Test(arguments: [false, true])
    func `a small difference is drift where the sound is whole, and told where that is not known`(
        announces: Bool
    ) async throws {
        let fixture = try await MuxFixture()
        var sound = try speech(fixture, seconds: 60, announces: announces)
        sound.claimed = .seconds(61)
        var screen = try fixture.screen(seconds: 60)
        screen.claimed = .seconds(60)
        let made = try await fixture.make(try await fixture.pair(sound: sound, screens: [screen]))
        let pictures = try #require(made.result.facts.picture?.packetCount)
        if announces {
            // The screen ends a second before, as the sound's clock counts; black stands there.
            #expect(made.notes.map { $0.hasSuffix("its clock is taken to have run wrong") } == [true])
            #expect(pictures == 601)
        } else {
            #expect(made.notes.count == 1)
            #expect(made.notes[0].hasPrefix("the sound lasts 60.") && made.notes[0].hasSuffix("its row says 61.0 s"))
            #expect(pictures == 600)
        }
    }

    @Test func `rows that tell of the call, or nothing, refuse nothing`() async throws {
        for (claimed, hasTwin) in [(Duration.zero, false), (.seconds(100_000_000), false), (.seconds(600), true)] {
            let fixture = try await MuxFixture()
            var sound = try fixture.speech(seconds: 4)
            sound.claimed = claimed
            let start = WallTime(microseconds: MuxFixture.start.microseconds + 1000)
            let twin = ReplayMedia(
                id: 99, kind: .audio, path: FilePath("/other.mp3"), start: start,
                stop: WallTime(microseconds: start.microseconds + 600_000_000))
            let pair = try await fixture.pair(
                sound: sound, screens: [fixture.screen(seconds: 4)], others: hasTwin ? [twin] : [])
            #expect(try await fixture.make(pair).notes == [])
        }
    }

    @Test func `a screen whose row has the times of the sound is muxed, and that it is shorter is told`() async throws {
        let fixture = try await MuxFixture()
        var (sound, screen) = (try fixture.speech(seconds: 12), try fixture.screen(seconds: 4))
        (sound.claimed, screen.claimed) = (.seconds(12), .seconds(12))
        let made = try await fixture.make(try await fixture.pair(sound: sound, screens: [screen]))
        #expect(made.leftOut.isEmpty)
        #expect(made.notes == ["the screen lasts 4.0 s, and its row says 12.0 s"])
    }

    @Test func `where rows are known to tell of the call they are not compared`() async throws {
        let fixture = try await MuxFixture()
        fixture.work.comparesRowLengths = false
        var (sound, screen) = (try fixture.speech(seconds: 4), try fixture.screen(seconds: 4))
        (sound.claimed, screen.claimed) = (.seconds(600), .seconds(60))
        #expect(try await fixture.make(try await fixture.pair(sound: sound, screens: [screen])).notes == [])
    }
}
