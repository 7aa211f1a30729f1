import Ledger
import Media
import Planning
import Support
import Testing
import Vocabulary

@testable import Muxer

/// A screen that is refused for what it is itself, beside others that are not.
@Suite struct LeftOutTests {
    enum Fault: CaseIterable {
        case undecodable
        case cut
        case noKey
        case short
    }

    /// A sound, a good screen, and a bad one after it.
    private func halves(
        _ fixture: MuxFixture, _ fault: Fault
    ) throws -> (sound: MuxFixture.Half, screens: [MuxFixture.Half]) {
        var (good, bad) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 4))
        (good.name, bad.name, bad.delay) = ("good.mp4", "bad.mp4", .seconds(4))
        switch fault {
        case .undecodable:
            for place in bad.bytes.count / 2..<bad.bytes.count / 2 + 3000 { bad.bytes[place] ^= 0x5a }
        case .cut: bad.bytes.removeLast(bad.bytes.count / 2)
        case .noKey: try fixture.encrypt(&bad, isDetached: false, for: .stranger)
        case .short: bad.claimed = .seconds(60)
        }
        return (try fixture.speech(seconds: 8), [good, bad])
    }

    @Test(arguments: Fault.allCases)
    func `it is left out and told of, and the file does not name it`(_ fault: Fault) async throws {
        let fixture = try await MuxFixture()
        let (speech, screens) = try halves(fixture, fault)
        let pair = try await fixture.pair(sound: speech, screens: screens)
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        defer { withExtendedLifetime(directory) {} }
        let made = try await fixture.work.make(pair, in: directory.path)
        #expect(made.leftOut == [pair.screens[1].replica.id])
        #expect(made.notes.count == 1)
        #expect(made.notes[0].hasPrefix("screen 2 (media 3) is left out: "), "\(made.notes)")
        let words =
            switch fault {
            case .undecodable, .cut: "damaged"
            case .noKey: "no key"
            case .short: "lasts 4.0 s, and its row says 60.0 s"
            }
        #expect(made.notes[0].contains(words), "\(made.notes)")
        let comment = try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "csv=p=0",
            made.result.path.displayText,
        ])
        #expect(comment.contains(" media=2:sha256:") && !comment.contains("media=3"), "\(comment)")
        let sound = try #require(made.result.facts.sound)
        #expect(sound.end > .milliseconds(7850))
        // Padding behind the one that is shown: nothing of the other.
        #expect(made.result.picture == .copy)
    }

    @Test func `where none is left it is a failure that names each`() async throws {
        let fixture = try await MuxFixture()
        var (sound, screens) = try halves(fixture, .undecodable)
        screens[0] = try fixture.screen(seconds: 4)
        screens[0].name = "first.mp4"
        screens[0].bytes.removeLast(screens[0].bytes.count / 2)
        let failure = try await fixture.failure(of: try await fixture.pair(sound: sound, screens: screens))
        #expect(failure.text.contains("screen 1 (media 2)") && failure.text.contains("screen 2 (media 3)"))
        #expect(failure.isTransient == false)
        // Of keys alone it is what it is of one.
        let other = try await MuxFixture()
        (sound, screens) = try halves(other, .noKey)
        try other.encrypt(&screens[0], isDetached: false, for: .stranger)
        let locked = try await other.failure(of: try await other.pair(sound: sound, screens: screens))
        #expect((locked.error as? MediaError)?.code == .noKey)
    }

    @Test func `what a result shows that stands is not left out of the next`() async throws {
        let fixture = try await MuxFixture()
        let (sound, screens) = try halves(fixture, .undecodable)
        var pair = try await fixture.pair(sound: sound, screens: screens)
        pair.shown = [pair.screens[1].replica.id]
        let failure = try await fixture.failure(of: pair)
        #expect(failure.text.contains("screen 2 (media 3) is damaged"), "\(failure.text)")
        #expect(failure.text.contains("The result that shows it stays"), "\(failure.text)")
        #expect(failure.isTransient == false)
    }

    @Test func `what may pass by itself leaves nothing out`() async throws {
        let fixture = try await MuxFixture()
        let (sound, screens) = try halves(fixture, .undecodable)
        let pair = try await fixture.pair(sound: sound, screens: screens)
        // The copy is not what is on record: nothing follows for the screen.
        var bytes = screens[1].bytes
        bytes[0] ^= 1
        try writeSample(bytes, to: fixture.path(pair.screens[1].replica))
        let failure = try await fixture.failure(of: pair)
        #expect(failure.text.contains("is not what was copied"), "\(failure.text)")
        #expect(failure.isTransient == true)
    }

    @Test func `a tool that was killed at a screen is that screen's fault from the third time on`() async throws {
        let fixture = try await MuxFixture()
        let (sound, screens) = try halves(fixture, .undecodable)
        let pair = try await fixture.pair(sound: sound, screens: screens)
        let killed = MediaError(.toolKilled, doing: "probe screen 2", reason: "ffprobe: signal 11")
        func leftOut(killedAt screens: [Int], failures: Int) -> LeftOut {
            var job = pair.job
            (job.failures, job.killedScreens) = (failures, screens.map { pair.screens[$0].replica.id })
            return LeftOut(
                of: MuxPair(
                    job: job, recording: pair.recording, sound: pair.sound, screens: pair.screens,
                    reference: pair.reference))
        }
        #expect(!leftOut(killedAt: [], failures: 0).takes(killed, of: 1))
        // Failures of other kinds, or at others, are none of its own.
        #expect(!leftOut(killedAt: [1, 0, 0], failures: 9).takes(killed, of: 1))
        let again = leftOut(killedAt: [1, 0, 1], failures: 3)
        #expect(again.takes(killed, of: 1) && !again.takes(killed, of: 0))
        let refused = MediaError(.converterFailed, doing: "convert screen 2", reason: "the converter: no such codec")
        #expect(again.takes(refused, of: 1) && again.refusal(refused, of: 0) is KilledAtScreen)
        for code in [MediaError.Code.timedOut, .toolMissing, .toolFailed, .toolStarved, .io] {
            #expect(!again.takes(MediaError(code, doing: "decode", reason: "it"), of: 1), "\(code)")
        }
        let told = again.refusal(killed, of: 0) as? KilledAtScreen
        #expect(told?.screen == pair.screens[0].replica.id && told?.description == killed.description)
        #expect(!(again.refusal(MediaError(.timedOut, doing: "decode", reason: "it"), of: 0) is KilledAtScreen))
    }
}
