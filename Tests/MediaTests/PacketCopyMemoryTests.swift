import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// A worker is to take less than 64 MB, itself and its threads included, whatever the files are.
@Suite struct PacketCopyMemoryTests {
    @Test func `a quarter of a million pictures are joined in little memory`() async throws {
        let scratch = try Scratch()
        let screen = try scratch.samples.made("many-pictures.mp4") { path in
            let second = path + ".second.mp4"
            let timed = ["-video_track_timescale", "16000", "-f", "mp4"]
            try ChildProcess.run(
                [
                    "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "testsrc2=size=32x32:rate=1000", "-t", "1", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2",
                    "-g", "100", "-pix_fmt", "yuv420p",
                ] + timed + [second])
            try ChildProcess.run(
                ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "239", "-i", second, "-c", "copy"]
                    + timed + [path])
            try ChildProcess.run(["/bin/rm", second])
        }
        let sound = try scratch.samples.speech(seconds: 242, sampleRate: 16_000)
        // In a process of its own, whose memory nothing else uses.
        await #expect(processExitsWith: .success) { [paths = [sound, screen, scratch.path] as [String]] in
            do {
                try writeSample(Array(try await joined(paths).utf8), to: paths[2] + "/told")
            } catch {
                try writeSample(Array("\(error)".utf8), to: paths[2] + "/told")
            }
        }
        let told = String(decoding: try readSample(scratch.file("told")), as: UTF8.self)
        print("Joining pictures: \(told)")
        let numbers = told.split(separator: " ").compactMap { Int($0) }
        try #require(numbers.count == 2, "\(told)")
        #expect(numbers[0] > 240_000)
        #expect(numbers[1] < 32 << 10, "KiB")
    }
}

/// How many pictures were joined, and by how many kilobytes memory grew at the most.
private func joined(_ paths: [String]) async throws -> String {
    let before = try residentKilobytes("VmRSS:")
    let files = (try OpenSample(paths[0]), try OpenSample(paths[1]))
    func input(_ file: OpenSample, _ format: MediaFormat) throws -> MuxInput {
        guard let quick = try QuickProbe.read(file.descriptor, format: format, role: "it") else {
            throw SampleFailure("it is of no plain kind")
        }
        return MuxInput(descriptor: file.descriptor, format: format, facts: quick.facts, quick: quick)
    }
    let (sound, screen) = (try input(files.0, .mp3), try input(files.1, .mp4))
    guard let soundTrack = sound.facts.soundTrack(),
        let track = screen.facts.screenTrack(offset: .milliseconds(1500))
    else { throw SampleFailure("no tracks") }
    let decision = arrange(soundTrack, screens: [track], rules: ArrangeRules(keepsMP3: true))
    guard case .mux(let plan) = decision else { throw SampleFailure("refused: \(decision)") }
    let result = try await tools.mux(
        plan, sound: sound, screens: [screen],
        labels: MuxLabels(recording: "rec_a/17", sources: [], madeBy: "Takeup test"), into: FilePath(paths[2]),
        name: "result.mp4", decoding: .keyPictures)
    let growth = try residentKilobytes("VmHWM:") - before
    guard result.arePicturesDecoded else { throw SampleFailure("\(result.encodedText), by ffmpeg") }
    return "\(result.facts.picture?.packetCount ?? 0) \(growth)"
}
