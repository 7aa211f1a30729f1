import Planning
import Testing
import Vocabulary

@Suite struct IndexFilesTests {
    private let sound = SourceMedia(id: 1, kind: .audio, path: FilePath("/calls/20261120/a.mp3"), size: 10, crc32: 7)
    private let screen = SourceMedia(id: 2, kind: .video, path: FilePath("/screens/20261120/a.mp4"))

    private func recording(_ media: [SourceMedia]) -> SourceRecording {
        SourceRecording(
            source: SourceName("a"), id: 1, sid: Sid("s"), call: SourceCall(id: 1),
            start: WallTime(microseconds: 1_795_176_000_000_000), media: media)
    }

    private func files(_ step: MediaStep, _ patterns: [String] = ["{stem}.idx"], _ media: [SourceMedia]) throws
        -> [IndexFile]
    {
        indexFiles(
            of: recording(media), by: ReconcilePlan(steps: [step, .copy(screen)], attach: [], mark: nil),
            patterns: try patterns.map { try IndexPattern($0) })
    }

    @Test func `each sound that is taken may have index files, a screen has none`() throws {
        let steps: [MediaStep] = [.copy(sound), .replace(sound, replayMediaID: 4), .keep(sound, isOwnCopy: true)]
        for step in steps {
            let found = try files(step, ["{stem}.idx", "{name}.idx"], [sound, screen])
            #expect(
                found.map(\.media.path) == [
                    FilePath("/calls/20261120/a.idx"), FilePath("/calls/20261120/a.mp3.idx"),
                ])
            #expect(found.allSatisfy { $0.media.id == 1 && $0.media.kind == .index && $0.media.crc32 == 7 })
        }
        #expect(
            try files(.copy(sound), ["/index/{day}/{stem}"], [sound]).map(\.media.path) == [
                FilePath("/index/20261120/a")
            ])
    }

    @Test func `those of a sound that the replay has better, or that only points, stay with it`() throws {
        let steps: [MediaStep] = [
            .keep(sound, isOwnCopy: false), .leave(sound, .kindIsOff), .point(sound),
            .measure(sound, replayMediaID: 4),
        ]
        for step in steps { #expect(try files(step, [sound, screen]).isEmpty, "\(step)") }
        #expect(try files(.copy(sound), [], [sound]).isEmpty)
    }

    @Test func `a file that has a row is copied by that, and one that two rules name is one`() throws {
        let row = SourceMedia(id: 3, kind: .archive, path: FilePath("/calls/20261120/a.idx"))
        #expect(try files(.copy(sound), [sound, row]).isEmpty)
        #expect(try files(.copy(sound), ["{stem}.idx", "./{stem}.idx"], [sound]).count == 1)
    }

    private func files(_ step: MediaStep, _ media: [SourceMedia]) throws -> [IndexFile] {
        try files(step, ["{stem}.idx"], media)
    }
}
