import Glibc
import Media
import Support
import Testing
import Vocabulary

@Suite struct ProbeTests {
    private func near(_ one: Duration, _ other: Duration, _ milliseconds: Int64) -> Bool {
        max(one, other) - min(one, other) <= .milliseconds(milliseconds)
    }

    @Test(arguments: [8000, 16_000])
    func `speech is as long as it was made, without what the encoder added`(_ rate: Int) async throws {
        let scratch = try Scratch()
        let file = try OpenSample(try scratch.samples.speech(seconds: 12, sampleRate: rate))
        let facts = try await tools.probe(file.descriptor, format: .mp3, role: "the sound")
        let sound = try #require(facts.sound)
        #expect(facts.streams.count == 1)
        #expect(sound.codec == "mp3")
        #expect(sound.sampleRate == rate)
        #expect(sound.channels == 1)
        #expect(near(sound.duration, .seconds(12), 1))
        #expect(sound.isOrdered)
    }

    @Test func `a screen shows its size, rate, length and parameters`() async throws {
        let scratch = try Scratch()
        let file = try OpenSample(try scratch.samples.screen(seconds: 5))
        let picture = try #require(
            try await tools.probe(file.descriptor, format: .mp4, role: "the screen").picture)
        #expect(picture.codec == "h264")
        #expect((picture.width, picture.height) == (320, 240))
        #expect(picture.frameRate == "10/1")
        #expect(picture.start == .zero)
        #expect(picture.duration == .seconds(5))
        #expect(picture.packetCount == 50)
        #expect(picture.parameters?.hasPrefix("SHA256:") == true)
    }

    @Test func `the length is that of the packets, whatever a cut header says`() async throws {
        let scratch = try Scratch()
        let whole = try readSample(try scratch.samples.speech(seconds: 12))
        let file = try scratch.open(Array(whole[..<(whole.count / 2)]))
        let sound = try #require(try await tools.probe(file.descriptor, format: .mp3, role: "the sound").sound)
        #expect(near(sound.duration, .seconds(6), 250))
    }

    @Test func `what is not of its format is malformed, also where another format would fit`() async throws {
        let scratch = try Scratch()
        let speech = try readSample(try scratch.samples.speech(seconds: 2))
        let screen = try readSample(try scratch.samples.screen(seconds: 2))
        let secret = try scratch.open(screen, "secret.mp4")
        let script = "ffconcat version 1.0\nfile \(scratch.file("secret.mp4"))\n"
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n\(scratch.file("secret.mp4"))\n#EXT-X-ENDLIST\n"
        let cases: [(String, [UInt8], MediaFormat)] = [
            ("nothing", [], .mp4), ("text", Array("dear diary\n".utf8), .mp4),
            ("text", Array("dear diary\n".utf8), .mp3),
            ("noise", noise(100_000), .mp4), ("sound as mp4", speech, .mp4), ("script", Array(script.utf8), .mp4),
            ("script", Array(script.utf8), .mp3), ("playlist", Array(playlist.utf8), .mp4),
            ("no index", Array(screen.prefix(screen.count / 2)), .mp4),
        ]
        for (name, bytes, format) in cases {
            let file = try scratch.open(bytes)
            let error = await #expect(throws: MediaError.self, "\(name)") {
                try await tools.probe(file.descriptor, format: format, role: "the screen")
            }
            #expect(error?.code == .malformed, "\(name)")
            #expect(error?.description.contains(scratch.path) == false)
        }
        #expect(secret.size == screen.count)
    }

    @Test func `an mp4 whose media lie in another file is not followed there`() async throws {
        let scratch = try Scratch()
        let whole = try readSample(try scratch.samples.screen(seconds: 2))
        try writeSample(whole, to: scratch.file("secret.mp4"))
        let file = try scratch.open(try withReference(whole, to: scratch.file("secret.mp4")), "reference.mp4")
        // Without its own media the pictures cannot be decoded; that they can be would prove that the other file was read.
        let report = try? await tools.decode(.picture, of: file.descriptor, format: .mp4, role: "the screen")
        #expect(report?.isClean != true)
    }

    @Test func `decoding tells sound media from damaged ones`() async throws {
        let scratch = try Scratch()
        let clean = try OpenSample(try scratch.samples.speech(seconds: 6))
        let report = try await tools.decode(.sound, of: clean.descriptor, format: .mp3, role: "the sound")
        #expect(report.isClean)
        #expect(near(report.duration, .seconds(6), 1))
        var bytes = try readSample(try scratch.samples.screen(seconds: 6))
        for index in stride(from: bytes.count / 4, to: bytes.count / 2, by: 97) { bytes[index] ^= 0x55 }
        let damaged = try scratch.open(bytes)
        let other = try await tools.decode(.picture, of: damaged.descriptor, format: .mp4, role: "the screen")
        #expect(!other.isClean)
        #expect(other.firstComplaint != nil)
    }

    @Test func `flipped bits never hang or crash a probe`() async throws {
        let scratch = try Scratch()
        let screen = try readSample(try scratch.samples.screen(seconds: 2))
        let speech = try readSample(try scratch.samples.speech(seconds: 2))
        for seed in 0..<12 {
            for (bytes, format) in [(screen, MediaFormat.mp4), (speech, .mp3)] {
                var damaged = bytes
                let indices = noise(64, seed: UInt64(seed + 1)).map { Int($0) }
                for (number, index) in indices.enumerated() {
                    // The index of an mp4 stands at its end.
                    damaged[damaged.count - 1 - (index * 7 + number) % min(damaged.count, 1500)] ^=
                        1 << UInt8(number % 8)
                }
                let file = try scratch.open(damaged)
                do throws(MediaError) {
                    let facts = try await tools.probe(file.descriptor, format: format, role: "the input")
                    #expect(!facts.streams.isEmpty)
                } catch {
                    #expect(error.code == .malformed, "\(error)")
                }
            }
        }
    }

    /// Makes the data reference of the track (`url ` with the flag *in this file*) one to a file, by an alias (`alis`)
    /// would be longer: here the flag is cleared and the box's own bytes are what follows. Media bytes are blanked.
    private func withReference(_ whole: [UInt8], to path: String) throws -> [UInt8] {
        var bytes = whole
        let name = Array("url ".utf8)
        let index = try #require(bytes.indices.first { Array(bytes[$0...].prefix(4)) == name })
        // Boxes around it, outermost first, whose sizes grow by the path.
        let added = Array(path.utf8) + [0]
        let containers = ["moov", "trak", "mdia", "minf", "dinf", "dref"].map { Array($0.utf8) }
        var at = 0
        for container in containers {
            at = try #require(bytes[at...].indices.first { Array(bytes[$0...].prefix(4)) == container })
            grow(&bytes, at: at - 4, by: added.count)
        }
        grow(&bytes, at: index - 4, by: added.count)
        bytes[index + 7] = 0
        bytes.insert(contentsOf: added, at: index + 8)
        let data = try #require(bytes.indices.first { Array(bytes[$0...].prefix(4)) == Array("mdat".utf8) })
        let length = bytes[data - 4..<data].reduce(0) { $0 << 8 | Int($1) }
        for byte in data + 4..<data - 4 + length { bytes[byte] = 0 }
        return bytes
    }

    private func grow(_ bytes: inout [UInt8], at index: Int, by count: Int) {
        let size = bytes[index..<index + 4].reduce(0) { $0 << 8 | Int($1) } + count
        for shift in 0..<4 { bytes[index + shift] = UInt8(size >> (24 - 8 * shift) & 0xff) }
    }
}
