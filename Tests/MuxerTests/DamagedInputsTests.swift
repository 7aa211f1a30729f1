import Glibc
import Ledger
import Media
import Support
import Testing
import Vocabulary

@testable import Muxer

/// Inputs that are damaged, of another kind than their name says, encrypted for others, or made to hurt.
///
/// What can be known to be damaged makes no result, and the failure says which half it is; what nobody can know is
/// labelled. A result that is made plays from its first to its last byte.
@Suite(.serialized) struct DamagedInputsTests {
    private static var count: Int { getenv("TAKEUP_LONG_TESTS") == nil ? 36 : 200 }

    @Test(.timeLimit(.minutes(60)))
    func `of damaged inputs none crashes or hangs a worker, and what shows becomes no result`() async throws {
        let seed = getenv("TAKEUP_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
        print("Damaging with TAKEUP_SEED=\(seed)")
        var maker = DamageMaker(seed: seed)
        var (refused, labelled) = (0, 0)
        for number in 0..<DamagedInputsTests.count {
            let keepsMP3 = maker.keepsMP3()
            let fixture = try await MuxFixture(keepsMP3: keepsMP3)
            let damage = try maker.next(number, fixture, sampleRate: keepsMP3 ? 16_000 : 8000)
            let pair = try await fixture.pair(sound: damage.sound, screens: [damage.screen])
            let begun = ContinuousClock.now
            do {
                let made = try await fixture.make(pair)
                labelled += 1
                #expect(!damage.isSeen, "\(damage.name), number \(number)")
                #expect(!made.isVouchedFor, "\(damage.name), number \(number)")
                #expect(made.result.facts.streams.count == 2)
            } catch {
                refused += 1
                let text = String(describing: error)
                #expect(text.contains(damage.isOfSound ? "the sound" : "the screen"), "\(damage.name): \(text)")
                #expect(!text.contains(MuxFixture.sid.rawValue) && text.count < 700, "\(damage.name): \(text)")
            }
            #expect(ContinuousClock.now - begun < .seconds(120), "\(damage.name), number \(number)")
        }
        print("\(refused) refused, \(labelled) labelled unauthenticated")
    }

    /// Zeros as a bad disk leaves them, or zeros in ciphertext, which become noise.
    @Test(arguments: [false, true], [false, true])
    func `damage of a long screen that lies in no key picture is seen, too`(
        isEncrypted: Bool, keepsMP3: Bool
    ) async throws {
        for part in [10, 50, 100] {
            let fixture = try await MuxFixture(keepsMP3: keepsMP3)
            var screen = try fixture.screen(seconds: 20)
            // Damage of ciphertext becomes noise, which a decoder takes for a picture now and then: not four times.
            var damaged = try pictures(of: try fixture.samples.screen(seconds: 20))[part..<part + (isEncrypted ? 4 : 1)]
                .map { $0 + 100 }
            if isEncrypted {
                let length = screen.bytes.count
                try fixture.encrypt(&screen, isDetached: false)
                // What stands before the content; behind it are 16 bytes at most.
                damaged = damaged.map { $0 + screen.bytes.count - length }
            }
            for from in damaged { for place in from..<from + 512 { screen.bytes[place] = 0 } }
            if !isEncrypted { try await expectCleanKeyPictures(screen.bytes, fixture) }
            let failure = try await fixture.failure(
                of: try await fixture.pair(
                    sound: fixture.speech(seconds: 21, sampleRate: keepsMP3 ? 16_000 : 8000), screens: [screen]))
            #expect(failure.text.contains("the screen is damaged"), "in picture \(part): \(failure.text)")
            #expect(failure.isTransient == false)
        }
    }

    /// Where those begin that are no key pictures, and are long enough to be damaged within.
    private func pictures(of path: String) throws -> [Int] {
        let text = try ChildProcess.run([
            "/usr/bin/ffprobe", "-v", "error", "-show_entries", "packet=pos,size,flags", "-of", "csv=p=0", path,
        ])
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ",")
            guard fields.count >= 3, let size = Int(fields[0]), let place = Int(fields[1]) else { return nil }
            return fields[2].contains("K") || size < 700 ? nil : place
        }
    }

    private func expectCleanKeyPictures(_ bytes: [UInt8], _ fixture: MuxFixture) async throws {
        let path = fixture.root + "/damaged.mp4"
        try writeSample(bytes, to: path)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let report = try await fixture.work.tools.decode(
            [DecodeStretch(.picture, of: file, format: .mp4, extent: .keyPictures)], doing: "decode")
        #expect(report.isClean, "\(report.firstComplaint ?? "")")
    }
}

