import Glibc
import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// What is joined without a tool is what ffmpeg makes of the same plan.
@Suite struct PacketCopyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Milliseconds after the sound, and seconds.
        var screens: [(offset: Int, seconds: Int)]
        var preset = "ultrafast"
        var rate = 10
        var padding = ArrangeRules.Padding.black
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "as long as the sound", screens: [(0, 12)]),
        Case(name: "reordered", screens: [(0, 11)], preset: "medium", rate: 25),
        Case(name: "black around", screens: [(2345, 7)]),
        Case(name: "black around, reordered", screens: [(2345, 7)], preset: "medium", rate: 5),
        Case(name: "black around two", screens: [(500, 4), (6123, 5)]),
        Case(
            name: "still pictures around two, reordered", screens: [(500, 4), (6123, 5)], preset: "medium",
            padding: .still),
    ]

    private struct Made {
        let result: MuxResult
        let sound: MuxInput
        let screens: [MuxInput]
        let plan: MuxPlan
        let files: [OpenSample]
    }

    /// - Parameter isQuick: else nothing is known packet by packet, and ffmpeg joins them.
    private func mux(_ wanted: Case, isQuick: Bool, in scratch: Scratch, _ name: String) async throws -> Made {
        let paths = try wanted.screens.map {
            try scratch.samples.screen(seconds: $0.seconds, rate: wanted.rate, preset: wanted.preset)
        }
        return try await mux(
            wanted.screens.map(\.offset), paths, wanted.padding, isQuick: isQuick, in: scratch, name)
    }

    private func mux(
        _ offsets: [Int], _ paths: [String], _ padding: ArrangeRules.Padding = .black, isQuick: Bool = true,
        in scratch: Scratch, _ name: String = "result.mp4"
    ) async throws -> Made {
        var files: [OpenSample] = []
        func input(_ path: String, _ format: MediaFormat) async throws -> MuxInput {
            let file = try OpenSample(path)
            files.append(file)
            if isQuick, let quick = try QuickProbe.read(file.descriptor, format: format, role: "it") {
                return MuxInput(descriptor: file.descriptor, format: format, facts: quick.facts, quick: quick)
            }
            return MuxInput(
                descriptor: file.descriptor, format: format,
                facts: try await tools.probe(file.descriptor, format: format, role: "it"))
        }
        let sound = try await input(try scratch.samples.speech(seconds: 12, sampleRate: 16_000), .mp3)
        var screens: [MuxInput] = []
        for path in paths { screens.append(try await input(path, .mp4)) }
        let tracks = try zip(screens, offsets).map {
            try #require($0.facts.screenTrack(offset: .milliseconds($1)))
        }
        let decision = arrange(
            try #require(sound.facts.soundTrack()), screens: tracks,
            rules: ArrangeRules(padding: padding, keepsMP3: true))
        guard case .mux(let plan) = decision else { throw SampleFailure("refused: \(decision)") }
        let result = try await tools.mux(
            plan, sound: sound, screens: screens,
            labels: MuxLabels(recording: "rec_a/17", sources: [], madeBy: "Takeup test"),
            into: FilePath(scratch.path), name: name, decoding: .all)
        return Made(result: result, sound: sound, screens: screens, plan: plan, files: files)
    }

    private struct Packet: CustomStringConvertible {
        let stream: Int
        let shown: Double
        let decoded: Double
        let size: Int
        let isKey: Bool
        var description: String { "\(stream) \(shown) \(decoded) \(size) \(isKey)" }
    }

    /// By stream, in decoding order.
    private func packets(_ path: FilePath) throws -> [Packet] {
        let text = try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "packet=stream_index,pts_time,dts_time,size,flags",
            "-of", "compact=p=0:nk=1", path.displayText,
        ])
        return try text.split(separator: "\n").map { line in
            let fields = line.split(separator: "|")
            try #require(fields.count >= 5, "\(line)")
            return Packet(
                stream: try #require(Int(fields[0])), shown: try #require(Double(fields[1])),
                decoded: try #require(Double(fields[2])), size: try #require(Int(fields[3])),
                isKey: fields[4].contains("K"))
        }.sorted { ($0.stream, $0.decoded) < ($1.stream, $1.decoded) }
    }

    /// Of each picture as it is shown.
    private func pictures(_ path: FilePath) throws -> [Substring] {
        try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-i", path.displayText, "-map", "0:v", "-fps_mode",
            "passthrough", "-f", "framemd5", "-",
        ]).split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: ",").last }
    }

    @Test(arguments: cases)
    func `packets come when those of ffmpeg come, and show the same pictures`(_ wanted: Case) async throws {
        let scratch = try Scratch()
        let ours = try await mux(wanted, isQuick: true, in: scratch, "ours.mp4")
        let other = try await mux(wanted, isQuick: false, in: scratch, "other.mp4")
        #expect(ours.result.arePicturesDecoded && !other.result.arePicturesDecoded)
        #expect(ours.result.picture == .copy && other.result.picture == .copy)
        let (one, two) = (try packets(ours.result.path), try packets(other.result.path))
        // A frame that only fills is played by neither; one may not name it.
        #expect(abs(one.count - two.count) <= 1)
        #expect(one.filter { $0.stream == 0 }.count == two.filter { $0.stream == 0 }.count)
        var longer = 0
        for (one, two) in zip(one, two) {
            let text = Comment(rawValue: "\(one), ffmpeg: \(two)")
            #expect(one.stream == two.stream && one.isKey == two.isKey, text)
            #expect(abs(one.shown - two.shown) < 0.0015 && abs(one.decoded - two.decoded) < 0.0015, text)
            // ffmpeg writes the parameters into the first picture of each piece once more.
            if one.size != two.size { longer += 1 }
            #expect(one.size <= two.size && (one.stream == 0 || one.size == two.size), text)
        }
        #expect(longer <= ours.plan.shownPieces.count + 4, "\(longer) packets differ")
        #expect(try pictures(ours.result.path) == pictures(other.result.path))
        let sound = try #require(ours.result.facts.sound)
        #expect(sound.start == .zero && abs((sound.end - ours.plan.duration).inSeconds) <= 0.001)
        let comment = try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "csv=p=0",
            ours.result.path.displayText,
        ])
        #expect(comment.contains("recording=rec_a/17 by=Takeup test"))
    }

    @Test func `equal inputs make equal bytes, and every packet is the one that it was`() async throws {
        let scratch = try Scratch()
        let wanted = PacketCopyTests.cases[3]
        let (one, two) = (
            try await mux(wanted, isQuick: true, in: scratch, "one.mp4"),
            try await mux(wanted, isQuick: true, in: scratch, "two.mp4")
        )
        #expect(try readSample(one.result.path.displayText) == readSample(two.result.path.displayText))
        let file = try OpenSample(one.result.path.displayText)
        let result = try #require(
            try QuickProbe.read(file.descriptor, format: .mp4, role: "the muxed file", isOurs: true))
        let screen = try #require(one.screens[0].quick)
        var origin = CopyOrigin()
        origin.sound = try #require(one.sound.quick?.sound)
        let black = try #require(result.picture.first)
        func slices(_ count: Int, _ packet: UInt64?) -> CopyOrigin.Piece { .black(count, packet: packet) }
        origin.joined = [slices(1, black), .copied(screen, isCut: false), slices(1, black)]
        #expect(origin.isSound(of: result) && origin.isJoined(of: result, isExact: true))
        // A picture in the place of padding that is not the slice's, or is compared with nothing.
        for other in [black ^ 1, nil] {
            origin.joined = [slices(1, black), .copied(screen, isCut: false), slices(1, other)]
            #expect(!origin.isJoined(of: result, isExact: true))
        }
        origin.joined = [slices(1, black), .copied(screen, isCut: false), slices(2, black)]
        #expect(!origin.isJoined(of: result, isExact: true))
        let other = try OpenSample(try scratch.samples.screen(seconds: 7, rate: 5, preset: "medium", quality: "30"))
        let foreign = try #require(try QuickProbe.read(other.descriptor, format: .mp4, role: "it"))
        origin.joined = [slices(1, black), .copied(foreign, isCut: false), slices(1, black)]
        #expect(!origin.isJoined(of: result, isExact: true))
    }

    @Test func `a screen that is turned is left to ffmpeg`() async throws {
        let scratch = try Scratch()
        let plain = try scratch.samples.screen(seconds: 7)
        let turned = try scratch.samples.made("turned.mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", plain, "-c", "copy", "-metadata:s:v:0",
                "rotate=90", "-f", "mp4", path,
            ])
        }
        let made = try await mux([2000], [turned], in: scratch)
        #expect(made.result.picture == .copy)
        #expect(!made.result.arePicturesDecoded)
    }

    /// Pictures of one quality, then of another, the parameters of each before its first; the file names the former's.
    private func repeating(_ qualities: [Int], in scratch: Scratch) throws -> String {
        try scratch.samples.made("repeating-\(qualities.map(String.init).joined(separator: "-")).mp4") { path in
            var bytes: [UInt8] = []
            for quality in qualities {
                let part = "\(path).\(quality).h264"
                defer { unlink(part) }
                try ChildProcess.run([
                    "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "testsrc2=size=320x240:rate=10", "-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-qp",
                    "\(quality)", "-pix_fmt", "yuv420p", "-f", "h264", part,
                ])
                bytes += try readSample(part)
            }
            try writeSample(bytes, to: path + ".h264")
            defer { unlink(path + ".h264") }
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-framerate", "10", "-f", "h264", "-i",
                path + ".h264", "-c", "copy", "-video_track_timescale", "10240", "-f", "mp4", path,
            ])
        }
    }

    @Test func `a screen that changes its parameters on the way is joined with no other as it is`() async throws {
        let scratch = try Scratch()
        let (changing, plain) = (try repeating([20, 35], in: scratch), try repeating([20], in: scratch))
        // By what the files name they are alike, and no decoder complains of what it shows with another's parameters.
        let joined = try await mux([0, 5000], [changing, plain], in: scratch)
        #expect(Set(joined.screens.map(\.facts.picture?.parameters)).count == 1)
        #expect(joined.result.picture == .encode(.changingParameters) && !joined.result.arePicturesDecoded)
        // Nor is it what a tool would do.
        let byTool = try await mux([0, 5000], [changing, plain], isQuick: false, in: scratch, "tool.mp4")
        #expect(byTool.result.picture == .encode(.changingParameters))
        // Black is another's, too.
        let padded = try await mux([2000], [changing], in: scratch, "padded.mp4")
        #expect(padded.result.picture == .encode(.changingParameters))
        let alone = try await mux([0], [changing], .still, in: scratch, "alone.mp4")
        #expect(alone.result.picture == .copy && alone.result.arePicturesDecoded)
    }

    @Test func `parameters that are repeated as the file names them change nothing`() async throws {
        let scratch = try Scratch()
        let same = try repeating([20, 20], in: scratch)
        let file = try OpenSample(same)
        #expect(try ParameterSets.change(in: file.descriptor) == false)
        let made = try await mux([0, 6000], [same, try repeating([20], in: scratch)], in: scratch)
        #expect(made.result.picture == .copy && made.result.arePicturesDecoded)
    }

    @Test func `pictures that do not decode in the result make none`() async throws {
        let scratch = try Scratch()
        var bytes = try readSample(try scratch.samples.screen(seconds: 7))
        let data = try #require(bytes.firstRange(of: Array("mdat".utf8)))
        let middle = data.upperBound + (bytes.count - data.upperBound) / 2
        for place in middle..<middle + 2000 { bytes[place] = 0 }
        try writeSample(bytes, to: scratch.file("damaged.mp4"))
        let error = await #expect(throws: MediaError.self) {
            _ = try await mux([2000], [scratch.file("damaged.mp4")], in: scratch)
        }
        #expect(error?.code == .damaged, "\(String(describing: error))")
        #expect(access(scratch.file("result.mp4"), F_OK) != 0)
    }
}
