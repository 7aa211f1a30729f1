internal import Vocabulary

/// The sound and the screens that calls are made of: real speech, a real screen, each length made once and kept.
///
/// What a call gets is a sample with a mark of its own in it, so that no two files of a recorder are alike.
package struct RecorderModelMedia: Sendable {
    /// By seconds.
    private(set) var sounds: [Int: [UInt8]]
    let screens: [Int: [UInt8]]
    /// PEM of the recipient whose key is ``keyPath``, and of one whose key was thrown away.
    let certificate: [UInt8]
    let strangerCertificate: [UInt8]
    /// The private key (RSA, PEM without password) that opens what ``certificate`` closes.
    package let keyPath: String
    package let certificatePath: String

    /// Where samples are kept, seen from the directory that holds the package.
    package static let usualDirectory = ".build/recorder-media"
    /// The samples that all of this process share, made when first asked for.
    package static func shared() throws -> RecorderModelMedia { try sharedOutcome.get() }
    private static let sharedOutcome = Result {
        let root = FilePath(#filePath).parent.parent.parent
        return try RecorderModelMedia(directory: root.appending(usualDirectory).displayText)
    }

    /// Takes the samples from `directory`, and makes in a few seconds those that are not there.
    package init(directory: String) throws {
        try RecorderModelFile.makeDirectories(FilePath(directory))
        let samples = try MediaSamples(directory: directory)
        func bytes(_ path: String) throws -> [UInt8] { try RecorderModelFile.read(FilePath(path)) }
        sounds = try Dictionary(
            uniqueKeysWithValues: RecorderModelPlan.lengths.map {
                ($0, Self.withoutTag(try bytes(samples.speech(seconds: $0))))
            })
        screens = try Dictionary(
            uniqueKeysWithValues: Self.screenLengths.map {
                ($0, try bytes(samples.screen(seconds: $0, size: "640x360", rate: 5, preset: "veryfast")))
            })
        let recipients = CMSSamples(in: samples)
        keyPath = try recipients.key(of: .rsa)
        certificatePath = try recipients.certificate(of: .rsa)
        certificate = try bytes(certificatePath)
        strangerCertificate = try bytes(recipients.certificate(of: .stranger))
    }

    /// The same with longer sounds: the frames of each again and again, until it is of so many bytes.
    package func withSounds(ofAtLeast bytes: Int) -> RecorderModelMedia {
        var longer = self
        longer.sounds = sounds.mapValues { sound in
            let count = (bytes + max(sound.count, 1) - 1) / max(sound.count, 1)
            return Array(repeatElement(sound, count: max(1, count)).joined())
        }
        return longer
    }

    /// An mp3 without the ID3v2 tag that it begins with: two in a row are more than some readers look past.
    private static func withoutTag(_ sound: [UInt8]) -> [UInt8] {
        guard sound.count > 10, sound.starts(with: Array("ID3".utf8)) else { return sound }
        return Array(sound.dropFirst(10 + sound[6..<10].reduce(0) { $0 << 7 | Int($1) }))
    }

    /// An mp3 with a mark in an ID3v2.3 tag before it (id3.org, ID3v2.3.0, 3.1 and 4.2.2).
    package func sound(seconds: Int, mark: String) -> [UInt8] {
        let text = Array("\u{0}recorder\u{0}\(mark)".utf8)
        let frame = Array("TXXX".utf8) + bigEndian(text.count) + [0, 0] + text
        let size = [21, 14, 7, 0].map { UInt8((frame.count >> $0) & 0x7f) }
        return Array("ID3".utf8) + [3, 0, 0] + size + frame + (sounds[seconds] ?? [])
    }

    /// An mp3 of exactly so many bytes: as many whole frames as there is room for, behind a tag with the mark that is
    /// padded (ID3v2.3.0, 3.1). At least 1 KiB.
    package func sound(ofBytes bytes: Int, mark: String) -> [UInt8] {
        let text = Array("\u{0}recorder\u{0}\(mark)".utf8)
        let entry = Array("TXXX".utf8) + bigEndian(text.count) + [0, 0] + text
        let speech = sounds[Self.frameSeconds] ?? []
        // The first frame, half as long again, holds the number of frames, which would be wrong.
        let frames = speech.indices.dropFirst(Self.frameBytes + speech.count % Self.frameBytes)
        let wanted = (bytes - 10 - entry.count) / Self.frameBytes * Self.frameBytes
        var sound: [UInt8] = []
        while sound.count < wanted { sound += speech[frames.prefix(wanted - sound.count)] }
        let tag = bytes - 10 - sound.count
        let size = [21, 14, 7, 0].map { UInt8((tag >> $0) & 0x7f) }
        return Array("ID3".utf8) + [3, 0, 0] + size + entry + Array(repeating: 0, count: tag - entry.count) + sound
    }
    private static let frameSeconds = 4
    /// All samples of speech have 16 kbit/s at 8 kHz: 144 bytes a frame (ISO/IEC 13818-3, MPEG-2.5), without padding.
    private static let frameBytes = 144

    /// An mp4 with a mark in a `free` box behind it (ISO/IEC 14496-12, 8.1.2).
    package func screen(seconds: Int, mark: String) -> [UInt8] {
        let text = Array(mark.utf8)
        return (screens[seconds] ?? []) + bigEndian(8 + text.count) + Array("free".utf8) + text
    }

    /// The mp4 up to its `moov` box, which ffmpeg writes last: what a recorder that died leaves.
    static func withoutIndex(_ screen: [UInt8]) -> [UInt8] {
        var start = 0
        while start + 8 <= screen.count {
            let size = screen[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            if Array(screen[start + 4..<start + 8]) == Array("moov".utf8) || size < 8 { break }
            start += size
        }
        return Array(screen[..<min(start, screen.count)])
    }

    /// Bytes that nobody but the vendor's player understands.
    static func opaqueScreen(seconds: Int, mark: String, _ chance: inout RecorderModelPlan.Chance) -> [UInt8] {
        var bytes = Array("RECD\u{0}\(mark)\u{0}".utf8)
        for _ in 0..<seconds * 1024 {
            withUnsafeBytes(of: chance.next()) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private static let screenLengths = Array(
        Set(RecorderModelPlan.lengths + RecorderModelPlan.lengths.map { $0 - RecorderModelPlan.screenDelay })
    ).sorted()
}

private func bigEndian(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8((number >> $0) & 0xff) } }
