import Glibc
import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// Blanked pictures of results, looked at one by one.
@Suite struct BlankedTests {
    private static let labels = MuxLabels(recording: "rec_a/17", sources: [], madeBy: "Takeup test")

    private final class Made: Sendable {
        let scratch: Scratch
        let plan: MuxPlan
        let result: MuxResult
        init(_ scratch: Scratch, _ plan: MuxPlan, _ result: MuxResult) {
            (self.scratch, self.plan, self.result) = (scratch, plan, result)
        }
    }

    /// Muxes 12 seconds of speech with screens, by their offsets in milliseconds, and masks from the sound's start.
    private func mux(
        _ screens: [(path: String, offset: Int)], masks: [ClosedRange<Int>], padding: ArrangeRules.Padding = .black,
        blanks: Bool = true
    ) async throws -> Made {
        let scratch = try Scratch()
        let sound = try OpenSample(try scratch.samples.speech(seconds: 12))
        let input = MuxInput(
            descriptor: sound.descriptor, format: .mp3,
            facts: try await tools.probe(sound.descriptor, format: .mp3, role: "the sound"))
        var files: [OpenSample] = []
        var inputs: [MuxInput] = []
        var tracks: [ScreenTrack] = []
        for (path, offset) in screens {
            let file = try OpenSample(path)
            let facts = try await tools.probe(file.descriptor, format: .mp4, role: "a screen")
            files.append(file)
            inputs.append(MuxInput(descriptor: file.descriptor, format: .mp4, facts: facts))
            tracks.append(try #require(facts.screenTrack(offset: .milliseconds(offset))))
        }
        let rules = ArrangeRules(padding: padding)
        let track = try #require(input.facts.soundTrack())
        guard case .mux(let plain) = arrange(track, screens: tracks, rules: rules) else {
            throw SampleFailure("refused")
        }
        let plan = try plain.blanking(
            masks.map { MaskedTime(start: .milliseconds($0.lowerBound), end: .milliseconds($0.upperBound)) },
            sound: track, screens: tracks)
        let result = try await tools.mux(
            blanks ? plan : plain, sound: input, screens: inputs, labels: Self.labels, into: FilePath(scratch.path),
            name: "result.mp4")
        withExtendedLifetime(files) {}
        return Made(scratch, plan, result)
    }

    /// A test picture that changes with every frame.
    private func screen(seconds: Int, rate: String, encoder: [String] = ["-preset", "medium"]) throws -> String {
        let samples = try #require(MediaSamples.ofThisRun)
        return try samples.made("changing-\(seconds)-\(rate.count)\(rate.hashValue)-\(encoder.joined()).mp4") { path in
            try ChildProcess.run(
                [
                    "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "testsrc2=size=320x240:rate=\(rate)", "-t", "\(seconds)", "-c:v", "libx264",
                ] + encoder + ["-pix_fmt", "yuv420p", "-f", "mp4", path])
        }
    }

    /// Of each picture of a file the brightest point, by its number.
    private func peaks(_ made: Made) throws -> [Int] {
        let list = made.scratch.file("peaks")
        try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-i", made.result.path.displayText, "-map", "0:v:0", "-vf",
            "signalstats,metadata=mode=print:key=lavfi.signalstats.YMAX:file=\(list)", "-f", "null", "-",
        ])
        let text = String(decoding: try readSample(list), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            line.hasPrefix("lavfi.signalstats.YMAX=") ? line.split(separator: "=").last.flatMap { Int($0) } : nil
        }
    }

    /// Expects exactly these pictures to be black, of 25 a second; `either` may be so or not.
    private func expectBlack(_ made: Made, _ black: [ClosedRange<Int>], either: Set<Int> = []) throws {
        let peaks = try peaks(made)
        try #require(abs(peaks.count - 300) <= 1, "\(peaks.count)")
        for (number, peak) in peaks.enumerated() where !either.contains(number) {
            let isBlack = black.contains { $0.contains(number) }
            #expect(isBlack ? peak <= 20 : peak > 60, "picture \(number): \(peak)")
        }
    }

    @Test(arguments: [["-preset", "ultrafast"], ["-preset", "medium"]])
    func `what is shown within a mask is black to the picture, and what is beside it is seen`(
        encoder: [String]
    ) async throws {
        let made = try await mux(
            [(try screen(seconds: 12, rate: "10", encoder: encoder), 0)], masks: [4050...6250])
        #expect(made.result.picture == .encode(.masked))
        #expect(made.result.encodedText.contains("pictures are blanked while the sound was masked"))
        // From 4.04 s on, in which 4.048 lies, until the first picture behind the mask, which is that of 6.3 s.
        try expectBlack(made, [101...157], either: [157])
    }

    @Test func `a picture of a masked time is not seen when it stands for longer than the mask`() async throws {
        // One picture a second: that of second 5 would stand until second 6.
        let made = try await mux([(try screen(seconds: 12, rate: "1"), 0)], masks: [4500...5500])
        try expectBlack(made, [112...149])
    }

    @Test func `a masked picture does not come back as a still one, neither behind a screen nor before it`()
        async throws
    {
        let made = try await mux(
            [(try screen(seconds: 6, rate: "10"), 2000)], masks: [1000...2040, 7500...8200], padding: .still)
        // The first picture, of 2 s, would stand from the start on; the last one, of 7.9 s, until the end.
        try expectBlack(made, [0...52, 187...300], either: [52])
    }

    @Test func `masks reach over screens, gaps and what lies before the sound`() async throws {
        let one = try screen(seconds: 6, rate: "10")
        let made = try await mux([(one, -2000), (try screen(seconds: 5, rate: "25"), 6000)], masks: [3000...7000])
        // Of the gap between them the padding is black anyway.
        try expectBlack(made, [74...175, 275...300], either: [176, 274, 275, 276])
    }

    @Test(arguments: ["", ",lutyuv=y=26:u=128:v=128"])
    func `a result that shows anything within a mask is not passed`(filter: String) async throws {
        // Nearly black counts as seen, too.
        let samples = try #require(MediaSamples.ofThisRun)
        let path = try samples.made("plain\(filter.count).mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "testsrc2=size=320x240:rate=10\(filter)", "-t", "12", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f",
                "mp4", path,
            ])
        }
        let made = try await mux([(path, 0)], masks: [4050...6250], blanks: false)
        let file = try OpenSample(made.result.path.displayText)
        var plan = made.plan
        let error = await #expect(throws: MediaError.self) {
            try await tools.verify(file.descriptor, of: plan, tolerance: .milliseconds(100))
        }
        #expect(error?.code == .mismatch)
        #expect(error?.reason.contains("are not black") == true, "\(String(describing: error))")
        // The same file by a plan that hides nothing is right: it was for this that it was not passed.
        plan.blanked = []
        _ = try await tools.verify(file.descriptor, of: plan, tolerance: .milliseconds(100))
    }
}
