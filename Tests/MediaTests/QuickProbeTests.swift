import Glibc
import Support
import Testing
import Vocabulary

@testable import Media

/// Facts read in our own code against those of ffprobe, on what real encoders write, and on what no encoder would.
@Suite struct QuickProbeTests {
    /// Words for ffmpeg behind its inputs; the result is probed both ways.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let format: MediaFormat
        let words: [String]
        /// Whether ffprobe is spared; others are left to it.
        var isQuick = true
        var testDescription: String { name }
    }

    private static let noise = ["-f", "lavfi", "-i", "anoisesrc=d=7.3:a=0.2"]
    private static let picture = ["-f", "lavfi", "-i", "testsrc2=size=322x242:rate=10:d=7.3"]

    static let cases: [Case] =
        [("8000", "1"), ("11025", "1"), ("16000", "1"), ("22050", "2"), ("44100", "2"), ("48000", "1")].map {
            rate, channels in
            Case(
                name: "mp3 \(rate) \(channels)", format: .mp3,
                words: noise + ["-ar", rate, "-ac", channels, "-b:a", "32k"])
        } + [
            Case(name: "mp3 of changing rate", format: .mp3, words: noise + ["-ar", "16000", "-q:a", "5"]),
            Case(name: "mp3 without a first frame of information", format: .mp3, words: noise + ["-write_xing", "0"]),
            Case(
                name: "mp3 with a tag behind", format: .mp3,
                words: noise + ["-write_id3v1", "1", "-metadata", "title=x"]),
        ]
        + ["ultrafast", "veryfast", "medium"].flatMap { preset in
            ["baseline", "main", "high"].map { profile in
                Case(
                    name: "mp4 \(preset) \(profile)", format: .mp4,
                    words: picture + [
                        "-c:v", "libx264", "-preset", preset, "-profile:v", profile, "-pix_fmt", "yuv420p",
                    ])
            }
        } + [
            Case(
                name: "mp4 of full range", format: .mp4,
                words: picture + ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuvj420p"]),
            Case(
                name: "mp4 that begins late", format: .mp4,
                words: ["-itsoffset", "1.5"] + picture + ["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
            Case(
                name: "mp4 with its index in front", format: .mp4,
                words: picture + ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]),
            Case(
                name: "mp4 in fragments", format: .mp4,
                words: picture + ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+frag_keyframe"],
                isQuick: false),
            Case(
                name: "mp4 of 4:4:4", format: .mp4,
                words: picture + ["-c:v", "libx264", "-pix_fmt", "yuv444p"], isQuick: false),
            Case(name: "mp4 of another codec", format: .mp4, words: picture + ["-c:v", "mpeg4"], isQuick: false),
        ]

    private func read(_ path: String, _ format: MediaFormat) throws -> QuickProbe? {
        let file = try OpenSample(path)
        return try withExtendedLifetime(file) { try QuickProbe.read(file.descriptor, format: format, role: "it") }
    }

    @Test(arguments: cases)
    func `what is read here is what ffprobe says`(_ one: Case) async throws {
        let scratch = try Scratch()
        let path = scratch.file("sample")
        try ChildProcess.run(
            ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y"] + one.words + ["-f", one.format.rawValue, path])
        let file = try OpenSample(path)
        var facts = try await tools.probe(file.descriptor, format: one.format, role: "it")
        // Of sound nobody asks what its header says; without a frame of information ffprobe guesses it.
        for place in facts.streams.indices where facts.streams[place].kind == .sound {
            facts.streams[place].declaredEnd = .zero
        }
        let quick = try QuickProbe.read(file.descriptor, format: one.format, role: "it")
        #expect((quick != nil) == one.isQuick)
        guard let quick else { return }
        #expect(quick.facts == facts)
        #expect(quick.sound.count + quick.picture.count == facts.streams.reduce(0) { $0 + $1.packetCount })
    }

    @Test(arguments: [["-c:a", "aac"], ["-c:a", "copy"]], ["0", "2.5"])
    func `a muxed file shows the same to both, to the millisecond`(_ sound: [String], _ delay: String) async throws {
        let scratch = try Scratch()
        let path = scratch.file("muxed")
        let speech = try scratch.samples.speech(seconds: 9, sampleRate: 16_000)
        let screen = try scratch.samples.screen(seconds: 6, preset: "medium")
        try ChildProcess.run(
            ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-itsoffset", delay, "-i", screen, "-i", speech]
                + ["-map", "0:v", "-map", "1:a", "-c:v", "copy"] + sound
                + ["-t", "9", "-movflags", "+faststart", "-f", "mp4", path])
        let file = try OpenSample(path)
        let facts = try await tools.probe(file.descriptor, format: .mp4, role: "it")
        let quick = try #require(try QuickProbe.read(file.descriptor, format: .mp4, role: "it"))
        #expect(quick.facts.picture == facts.picture)
        let (one, other) = (try #require(quick.facts.sound), try #require(facts.sound))
        #expect((one.codec, one.sampleRate, one.packetCount) == (other.codec, other.sampleRate, other.packetCount))
        // At the end of an AAC sound the edit says to the millisecond what the packets say to 64.
        for (quickTime, time, most) in [(one.start, other.start, 2), (one.end, other.end, 70)] {
            #expect(max(quickTime, time) - min(quickTime, time) <= .milliseconds(most), "\(quickTime) \(time)")
        }
        // What was copied is there packet by packet.
        let source = try #require(try read(screen, .mp4)?.picture)
        #expect(quick.picture == source)
        let spoken = try #require(try read(speech, .mp3)?.sound)
        #expect((quick.sound == Array(spoken.prefix(quick.sound.count))) == sound.contains("copy"))
    }

    @Test func `one changed byte of a packet shows in its checksum`() throws {
        let scratch = try Scratch()
        var bytes = try readSample(try scratch.samples.screen(seconds: 3))
        try writeSample(bytes, to: scratch.file("input"))
        let before = try #require(try read(scratch.file("input"), .mp4))
        let offset = try #require(before.facts.picture?.firstPacketOffset)
        bytes[Int(offset) + 30] ^= 1
        try writeSample(bytes, to: scratch.file("input"))
        let after = try #require(try read(scratch.file("input"), .mp4))
        #expect(zip(before.picture, after.picture).filter { $0 != $1 }.count == 1)
    }

    /// A file whose reading is counted.
    private func count(_ bytes: [UInt8]) throws -> (probe: QuickProbe?, reads: Int) {
        let file = try Scratch().open(bytes)
        var reads = 0
        let probe = try QuickProbe.read(file.descriptor, format: .mp4, role: "it") { () throws(MediaError) in reads += 1
        }
        return (probe, reads)
    }

    @Test func `an index that names the same bytes again and again is left to ffprobe, and nothing is read twice`()
        async throws
    {
        // Several chunks, as sound and pictures take turns.
        let whole = try readSample(
            try MediaSamples.ofThisRun?.made("interleaved.mp4") { path in
                try ChildProcess.run(
                    ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y"] + QuickProbeTests.picture
                        + QuickProbeTests.noise + ["-c:v", "libx264", "-c:a", "aac", "-f", "mp4", path])
            } ?? "")
        #expect(try count(whole).probe != nil)
        let table = try #require(whole.firstRange(of: Array("stco".utf8))).upperBound + 8
        var bytes = whole
        // All chunks at the place of the second: the first one overlaps it.
        bytes.replaceSubrange(table..<table + 4, with: whole[table + 4..<table + 8])
        #expect(try count(bytes).probe == nil)
        // A size for all, as large as the file: each packet would be nearly all of it.
        bytes = whole
        let sizes = try #require(whole.firstRange(of: Array("stsz".utf8))).upperBound + 4
        let large = UInt32(whole.count / 2).bigEndian
        withUnsafeBytes(of: large) { bytes.replaceSubrange(sizes..<sizes + 4, with: $0) }
        let (probe, reads) = try count(bytes)
        #expect(probe == nil)
        #expect(reads <= 3 * (whole.count >> 18 + 2), "\(reads)")
    }

    @Test func `who waits no more ends the reading`() throws {
        let file = try Scratch().open(readSample(MediaSamples.ofThisRun?.screen(seconds: 3) ?? ""))
        #expect(throws: MediaError.self) {
            try QuickProbe.read(file.descriptor, format: .mp4, role: "it") { () throws(MediaError) in
                throw MediaError(.cancelled, doing: "probe it", reason: "told")
            }
        }
    }

    /// Times that overflow only together, and each field at its ends.
    @Test func `no number of an index is too large for the reader`() throws {
        let scratch = try Scratch()
        let whole = try readSample(try scratch.samples.screen(seconds: 2, preset: "medium"))
        var bytes = whole
        func set(_ box: String, _ distance: Int, _ value: [UInt8]) throws {
            let end = try #require(bytes.firstRange(of: Array(box.utf8))).upperBound
            bytes.replaceSubrange(end + distance..<end + distance + value.count, with: value)
        }
        try set("mvhd", 12, [0xff, 0xff, 0xff, 0xff])
        try set("mdhd", 12, [0xff, 0xff, 0xff, 0xff])
        try set("elst", 8, [0x80, 0, 0, 0])
        let overflowing = try scratch.open(bytes)
        #expect(try QuickProbe.read(overflowing.descriptor, format: .mp4, role: "it") == nil)
        let index = try #require(whole.firstRange(of: Array("moov".utf8))).upperBound
        let file = try scratch.open(whole)
        for place in stride(from: index, to: whole.count - 4, by: 4) {
            for first: UInt8 in [0x00, 0x7f, 0x80, 0xff] {
                let value = [first] + [UInt8](repeating: first == 0 || first == 0x80 ? 0 : 0xff, count: 3)
                pwrite(file.descriptor, value, 4, place)
                _ = try QuickProbe.read(file.descriptor, format: .mp4, role: "it")
            }
            pwrite(file.descriptor, Array(whole[place..<place + 4]), 4, place)
        }
    }

    @Test func `nothing that a file holds crashes the reader`() async throws {
        let scratch = try Scratch()
        var chance = SeededNumbers(state: 20_261_121)
        for (path, format) in [
            (try scratch.samples.screen(seconds: 2, preset: "medium"), MediaFormat.mp4),
            (try scratch.samples.speech(seconds: 2, sampleRate: 16_000), .mp3),
        ] {
            let whole = try readSample(path)
            // The index is where it can hurt; it stands at the end of an mp4.
            let tail = max(0, whole.count - 2500)
            for number in 0..<3000 {
                var bytes = whole
                for _ in 0...Int.random(in: 0..<4, using: &chance) {
                    let place = Int.random(in: (format == .mp4 ? tail : 0)..<bytes.count, using: &chance)
                    bytes[place] = [0, 0xff, 0x7f, 0x80, UInt8.random(in: 0...255, using: &chance)][number % 5]
                }
                if number % 7 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance)) }
                let file = try scratch.open(bytes)
                let facts = try QuickProbe.read(file.descriptor, format: format, role: "it")?.facts
                for stream in facts?.streams ?? [] { #expect(stream.packetCount > 0) }
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same for the same seed.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
