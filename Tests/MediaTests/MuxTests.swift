import Glibc
import Media
import Planning
import Support
import Testing
import Vocabulary

@Suite struct MuxTests {
    private struct Made {
        let result: MuxResult
        let plan: MuxPlan
        let scratch: Scratch
        let inputs: [OpenSample]
    }

    private let labels = MuxLabels(
        recording: "rec_a/17",
        sources: [
            .init(mediaID: 5, digest: Digest(hex: String(repeating: "ab", count: 32))), .init(mediaID: 6, digest: nil),
        ], madeBy: "Takeup test")

    /// Muxes samples: a sound, and screens with their offsets in milliseconds.
    private func mux(
        sound: String, _ screens: [(path: String, offset: Int)], rules: ArrangeRules = ArrangeRules(),
        in scratch: Scratch, tolerance: Duration = .milliseconds(100)
    ) async throws -> Made {
        let soundFile = try OpenSample(sound)
        let soundInput = MuxInput(
            descriptor: soundFile.descriptor, format: .mp3,
            facts: try await tools.probe(soundFile.descriptor, format: .mp3, role: "the sound"))
        var files = [soundFile]
        var inputs: [MuxInput] = []
        var tracks: [ScreenTrack] = []
        for (path, offset) in screens {
            let file = try OpenSample(path)
            let facts = try await tools.probe(file.descriptor, format: .mp4, role: "a screen")
            files.append(file)
            inputs.append(MuxInput(descriptor: file.descriptor, format: .mp4, facts: facts))
            tracks.append(try #require(facts.screenTrack(offset: .milliseconds(offset))))
        }
        let decision = arrange(try #require(soundInput.facts.soundTrack()), screens: tracks, rules: rules)
        guard case .mux(let plan) = decision else { throw SampleFailure("refused: \(decision)") }
        let result = try await tools.mux(
            plan, sound: soundInput, screens: inputs, labels: labels, into: FilePath(scratch.path), name: "result.mp4",
            tolerance: tolerance)
        return Made(result: result, plan: plan, scratch: scratch, inputs: files)
    }

    private func expectLength(_ made: Made, _ seconds: Int64, tolerance: Int64 = 100) throws {
        let sound = try #require(made.result.facts.sound)
        let picture = try #require(made.result.facts.picture)
        #expect(sound.codec == "aac")
        #expect(picture.codec == "h264")
        for stream in [sound, picture] {
            #expect(stream.start < .milliseconds(tolerance))
            #expect(stream.end > .milliseconds(seconds * 1000 - tolerance))
            #expect(stream.end < .milliseconds(seconds * 1000 + tolerance))
        }
    }

    @Test(arguments: ["ultrafast", "veryfast", "medium"], ["23", "30"])
    func `a screen that begins two seconds late is padded with black that joins it`(
        _ preset: String, _ quality: String
    ) async throws {
        let scratch = try Scratch()
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 12),
            [(try scratch.samples.screen(seconds: 10, preset: preset, quality: quality), 2000)], in: scratch)
        try expectLength(made, 12)
        #expect(made.result.picture == .copy)
        #expect(made.result.sound == .encode(.soundNotPortable))
        #expect(try brightness(made.result.path, at: 1) < 20)
        #expect(try brightness(made.result.path, at: 1.8) < 20)
        #expect(try brightness(made.result.path, at: 2.2) > 60)
        #expect(made.result.byteCount == Int64(try readSample(scratch.file("result.mp4")).count))
    }

