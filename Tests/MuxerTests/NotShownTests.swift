import Ledger
import Media
import Support
import Testing
import Vocabulary

@testable import Muxer

/// A screen of several that a result does not show.
@Suite struct NotShownTests {
    @Test func `a screen an hour off is told of, and the result does not name it as what it was made of`() async throws
    {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.name, second.name, second.delay) = ("first.mp4", "second.mp4", .seconds(3600))
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 6), screens: [first, second])
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        defer { withExtendedLifetime(directory) {} }
        let made = try await fixture.work.make(pair, in: directory.path)
        #expect(made.notes == ["screen 2 (media 3) is not shown: it began after the sound ended"])
        let comment = try comment(of: made)
        #expect(comment.contains(" media=1:sha256:") && comment.contains(" media=2:sha256:"), "\(comment)")
        #expect(!comment.contains("media=3"), "\(comment)")
    }

    @Test func `a screen that is cut where the next begins is told of`() async throws {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.name, second.name, second.delay) = ("first.mp4", "second.mp4", .milliseconds(3500))
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 6), screens: [first, second])
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        defer { withExtendedLifetime(directory) {} }
        let made = try await fixture.work.make(pair, in: directory.path)
        #expect(made.notes == ["screen 1 (media 2) is cut by 0.5 s, where screen 2 (media 3) begins"])
        #expect(try comment(of: made).contains(" media=3:sha256:"))
    }

    @Test func `a screen without pictures is damaged and left out, however good the others are`() async throws {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.name, second.name, second.delay) = ("first.mp4", "second.mp4", .seconds(4))
        // No packet is counted in its index any more.
        for box in ["stsz", "stts"] {
            let found = try #require(second.bytes.firstRange(of: Array(box.utf8)))
            let count = found.upperBound + (box == "stsz" ? 8 : 4)
            second.bytes.replaceSubrange(count..<count + 4, with: [0, 0, 0, 0])
        }
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 8), screens: [first, second])
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        defer { withExtendedLifetime(directory) {} }
        let made = try await fixture.work.make(pair, in: directory.path)
        #expect(made.leftOut == [pair.screens[1].replica.id])
        #expect(made.notes.count == 1 && made.notes[0].hasPrefix("screen 2 (media 3) is left out: "), "\(made.notes)")
        #expect(try comment(of: made).contains(" media=2:sha256:"))
        #expect(!(try comment(of: made)).contains("media=3"))
    }

    private func comment(of made: MuxWork.Made) throws -> String {
        try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "csv=p=0",
            made.result.path.displayText,
        ])
    }
}
