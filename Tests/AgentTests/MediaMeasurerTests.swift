import Files
import Media
import Support
import Testing
import Vocabulary

@testable import Agent

@Suite struct MediaMeasurerTests {
    private func measurer(ffmpeg: String = "/usr/bin/ffmpeg") -> MediaMeasurer {
        MediaMeasurer(
            tools: MediaTools(ffmpeg: FilePath(ffmpeg), ffprobe: FilePath("/usr/bin/ffprobe")),
            threads: FileThreads(name: "measure-test", count: 2), patience: .seconds(30))
    }

    private func samples() throws -> (directory: FilePath, sound: [UInt8]) {
        let samples = try #require(MediaSamples.ofThisRun)
        return (FilePath(samples.directory), try readSample(try samples.speech(seconds: 5)))
    }

    @Test func `a whole file is whole, as long as it plays, and a cut one is damaged`() async throws {
        let (directory, sound) = try samples()
        try writeSample(sound, to: directory.displayText + "/measure-whole.mp3")
        try writeSample(Array(sound.prefix(sound.count / 2 - 7)), to: directory.displayText + "/measure-cut.mp3")
        let whole = try await measurer().measure(FilePath("measure-whole.mp3"), below: directory, kind: .audio)
        #expect(whole.measure.integrity == .whole)
        #expect(whole.measure.size == Int64(sound.count))
        let length = try #require(whole.measure.length)
        #expect(length > .seconds(4) && length < .seconds(6))
        let cut = try await measurer().measure(FilePath("measure-cut.mp3"), below: directory, kind: .audio)
        #expect(cut.measure.integrity == .damaged)
        let shorter = try #require(cut.measure.length)
        #expect(shorter < .seconds(4))
    }

    @Test func `without the tool nothing is known, and so nothing is said`() async throws {
        let (directory, sound) = try samples()
        try writeSample(sound, to: directory.displayText + "/measure-tool.mp3")
        await #expect(throws: MediaError.self) {
            try await measurer(ffmpeg: "/nonexistent/ffmpeg").measure(
                FilePath("measure-tool.mp3"), below: directory, kind: .audio)
        }
    }

    @Test func `a measure that is broken off is none`() async throws {
        let samples = try #require(MediaSamples.ofThisRun)
        let long = FilePath(try samples.speech(seconds: 900))
        let measurer = measurer()
        let work = Task {
            try await measurer.measure(FilePath(bytes: long.lastComponent), below: long.parent, kind: .audio)
        }
        try await Task.sleep(for: .milliseconds(50))
        work.cancel()
        await #expect(throws: (any Error).self) { try await work.value }
    }

    @Test func `what no tool can tell is unknown, with its size`() async throws {
        let (directory, _) = try samples()
        try writeSample([1, 2, 3], to: directory.displayText + "/measure.recd")
        let opaque = try await measurer().measure(FilePath("measure.recd"), below: directory, kind: .recd)
        #expect(opaque.measure == MediaMeasure(integrity: .unknown, size: 3))
    }
}
