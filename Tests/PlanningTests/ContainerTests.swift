import Planning
import Testing
import Vocabulary

@Suite struct ContainerTests {
    private func check(_ format: ContainerFormat, _ bytes: [UInt8]) -> Wholeness {
        Container.check(format, size: Int64(bytes.count)) { offset, count in
            Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    // MARK: mp4

    private static func box(_ type: String, _ count: Int, size: Int? = nil) -> [UInt8] {
        bigEndian(size ?? 8 + count, 4) + Array(type.utf8) + [UInt8](repeating: 7, count: count)
    }

    private static func bigEndian(_ number: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * (bytes - 1 - $0))) }
    }

    private static let front = box("ftyp", 16)
    private static let long =
        bigEndian(1, 4) + Array("mdat".utf8) + bigEndian(16 + 300, 8) + [UInt8](repeating: 1, count: 300)

    static let films: [(String, [UInt8], Wholeness)] = [
        ("index behind", front + box("mdat", 500) + box("moov", 90), .whole),
        ("index before", front + box("moov", 90) + box("mdat", 500), .whole),
        ("more boxes", front + box("free", 0) + box("moov", 9) + box("mdat", 5) + box("uuid", 30), .whole),
        ("a long box", front + box("moov", 90) + long, .whole),
        ("a last box to the end", front + box("moov", 90) + box("mdat", 500, size: 0), .whole),
        ("nothing", [], .broken(.empty)),
        ("no index", front + box("mdat", 500), .broken(.noIndex)),
        ("only the front", front, .broken(.noIndex)),
        ("an index cut short", front + box("mdat", 50) + box("moov", 40, size: 98), .broken(.truncated(missing: 50))),
        (
            "media cut short", front + box("moov", 9) + box("mdat", 20, size: 1 << 20),
            .broken(.truncated(missing: (1 << 20) - 28))
        ),
        ("a header cut short", front + box("moov", 9) + [0, 0, 0], .broken(.truncated(missing: nil))),
        ("a long header cut short", front + box("moov", 9) + Array(long.prefix(12)), .broken(.truncated(missing: nil))),
        ("text", Array("this is a text of some length".utf8), .broken(.otherFormat)),
        ("no front", box("moov", 9) + box("mdat", 9), .broken(.otherFormat)),
        ("a box shorter than its header", front + box("moov", 9) + box("mdat", 9, size: 7), .broken(.garbage(at: 41))),
        (
            "a long box that is too short",
            front + box("moov", 9) + bigEndian(1, 4) + Array("mdat".utf8) + bigEndian(15, 8),
            .broken(.garbage(at: 41))
        ),
        (
            "a length beyond all numbers",
            front + bigEndian(1, 4) + Array("moov".utf8) + [UInt8](repeating: 0xff, count: 8),
            .broken(.truncated(missing: .max - 24 - 16 + 24))
        ),
        ("zeros behind", front + box("moov", 9) + [UInt8](repeating: 0, count: 64), .broken(.garbage(at: 41))),
    ]

    @Test(arguments: films)
    func `an mp4 is whole where its boxes fill the file and an index is among them`(
        _ name: String, _ bytes: [UInt8], _ expected: Wholeness
    ) {
        #expect(check(.mp4, bytes) == expected, "\(name)")
    }

    @Test func `an mp4 is broken at every length but its own`() {
        let whole = Self.front + Self.box("moov", 90) + Self.long
        for length in whole.indices.dropFirst() {
            let found = check(.mp4, Array(whole[..<length]))
            // A cut between boxes leaves a file that is whole but for what is missing; only the index tells.
            #expect(found != .whole || length == 24 + 98, "\(length)")
        }
    }

    // MARK: wav

    private static func chunk(_ type: String, _ count: Int, size: Int? = nil, fill: UInt8 = 7) -> [UInt8] {
        Array(type.utf8) + littleEndian(size ?? count)
            + [UInt8](repeating: fill, count: count + (size == nil ? count % 2 : 0))
    }

    private static func littleEndian(_ number: Int) -> [UInt8] { bigEndian(number, 4).reversed() }

    private static func wave(_ body: [UInt8], kind: String = "RIFF", size: Int? = nil) -> [UInt8] {
        Array(kind.utf8) + littleEndian(size ?? 4 + body.count) + Array("WAVE".utf8) + body
    }

    private static let form = chunk("fmt ", 16)
    private static let longSizes =
        Array("ds64".utf8) + littleEndian(28)
        + [UInt8]([0, 0, 0, 0, 0, 0, 0, 0]) + littleEndian(100) + littleEndian(0) + [UInt8](repeating: 0, count: 12)

    static let waves: [(String, [UInt8], Wholeness)] = [
        ("plain", wave(form + chunk("data", 100)), .whole),
        ("a list before and behind", wave(form + chunk("LIST", 9) + chunk("data", 101) + chunk("LIST", 20)), .whole),
        ("an odd end without its padding", Array(wave(form + chunk("data", 101)).dropLast()), .whole),
        ("a size of the whole file", wave(form + chunk("data", 100), size: 4 + 24 + 108 + 8), .whole),
        ("of long sizes", wave(longSizes + form + chunk("data", 100, size: 0xffff_ffff), kind: "RF64"), .whole),
        (
            "of long sizes, cut", wave(longSizes + form + chunk("data", 60, size: 0xffff_ffff), kind: "RF64"),
            .broken(.truncated(missing: 40))
        ),
        ("cut", wave(form + chunk("data", 60, size: 100)), .broken(.truncated(missing: 40))),
        ("cut before its samples", wave(form), .broken(.truncated(missing: nil))),
        ("cut behind its samples", wave(form + chunk("data", 100), size: 500), .broken(.truncated(missing: 364))),
        ("cut in its form", Array(wave(form).dropLast(5)), .broken(.truncated(missing: 5))),
        ("written to a stream", wave(form + chunk("data", 100, size: 0xffff_ffff), size: 0xffff_ffff), .unknown),
        ("written to a pipe", wave(form + chunk("data", 100, size: 0x7fff_f000), size: 0x7fff_f024), .unknown),
        ("not closed", wave(form + chunk("data", 100, size: 0), size: 0), .unknown),
        ("more behind it than it says", wave(form + chunk("data", 100)) + [UInt8](repeating: 1, count: 50), .unknown),
        ("another form", Array("RIFF".utf8) + littleEndian(90) + Array("AVI ".utf8) + form, .broken(.otherFormat)),
        ("text", Array("this is a text of some length".utf8), .broken(.otherFormat)),
        ("nothing", [], .broken(.empty)),
    ]

    @Test(arguments: waves)
    func `a wav is whole where all its samples are there`(_ name: String, _ bytes: [UInt8], _ expected: Wholeness) {
        #expect(check(.wav, bytes) == expected, "\(name)")
    }

    // MARK: mp3

    /// Frames of MPEG-2.5 layer III, 8 kHz, 16 kbit/s: 144 bytes, 72 ms each.
    private static func frames(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { number in [0xff, 0xe3, 0x28, 0xc0] + [UInt8](repeating: UInt8(number % 200), count: 140) }
    }

    /// MPEG-1 layer III, 44.1 kHz, 128 kbit/s: 417 bytes, or 418 with padding.
    private static func padded(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { number -> [UInt8] in
            let extra = number % 2
            return [0xff, 0xfb, 0x90 | UInt8(extra << 1), 0xc0] + [UInt8](repeating: 3, count: 413 + extra)
        }
    }

    private static func id3(_ count: Int) -> [UInt8] {
        Array("ID3".utf8) + [4, 0, 0] + [21, 14, 7, 0].map { UInt8(count >> $0 & 0x7f) }
            + [UInt8](repeating: 0xff, count: count)
    }

    private static let oldTag = Array("TAG".utf8) + [UInt8](repeating: 32, count: 125)
    private static let apeTag =
        Array("APETAGEX".utf8) + [0xd0, 7, 0, 0, 52, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xa0]
        + [UInt8](repeating: 0, count: 8)
        + [UInt8](repeating: 65, count: 20) + Array("APETAGEX".utf8) + [
            0xd0, 7, 0, 0, 52, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80,
        ]
        + [UInt8](repeating: 0, count: 8)

    static let sounds: [(String, [UInt8], Wholeness)] = [
        ("frames", frames(300), .whole), ("frames with padding", padded(100), .whole), ("one frame", frames(1), .whole),
        ("two frames", frames(2), .whole), ("a tag before", id3(300) + frames(50), .whole),
        ("a tag behind", frames(50) + oldTag, .whole), ("another tag behind", frames(50) + apeTag, .whole),
        ("all tags", id3(2000) + frames(50) + apeTag + oldTag, .whole),
        ("zeros before", id3(20) + [UInt8](repeating: 0, count: 500) + frames(50), .whole),
        ("zeros behind", frames(50) + [UInt8](repeating: 0, count: 100), .whole),
        ("nothing", [], .broken(.empty)),
        ("a frame cut short", Array(frames(300).dropLast(40)), .broken(.truncated(missing: 40))),
        ("cut in the only frame", Array(frames(1).dropLast(40)), .broken(.truncated(missing: 40))),
        ("cut with padding", Array(padded(100).dropLast(1)), .broken(.truncated(missing: 1))),
        ("cut in a header", Array(frames(300).dropLast(142)), .broken(.truncated(missing: nil))),
        ("a tag cut short", Array(id3(3000).prefix(1000)), .broken(.truncated(missing: 2010))),
        ("only a tag", id3(3000), .broken(.truncated(missing: 0))),
        ("text", Array(String(repeating: "dear diary ", count: 100).utf8), .broken(.otherFormat)),
        ("one sync by chance", [0xff, 0xe3, 0x28, 0xc0] + [UInt8](repeating: 1, count: 4000), .broken(.otherFormat)),
        ("words behind", frames(50) + Array("LYRICSBEGIN and so on".utf8), .unknown),
        ("free format", [0xff, 0xfb, 0x00, 0xc0] + [UInt8](repeating: 1, count: 4000), .broken(.otherFormat)),
    ]

    @Test(arguments: sounds)
    func `an mp3 is whole where its last frame is`(_ name: String, _ bytes: [UInt8], _ expected: Wholeness) {
        #expect(check(.mp3, bytes) == expected, "\(name)")
    }

    @Test func `an mp3 that ends inside a frame is never whole`() {
        let whole = Self.id3(100) + Self.frames(200)
        for cut in 1..<144 {
            #expect(check(.mp3, Array(whole.dropLast(cut))) != .whole, "\(cut)")
        }
        #expect(check(.mp3, Array(whole.dropLast(144))) == .whole)
    }

    // MARK: encrypted

    private static let type: [UInt8] = [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 3]
    private static func definite(_ count: Int) -> [UInt8] {
        [0x30, 0x83] + bigEndian(count, 3) + type + [UInt8](repeating: 9, count: count - type.count)
    }
    private static let open =
        [0x30, 0x80] + type + [0xA0, 0x80, 0x30, 0x80, 2, 1, 0] + [UInt8](repeating: 9, count: 900)

    private static let openToContent =
        [0x30, 0x80] + type + [0xA0, 0x80, 0x30, 0x80, 2, 1, 0, 0x31, 0x81, 200] + [UInt8](repeating: 9, count: 200)
        + [0x30, 0x80] + type + [0x30, 3, 6, 1, 1, 0xA0, 0x80, 4, 100] + [UInt8](repeating: 9, count: 100)

    static let messages: [(String, ContainerFormat, [UInt8], Wholeness)] = [
        ("definite", .cms, definite(70_000), .whole),
        ("definite, short", .cms, Array(definite(70_000).dropLast(3)), .broken(.truncated(missing: 3))),
        ("definite, longer", .cms, definite(70_000) + [1], .broken(.garbage(at: 70_005))),
        ("indefinite", .cms, open + [UInt8](repeating: 0, count: 6), .whole),
        ("indefinite to the content", .cms, openToContent + [UInt8](repeating: 0, count: 10), .whole),
        (
            "indefinite to the content, short", .cms, openToContent + [UInt8](repeating: 0, count: 9),
            .broken(.truncated(missing: nil))
        ),
        ("indefinite, more levels", .cms, open + [UInt8](repeating: 0, count: 10), .whole),
        ("indefinite, short", .cms, open + [UInt8](repeating: 0, count: 5), .broken(.truncated(missing: nil))),
        ("indefinite, without end", .cms, open, .broken(.truncated(missing: nil))),
        ("not a message", .cms, [UInt8](repeating: 0x31, count: 100), .broken(.otherFormat)),
        ("text", .pem, Array("-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n".utf8), .whole),
        ("text, blank lines behind", .pem, Array("-----BEGIN CMS-----\nMIIB\n-----END CMS-----\r\n\n".utf8), .whole),
        (
            "text, short", .pem, Array("-----BEGIN PKCS7-----\nMIIB\n-----END PKC".utf8),
            .broken(.truncated(missing: nil))
        ),
        ("text, shorter", .pem, Array("-----BEGIN PKCS7-----\nMI".utf8), .broken(.truncated(missing: nil))),
    ]

    @Test(arguments: messages)
    func `an encrypted file is whole where its message ends with it`(
        _ name: String, _ format: ContainerFormat, _ bytes: [UInt8], _ expected: Wholeness
    ) {
        #expect(check(format, bytes) == expected, "\(name)")
    }

    @Test func `the format is told by a wrapper first, then by the name`() {
        func format(_ name: String, _ bytes: [UInt8], isEncrypted: Bool = false) -> ContainerFormat? {
            ContainerFormat(name: FilePath(name), firstBytes: bytes, isEncrypted: isEncrypted)
        }
        #expect(format("/a/b.MP3", [0xff]) == .mp3)
        #expect(format("/a/b.mp4", Self.front) == .mp4)
        #expect(format("/a/b.wav", Array("RIFF".utf8)) == .wav)
        #expect(format("/a/b.mp4", Self.definite(70_000)) == .cms)
        #expect(format("/a/b.mp4", Self.open) == .cms)
        #expect(format("/a/b.mp3.bin", Array("-----BEGIN CMS-----".utf8)) == .pem)
        #expect(format("/a/b.mp3.bin", [1, 2, 3]) == nil)
        #expect(format("/a/b.recd", [1, 2, 3]) == nil)
        #expect(format("/a/b.mp3", [1, 2, 3], isEncrypted: true) == nil)
        #expect(format("/a/b.mp3", Self.definite(70_000), isEncrypted: true) == .cms)
    }

    @Test(arguments: [ContainerFormat.mp3, .mp4, .wav, .cms, .pem])
    func `no bytes crash a check`(_ format: ContainerFormat) {
        var generator = SystemRandomNumberGenerator()
        let seeds: [[UInt8]] = [
            Self.front + Self.box("moov", 9) + Self.long, Self.frames(5), Self.definite(70_000), Self.open,
            Self.id3(20), Self.apeTag, Self.wave(Self.longSizes + Self.form + Self.chunk("data", 100), kind: "RF64"),
        ]
        for seed in seeds {
            for _ in 0..<300 {
                var bytes = Array(seed.prefix(Int.random(in: 0...seed.count, using: &generator)))
                for _ in 0..<4 where !bytes.isEmpty {
                    bytes[Int.random(in: 0..<min(40, bytes.count), using: &generator)] = .random(in: 0 ... .max)
                }
                _ = check(format, bytes)
                _ = ContainerFormat(name: FilePath("x"), firstBytes: bytes)
            }
        }
    }
}