/// One pair of which one half is not what it should be.
private struct Damage {
    let name: String
    let sound: MuxFixture.Half
    let screen: MuxFixture.Half
    let isOfSound: Bool
    /// Whether it can be known.
    let isSeen: Bool
}

/// Damages in turn, each of another kind than the one before, at places by a seed.
private struct DamageMaker {
    private var chance: SeededNumbers

    init(seed: UInt64) { chance = SeededNumbers(state: seed) }

    private enum Kind: CaseIterable {
        case flippedBits, cut, blanks, garbage, otherKind, text, empty
        case foreignKey, changedCBC, changedGCM, changedEnvelope, cutCipher
        case hugeBox, manyPackets, farData, playlist, script, deepBoxes, longTimes, hugeTag, hugePictures, manyFrames
    }

    mutating func keepsMP3() -> Bool { place(2) == 0 }

    mutating func next(_ number: Int, _ fixture: MuxFixture, sampleRate: Int) throws -> Damage {
        let kind = Kind.allCases[number % Kind.allCases.count]
        let isOfSound = isOfSound(kind)
        var halves = (
            sound: try fixture.speech(seconds: 4, sampleRate: sampleRate), screen: try fixture.screen(seconds: 4)
        )
        var half = isOfSound ? halves.sound : halves.screen
        var isSeen = true
        let other = isOfSound ? halves.screen.bytes : halves.sound.bytes
        switch kind {
        case .flippedBits:
            for _ in 0...place(12) { half.bytes[place(half.bytes.count)] ^= 1 << UInt8(place(8)) }
            isSeen = false
        case .cut: half.bytes.removeLast(1 + place(half.bytes.count - 1))
        case .blanks:
            let from = place(half.bytes.count / 2)
            for index in from..<min(half.bytes.count, from + half.bytes.count / 3) { half.bytes[index] = 0 }
        case .garbage: half.bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &chance) }
        case .otherKind: half.bytes = other
        case .text: half.bytes = Array("Dear recorder, there is no recording today.\n".utf8)
        case .empty: half.bytes = []
        case .foreignKey:
            try fixture.encrypt(
                &half, isDetached: place(2) == 0, for: place(2) == 0 ? .stranger : .rsaImpostor)
        case .changedCBC:
            try fixture.encrypt(&half, isDetached: false)
            half.bytes[half.bytes.count / 2 + place(half.bytes.count / 3)] ^= 0x10
            isSeen = false
        case .changedGCM:
            try fixture.encrypt(&half, isDetached: false, cipher: "aes-256-gcm")
            half.bytes[600 + place(half.bytes.count - 600)] ^= 0x10
        case .changedEnvelope:
            try fixture.encrypt(&half, isDetached: false)
            half.bytes[place(300)] ^= UInt8(1 + place(255))
            // A changed serial number, say, names nobody; a changed version is passed over.
            isSeen = false
        case .cutCipher:
            try fixture.encrypt(&half, isDetached: false)
            half.bytes.removeLast(1 + place(half.bytes.count / 2))
        default: (half.bytes, isSeen) = try hostile(kind, half.bytes, fixture)
        }
        if isOfSound { halves.sound = half } else { halves.screen = half }
        return Damage(
            name: "\(kind) of the \(isOfSound ? "sound" : "screen")", sound: halves.sound, screen: halves.screen,
            isOfSound: isOfSound, isSeen: isSeen)
    }

    private mutating func isOfSound(_ kind: Kind) -> Bool {
        switch kind {
        case .hugeTag, .manyFrames: true
        case .hugeBox, .manyPackets, .farData, .deepBoxes, .longTimes, .hugePictures: false
        default: place(2) == 0
        }
    }

    private mutating func place(_ count: Int) -> Int { Int.random(in: 0..<max(1, count), using: &chance) }

    /// Made to hurt who reads it.
    private mutating func hostile(
        _ kind: Kind, _ bytes: [UInt8], _ fixture: MuxFixture
    ) throws -> ([UInt8], isSeen: Bool) {
        var bytes = bytes
        /// Puts four bytes behind the letters of a box, so far behind.
        func set(_ box: String, _ distance: Int, _ value: [UInt8]) {
            guard let found = bytes.firstRange(of: Array(box.utf8)) else { return }
            bytes.replaceSubrange(found.upperBound + distance..<found.upperBound + distance + value.count, with: value)
        }
        func grow(_ box: String, by count: Int) {
            guard let found = bytes.firstRange(of: Array(box.utf8)) else { return }
            let place = found.lowerBound - 4..<found.lowerBound
            let size = bytes[place].reduce(0) { $0 << 8 | Int($1) } + count
            bytes.replaceSubrange(place, with: [24, 16, 8, 0].map { UInt8(size >> $0 & 0xff) })
        }
        switch kind {
        case .hugeBox:
            // A box of nearly 16 exabytes, or of all that 32 bits hold.
            let huge: [UInt8] = place(2) == 0 ? [0, 0, 0, 1] : [0xff, 0xff, 0xff, 0xf0]
            guard let found = bytes.firstRange(of: Array("mdat".utf8)) else { return (bytes, false) }
            bytes.replaceSubrange(found.lowerBound - 4..<found.lowerBound, with: huge)
            return (bytes, true)
        case .manyPackets:
            set("stsz", 8, [0xff, 0xff, 0xff, 0xff])
            return (bytes, true)
        case .farData:
            // The media lie behind an address, or in a file of this machine.
            let address = Array((place(2) == 0 ? "http://127.0.0.1:9/x" : "file:///etc/hostname").utf8) + [0]
            set("url ", 0, [0, 0, 0, 0])
            for box in ["moov", "trak", "mdia", "minf", "dinf", "dref", "url "] { grow(box, by: address.count) }
            guard let found = bytes.firstRange(of: Array("url ".utf8)) else { return (bytes, false) }
            bytes.insert(contentsOf: address, at: found.upperBound + 4)
            return (bytes, false)
        case .playlist:
            return (
                Array("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n".utf8), true
            )
        case .script: return (Array("ffconcat version 1.0\nfile '/etc/hostname'\n".utf8), true)
        case .deepBoxes:
            // Boxes inside boxes, ten thousand deep.
            var deep: [UInt8] = []
            for level in 0..<10_000 {
                let size = 8 * (10_000 - level)
                deep += [24, 16, 8, 0].map { UInt8(size >> $0 & 0xff) } + Array("moov".utf8)
            }
            return (Array(bytes.prefix(32)) + deep, true)
        case .longTimes:
            // Each picture lasts for weeks.
            set("stts", 12, [0x7f, 0xff, 0xff, 0xff])
            return (bytes, false)
        case .hugeTag:
            return (Array("ID3".utf8) + [3, 0, 0, 0x7f, 0x7f, 0x7f, 0x7f] + bytes, true)
        case .manyFrames:
            // The first frame says that there are four thousand million.
            set("Xing", 4, [0xff, 0xff, 0xff, 0xff])
            set("Info", 4, [0xff, 0xff, 0xff, 0xff])
            return (bytes, true)
        case .hugePictures: return (try fixture.hugeScreen(), false)
        default: return (bytes, false)
        }
    }
}

extension MuxWork.Made {
    var isVouchedFor: Bool { authenticity != .unauthenticated }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same for the same seed.
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
