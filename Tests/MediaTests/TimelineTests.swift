import Glibc
import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// A flash on the screen and a tone in the sound that were at the same moment are at the same moment in the result.
@Suite struct TimelineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Of each screen: when it began on the sound's clock, and its length, in milliseconds.
        var screens: [(offset: Int, length: Int)]
        /// Of the tone, on the sound's clock.
        var moment: Int
        var rules = ArrangeRules()
        var sizes = ["320x240"]
        var preset = "ultrafast"
        /// Pictures a second.
        var rate = 25
        var isCopied = true
        /// How much slower than the recorder's the screen's clock ran.
        var drift = 1.0
        /// No tool joins it.
        var arePacketsCopied = false
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "begins with the sound", screens: [(0, 12_000)], moment: 7400),
        Case(name: "begins late, black before it", screens: [(2345, 9000)], moment: 7385),
        Case(name: "begins late, at five pictures a second", screens: [(2345, 9000)], moment: 7345, rate: 5),
        Case(name: "begins late, pictures reordered", screens: [(2345, 9000)], moment: 7385, preset: "medium"),
        Case(
            name: "begins late, its first picture before it", screens: [(2345, 9000)], moment: 7385,
            rules: ArrangeRules(padding: .still)),
        Case(
            name: "begins late, its first picture before it, reordered", screens: [(2345, 9000)], moment: 7385,
            rules: ArrangeRules(padding: .still), preset: "medium"),
        Case(name: "lasts longer than the sound", screens: [(1100, 20_000)], moment: 7140, preset: "medium"),
        Case(name: "the second of two", screens: [(500, 4000), (6123, 5000)], moment: 7363),
        Case(
            name: "the second of two, still between", screens: [(500, 4000), (6123, 5000)], moment: 7363,
            rules: ArrangeRules(padding: .still)),
        Case(name: "the second of two that overlap", screens: [(0, 6500), (6123, 5000)], moment: 7363),
        Case(
            name: "the second of two of different size", screens: [(500, 4000), (6123, 5000)], moment: 7363,
            sizes: ["320x240", "640x360"], isCopied: false),
        Case(
            name: "the second of two of different size, still between", screens: [(500, 4000), (6123, 5000)],
            moment: 7363, rules: ArrangeRules(padding: .still), sizes: ["320x240", "640x360"], isCopied: false),
        Case(
            name: "mp3 kept, black around", screens: [(2345, 6000)], moment: 7385,
            rules: ArrangeRules(keepsMP3: true), arePacketsCopied: true),
        Case(
            name: "mp3 kept, black around, reordered", screens: [(2345, 6000)], moment: 7385,
            rules: ArrangeRules(keepsMP3: true), preset: "medium", arePacketsCopied: true),
        Case(
            name: "mp3 kept, its first picture before it, reordered", screens: [(2345, 6000)], moment: 7345,
            rules: ArrangeRules(padding: .still, keepsMP3: true), preset: "medium", rate: 5, arePacketsCopied: true),
        Case(
            name: "mp3 kept, the second of two", screens: [(500, 4000), (6123, 5000)], moment: 7363,
            rules: ArrangeRules(keepsMP3: true), arePacketsCopied: true),
        Case(
            name: "mp3 kept, lasts longer than the sound", screens: [(1100, 20_000)], moment: 7140,
            rules: ArrangeRules(keepsMP3: true), preset: "medium"),
        Case(name: "began before the sound", screens: [(-1500, 12_000)], moment: 7420, isCopied: false),
    ]

    @Test(arguments: cases)
    func `a flash and a tone stay together`(_ wanted: Case) async throws {
        let scratch = try Scratch()
        let made = try await mux(wanted, in: scratch)
        let flash = try flash(made.path)
        let tone = try tone(made.path)
        #expect(abs(flash - tone) <= 0.040, "\(wanted.name): flash at \(flash) s, tone at \(tone) s")
        #expect(abs(tone - Double(wanted.moment) / 1000) <= 0.040, "the tone is at \(tone) s")
        #expect((made.picture == .copy) == wanted.isCopied, "\(made.encodedText)")
        #expect(made.arePicturesDecoded == wanted.arePacketsCopied)
        let picture = try #require(made.facts.picture)
        #expect(picture.start == .zero)
        #expect(abs(max(picture.end, picture.declaredEnd).inSeconds - 12) <= 0.1, "\(picture.declaredEnd.inSeconds)")
    }

    @Test func `drift that the lengths show is corrected by copying`() async throws {
        let scratch = try Scratch()
        // 300 seconds of the call took 295.6 of the screen's clock, so that its 197th is the 199.932nd of the call.
        let sound = try soundSample(scratch, seconds: 300, moment: 200_932)
        let screen = try screenSample(scratch, "drift", seconds: 295.6, flash: 197, rate: 5)
        let (soundInput, soundFile) = try await input(sound, .mp3)
        let (screenInput, screenFile) = try await input(screen, .mp4)
        let track = try #require(
            screenInput.facts.screenTrack(offset: .seconds(1), claimed: ClaimedLength(.seconds(300)), isWhole: true))
        let decision = arrange(try #require(soundInput.facts.soundTrack()), screens: [track])
        guard case .mux(let plan) = decision else { throw SampleFailure("\(decision)") }
        let made = try await tools.mux(
            plan, sound: soundInput, screens: [screenInput], labels: labels, into: FilePath(scratch.path),
            name: "result.mp4")
        withExtendedLifetime((soundFile, screenFile)) {}
        #expect(made.picture == .copy)
        let (flash, tone) = (try flash(made.path), try tone(made.path))
        #expect(abs(flash - tone) <= 0.040, "flash at \(flash) s, tone at \(tone) s")
    }

    @Test func `a ready slice is used again, and the cache stays small`() async throws {
        let scratch = try Scratch()
        var tools = tools
        let slices = PaddingSlices(directory: FilePath(scratch.file("slices")), most: 2)
        tools.slices = slices
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", scratch.file("slices")]) }
        func names() throws -> [String] {
            try ChildProcess.run(["/bin/ls", "-i", scratch.file("slices")]).split(separator: "\n").map(String.init)
        }
        func make(_ size: String) async throws -> MuxResult {
            unlink(scratch.file("result.mp4"))
            return try await mux(
                Case(name: size, screens: [(2000, 5000)], moment: 4000, sizes: [size]), in: scratch, with: tools)
        }
        let first = try await make("320x240")
        let kept = try names()
        #expect(kept.count == 1)
        let bytes = try readSample(scratch.file("result.mp4"))
        let second = try await make("320x240")
        #expect(first.picture == .copy && second.picture == .copy)
        #expect(try names() == kept)
        #expect(try readSample(scratch.file("result.mp4")) == bytes)
        for size in ["160x120", "176x144", "192x144"] { _ = try await make(size) }
        #expect(try names().count == 2)
        // A slice that is none, or another's, does no harm, and does not stay.
        let good = try readSample(scratch.file("result.mp4"))
        let paths = try names().map { scratch.file("slices") + "/" + $0.split(separator: " ")[1] }
        let others = try paths.reversed().map { try readSample($0) }
        for rotten in [[[1, 2, 3], [1, 2, 3]], others] {
            for (path, bytes) in zip(paths, rotten) { try writeSample(bytes, to: path) }
            #expect(try await make("192x144").picture == .copy)
            #expect(try readSample(scratch.file("result.mp4")) == good)
        }
    }

    @Test func `a slice stands as long as the setting says, and the last for what is left`() {
        let starts = { (from: Int64, to: Int64, length: Int64) in
            MuxCommand.sliceStarts(
                from: .milliseconds(from), to: .milliseconds(to), length: .milliseconds(length)
            ).map(\.wholeMilliseconds)
        }
        #expect(starts(0, 12_300, 5000) == [0, 5000, 10_000])
        #expect(starts(1000, 6000, 5000) == [1000])
        #expect(starts(0, 3_600_000, 100).count == 1000)
    }

    // MARK: making

    private let labels = MuxLabels(recording: "rec_a/17", sources: [], madeBy: "Takeup test")

    func mux(_ wanted: Case, in scratch: Scratch, with tools: MediaTools = tools) async throws -> MuxResult {
        let keepsMP3 = wanted.rules.keepsMP3
        let (sound, soundFile) = try await input(
            soundSample(scratch, seconds: 12, moment: wanted.moment, rate: keepsMP3 ? 16_000 : 8000), .mp3,
            isQuick: keepsMP3)
        var files = [soundFile]
        var inputs: [MuxInput] = []
        var tracks: [ScreenTrack] = []
        for (number, screen) in wanted.screens.enumerated() {
            let path = try screenSample(
                scratch, "\(wanted.name)-\(number)", seconds: Double(screen.length) / 1000,
                flash: Double(wanted.moment - screen.offset) / 1000, rate: wanted.rate,
                size: wanted.sizes[number % wanted.sizes.count], preset: wanted.preset)
            let (input, file) = try await input(path, .mp4, isQuick: keepsMP3)
            files.append(file)
            inputs.append(input)
            tracks.append(try #require(input.facts.screenTrack(offset: .milliseconds(screen.offset))))
        }
        let decision = arrange(try #require(sound.facts.soundTrack()), screens: tracks, rules: wanted.rules)
        guard case .mux(let plan) = decision else { throw SampleFailure("refused: \(decision)") }
        let made = try await tools.mux(
            plan, sound: sound, screens: inputs, labels: labels, into: FilePath(scratch.path), name: "result.mp4",
            decoding: keepsMP3 ? .all : nil)
        withExtendedLifetime(files) {}
        return made
    }

    private func input(
        _ path: String, _ format: MediaFormat, isQuick: Bool = false
    ) async throws -> (MuxInput, OpenSample) {
        let file = try OpenSample(path)
        if isQuick {
            let quick = try #require(try QuickProbe.read(file.descriptor, format: format, role: "a half"))
            return (MuxInput(descriptor: file.descriptor, format: format, facts: quick.facts, quick: quick), file)
        }
        let facts = try await tools.probe(file.descriptor, format: format, role: "a half")
        return (MuxInput(descriptor: file.descriptor, format: format, facts: facts), file)
    }

    /// Telephone sound that is silent but for a tone of 200 ms.
    private func soundSample(_ scratch: Scratch, seconds: Int, moment: Int, rate: Int = 8000) throws -> String {
        let from = Double(moment) / 1000
        return try scratch.samples.made("tone-\(seconds)-\(moment)-\(rate).mp3") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "aevalsrc=if(between(t\\,\(from)\\,\(from + 0.2))\\,0.8*sin(2*PI*1000*t)\\,0):s=\(rate):d=\(seconds)",
                "-c:a",
                "libmp3lame", "-b:a", "16k", "-f", "mp3", path,
            ])
        }
    }

    /// A grey screen that is white for 200 ms.
    private func screenSample(
        _ scratch: Scratch, _ name: String, seconds: Double, flash: Double, rate: Int, size: String = "320x240",
        preset: String = "ultrafast"
    ) throws -> String {
        let plain = String(name.map { $0.isLetter || $0.isNumber ? $0 : "-" })
        return try scratch.samples.made("flash-\(plain)-\(size)-\(rate).mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "color=0x404040:s=\(size):r=\(rate):d=\(seconds)", "-vf",
                "drawbox=color=white:t=fill:enable='between(t,\(flash - 0.001),\(flash + 0.2))'", "-c:v", "libx264",
                "-preset", preset, "-pix_fmt", "yuv420p", "-f", "mp4", path,
            ])
        }
    }

    // MARK: looking

    /// When the first white picture is shown.
    private func flash(_ path: FilePath) throws -> Double {
        let text = try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-i", try #require(path.utf8Text), "-map", "0:v", "-vf",
            "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", "-enc_time_base", "-1", "-f", "null", "-",
        ])
        var time = 0.0
        for line in text.split(separator: "\n") {
            if line.contains("pts_time:") {
                time = line.split(separator: "pts_time:").last.flatMap { Double($0) } ?? .nan
            }
            if line.hasPrefix("lavfi.signalstats.YAVG="), let luma = Double(line.split(separator: "=")[1]), luma > 200 {
                return time
            }
        }
        throw SampleFailure("there is no flash")
    }

    /// When the sound is first loud.
    private func tone(_ path: FilePath) throws -> Double {
        let raw = try #require(path.utf8Text) + ".raw"
        defer { unlink(raw) }
        try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", try #require(path.utf8Text), "-map", "0:a", "-ar",
            "8000", "-ac", "1", "-f", "s16le", raw,
        ])
        let bytes = try readSample(raw)
        for sample in 0..<bytes.count / 2 {
            let value = Int16(bitPattern: UInt16(bytes[2 * sample]) | UInt16(bytes[2 * sample + 1]) << 8)
            if abs(Int(value)) > 6000 { return Double(sample) / 8000 }
        }
        throw SampleFailure("there is no tone")
    }
}