    @Test func `where black that joins cannot be made all pictures are encoded`() async throws {
        let scratch = try Scratch()
        // A stream that says nothing of its encoder, whose parameters are nobody's default.
        let screen = try scratch.samples.made("anonymous.mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "testsrc2=size=320x240:rate=10",
                "-t", "10", "-c:v", "libx264", "-x264-params", "ref=7:chroma-qp-offset=3:level=4.1", "-bsf:v",
                "filter_units=remove_types=6", "-pix_fmt", "yuv420p", "-f", "mp4", path,
            ])
        }
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 12), [(screen, 2000)], in: scratch)
        try expectLength(made, 12)
        #expect(made.result.picture == .encode(.paddingDiffers))
        #expect(try brightness(made.result.path, at: 1.8) < 20)
        #expect(try brightness(made.result.path, at: 2.2) > 60)
    }

    @Test func `a screen that fits is copied packet by packet`() async throws {
        let scratch = try Scratch()
        let screen = try scratch.samples.screen(seconds: 10)
        let made = try await mux(sound: try scratch.samples.speech(seconds: 10), [(screen, 0)], in: scratch)
        try expectLength(made, 10)
        #expect(made.result.picture == .copy)
        #expect(try pictureHash(scratch.file("result.mp4")) == (try pictureHash(screen)))
    }

    /// A screen whose file has a picture of 64 by 64 before it, as a cover that ffmpeg takes for the first stream.
    private func coveredScreen(_ scratch: Scratch) throws -> String {
        let screen = try scratch.samples.screen(seconds: 6)
        return try scratch.samples.made("covered.mp4") { path in
            try ChildProcess.run(
                ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", screen, "-f", "lavfi", "-i"]
                    + [
                        "color=c=white:size=64x64:rate=10:d=0.1", "-map", "0", "-map", "1", "-c:v:0", "copy", "-c:v:1",
                        "mjpeg",
                    ]
                    + ["-frames:v:1", "1", "-disposition:v:1", "attached_pic", "-f", "mp4", path])
            var bytes = try readSample(path)
            func size(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
            let index = try #require(bytes.firstRange(of: Array("moov".utf8))).lowerBound - 4
            let track = try #require(bytes[index...].firstRange(of: Array("trak".utf8))).lowerBound - 4
            let data = try #require(bytes[index...].firstRange(of: Array("udta".utf8))).lowerBound - 4
            let moved = Array(bytes[data..<data + size(data)])
            bytes.removeSubrange(data..<data + moved.count)
            bytes.insert(contentsOf: moved, at: track)
            try writeSample(bytes, to: path)
        }
    }

    @Test(arguments: [0, 1500])
    func `a cover before the pictures is not taken for them`(_ offset: Int) async throws {
        let scratch = try Scratch()
        let screen = try coveredScreen(scratch)
        let file = try OpenSample(screen)
        #expect(try QuickProbe.read(file.descriptor, format: .mp4, role: "it") == nil)
        let facts = try await tools.probe(file.descriptor, format: .mp4, role: "it")
        #expect(facts.picture?.index == 1)
        let made = try await mux(sound: try scratch.samples.speech(seconds: 8), [(screen, offset)], in: scratch)
        try expectLength(made, 8)
        #expect(made.result.facts.picture?.width == 320)
        #expect(made.result.picture == .copy)
        #expect(made.result.facts.picture?.packetCount ?? 0 >= 60)
    }

    @Test func `with still padding a late screen is copied, and its first picture stands before it`() async throws {
        let scratch = try Scratch()
        let screen = try scratch.samples.screen(seconds: 7, preset: "medium")
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 12), [(screen, 2300)], rules: ArrangeRules(padding: .still),
            in: scratch)
        #expect(made.result.picture == .copy)
        let picture = try #require(made.result.facts.picture)
        #expect(picture.start == .zero)
        #expect(try brightness(made.result.path, at: 0) > 60)
        #expect(try brightness(made.result.path, at: 11.8) > 60)
        #expect(try pictureHash(scratch.file("result.mp4")) == (try pictureHash(screen)))
    }

    @Test func `mp3 is kept where asked for and legal`() async throws {
        let scratch = try Scratch()
        let rules = ArrangeRules(keepsMP3: true)
        let screen = try scratch.samples.screen(seconds: 6)
        let kept = try await mux(
            sound: try scratch.samples.speech(seconds: 6, sampleRate: 16_000), [(screen, 0)], rules: rules, in: scratch)
        #expect(kept.result.facts.sound?.codec == "mp3")
        #expect(kept.result.sound == .copy)
        unlink(scratch.file("result.mp4"))
        let encoded = try await mux(
            sound: try scratch.samples.speech(seconds: 6), [(screen, 0)], rules: rules, in: scratch)
        #expect(encoded.result.facts.sound?.codec == "aac")
        #expect(encoded.result.sound == .encode(.soundNotLegal))
    }

    @Test func `a screen that began first is cut at the front, to the picture`() async throws {
        let scratch = try Scratch()
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 8), [(try flash(at: 5, in: scratch), -3000)], in: scratch)
        try expectLength(made, 8)
        #expect(made.result.picture == .encode(.headCut))
        #expect(try brightness(made.result.path, at: 1.9) < 40)
        #expect(try brightness(made.result.path, at: 2.05) > 200)
    }

    @Test func `two screens of different size share one picture, with black between`() async throws {
        let scratch = try Scratch()
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 16),
            [
                (try scratch.samples.screen(seconds: 5, size: "320x240"), 1000),
                (try scratch.samples.screen(seconds: 6, size: "640x360", rate: 5), 8000),
            ], in: scratch)
        try expectLength(made, 16)
        #expect(made.result.picture == .encode(.differentPictures))
        #expect(made.result.facts.picture.map { [$0.width, $0.height] } == [640, 360])
        for (moment, isBlack) in [(0.5, true), (3.0, false), (7.0, true), (10.0, false), (15.0, true)] {
            #expect(try (brightness(made.result.path, at: moment) < 20) == isBlack, "at \(moment) s")
        }
    }

    @Test func `equal screens that overlap a little are joined, the earlier cut`() async throws {
        let scratch = try Scratch()
        let made = try await mux(
            sound: try scratch.samples.speech(seconds: 11),
            [
                (try scratch.samples.screen(seconds: 6), 0), (try scratch.samples.screen(seconds: 5), 5500),
            ], in: scratch)
        try expectLength(made, 11, tolerance: 600)
        #expect(made.plan.cuts == [MuxPlan.Cut(earlier: 0, later: 1, overlap: .milliseconds(500))])
        #expect(made.result.picture == .copy)
    }

    @Test func `the file says what it was made of`() async throws {
        let scratch = try Scratch()
        _ = try await mux(
            sound: try scratch.samples.speech(seconds: 6), [(try scratch.samples.screen(seconds: 6), 0)], in: scratch)
        let text = try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "csv=p=0",
            scratch.file("result.mp4"),
        ])
        let digest = String(repeating: "ab", count: 32)
        #expect(text.contains("recording=rec_a/17 media=5:sha256:\(digest) media=6 by=Takeup test"))
    }

    @Test func `equal inputs make equal bytes`() async throws {
        let scratch = try Scratch()
        let sound = try scratch.samples.speech(seconds: 6)
        let screen = try scratch.samples.screen(seconds: 4)
        _ = try await mux(sound: sound, [(screen, 1000)], in: scratch)
        let first = try readSample(scratch.file("result.mp4"))
        unlink(scratch.file("result.mp4"))
        _ = try await mux(sound: sound, [(screen, 1000)], in: scratch)
        #expect(try readSample(scratch.file("result.mp4")) == first)
    }

    @Test func `a result that is not what was planned is refused and removed`() async throws {
        let scratch = try Scratch()
        let sound = try OpenSample(try scratch.samples.speech(seconds: 6))
        let screen = try OpenSample(try scratch.samples.screen(seconds: 6))
        let soundFacts = try await tools.probe(sound.descriptor, format: .mp3, role: "the sound")
        let screenFacts = try await tools.probe(screen.descriptor, format: .mp4, role: "the screen")
        // The plan believes that the sound lasts nine seconds.
        let decision = arrange(
            SoundTrack(duration: .seconds(9), codec: "mp3", sampleRate: 8000),
            screens: [try #require(screenFacts.screenTrack(offset: .zero))])
        guard case .mux(let plan) = decision else { throw SampleFailure("\(decision)") }
        let error = await #expect(throws: MediaError.self) {
            try await tools.mux(
                plan, sound: MuxInput(descriptor: sound.descriptor, format: .mp3, facts: soundFacts),
                screens: [MuxInput(descriptor: screen.descriptor, format: .mp4, facts: screenFacts)], labels: labels,
                into: FilePath(scratch.path), name: "result.mp4")
        }
        #expect(error?.code == .mismatch)
        #expect(access(scratch.file("result.mp4"), F_OK) != 0)
    }

    @Test func `a name that is taken is not overwritten`() async throws {
        let scratch = try Scratch()
        try writeSample(Array("mine".utf8), to: scratch.file("result.mp4"))
        let sound = try scratch.samples.speech(seconds: 6)
        let screen = try scratch.samples.screen(seconds: 6)
        let error = await #expect(throws: MediaError.self) { try await mux(sound: sound, [(screen, 0)], in: scratch) }
        #expect(error?.code == .io)
        #expect(try readSample(scratch.file("result.mp4")) == Array("mine".utf8))
    }

    // MARK: looking at results

    /// A digest of the picture packets, as they are stored.
    private func pictureHash(_ path: String) throws -> String {
        try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-f", "streamhash",
            "-",
        ])
    }

    /// The mean luma, 16 to 235, of the picture shown at this second.
    private func brightness(_ path: FilePath, at second: Double) throws -> Double {
        let text = try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-i", try #require(path.utf8Text), "-map",
            // A picture is shown until the next one.
            "0:v", "-frames:v", "1", "-vf",
            "fps=100,tpad=stop=-1:stop_mode=clone,trim=start=\(second),signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-",
            "-f",
            "null",
            "-",
        ])
        let line = text.split(separator: "\n").first { $0.hasPrefix("lavfi.signalstats.YAVG=") }
        return try #require(line.flatMap { Double($0.split(separator: "=")[1]) }, "\(text)")
    }

    /// Ten seconds of black that turn white at a second.
    private func flash(at second: Int, in scratch: Scratch) throws -> String {
        try scratch.samples.made("flash-\(second).mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "color=black:s=320x240:r=10:d=\(second)", "-f", "lavfi", "-i",
                "color=white:s=320x240:r=10:d=\(10 - second)", "-filter_complex", "concat=n=2", "-c:v", "libx264",
                "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4", path,
            ])
        }
    }
}
