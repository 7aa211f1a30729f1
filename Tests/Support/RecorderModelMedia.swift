internal import Glibc
internal import Vocabulary

/// The sound and the screens that calls are made of: real speech, a real screen, each length made once and kept.
///
/// What a call gets is a sample with a mark of its own in it, so that no two files of a recorder are alike.
package struct RecorderModelMedia: Sendable {
    /// By seconds.
    let sounds: [Int: [UInt8]]
    let screens: [Int: [UInt8]]
    /// PEM of the recipient whose key is ``keyPath``, and of one whose key was thrown away.
    let certificate: [UInt8]
    let strangerCertificate: [UInt8]
    /// The private key (RSA, PEM without password) that opens what ``certificate`` closes.
    package let keyPath: String
    package let certificatePath: String

    /// Takes the samples from `directory`; makes it, in about five seconds, where it is not there.
    package init(directory: String) throws {
        let edition = directory + "/samples-2"
        if access(edition, F_OK) != 0 { try Self.make(edition) }
        func bytes(_ name: String) throws -> [UInt8] { try RecorderModelFile.read(FilePath(edition + "/" + name)) }
        func samples(_ lengths: [Int], _ name: (Int) -> String) throws -> [Int: [UInt8]] {
            Dictionary(uniqueKeysWithValues: try lengths.map { ($0, try bytes(name($0))) })
        }
        sounds = try samples(RecorderModelPlan.lengths) { "sound-\($0).mp3" }
        screens = try samples(Self.screenLengths) { "screen-\($0).mp4" }
        certificate = try bytes("certificate.pem")
        strangerCertificate = try bytes("stranger.pem")
        keyPath = edition + "/key.pem"
        certificatePath = edition + "/certificate.pem"
    }

    /// An mp3 with a mark in an ID3v2.3 tag before it (id3.org, ID3v2.3.0, 3.1 and 4.2.2).
    func sound(seconds: Int, mark: String) -> [UInt8] {
        let text = Array("\u{0}recorder\u{0}\(mark)".utf8)
        let frame = Array("TXXX".utf8) + bigEndian(text.count) + [0, 0] + text
        let size = [21, 14, 7, 0].map { UInt8((frame.count >> $0) & 0x7f) }
        return Array("ID3".utf8) + [3, 0, 0] + size + frame + (sounds[seconds] ?? [])
    }

    /// An mp4 with a mark in a `free` box behind it (ISO/IEC 14496-12, 8.1.2).
    func screen(seconds: Int, mark: String) -> [UInt8] {
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

    private static let speech = """
        Good morning, you have reached the order desk, my name is Alice. Good morning Alice, I am calling about the \
        two armchairs that I ordered last week. Let me have a look. Yes, I can see them here. They left our warehouse \
        yesterday, and they should be with you on Thursday between nine and eleven. That is very good to hear. Is there \
        anything else that I can do for you? No, that was all. Then thank you for calling, and have a nice day.
        """

    private static func make(_ edition: String) throws {
        let draft = "\(edition).\(getpid())"
        try RecorderModelFile.makeDirectories(FilePath(draft))
        let ffmpeg = ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y"]
        try ChildProcess.run(["/usr/bin/espeak-ng", "-s", "150", "-w", draft + "/speech.wav", speech])
        for seconds in RecorderModelPlan.lengths {
            try ChildProcess.run(
                ffmpeg + ["-stream_loop", "-1", "-i", draft + "/speech.wav", "-t", "\(seconds)", "-ar", "8000"]
                    + ["-ac", "1", "-c:a", "libmp3lame", "-b:a", "16k", "-id3v2_version", "0"]
                    + ["\(draft)/sound-\(seconds).mp3"])
        }
        for seconds in screenLengths {
            try ChildProcess.run(
                ffmpeg + ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=5", "-t", "\(seconds)"]
                    + ["-c:v", "libx264", "-preset", "veryfast", "-crf", "30", "-pix_fmt", "yuv420p"]
                    + ["\(draft)/screen-\(seconds).mp4"])
        }
        try ChildProcess.run(["/bin/rm", draft + "/speech.wav"])
        for name in ["certificate", "stranger"] {
            let key = name == "stranger" ? "/dev/null" : draft + "/key.pem"
            try ChildProcess.run([
                "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-batch",
                "-subj", "/CN=recorder \(name)", "-keyout", key, "-out", "\(draft)/\(name).pem",
            ])
        }
        // Of two that make it at the same time one is first; the other's is as good and goes.
        if rename(draft, edition) != 0 { try ChildProcess.run(["/bin/rm", "-rf", draft]) }
    }
}

private func bigEndian(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8((number >> $0) & 0xff) } }
