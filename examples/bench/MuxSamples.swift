internal import Glibc
internal import Support

/// What is muxed, the same in each run.
struct MuxSamples: Sendable {
    /// What a mux has to do.
    enum Kind: CaseIterable, Sendable {
        /// Both streams are copied.
        case copied
        /// Pictures begin late and end early, black is put around them; both streams are copied.
        case padded
        /// The sound becomes AAC.
        case encoded
        /// Both streams are copied, and all pictures are decoded, as nothing vouches for them.
        case decoded

        var words: String {
            switch self {
            case .copied: "copied"
            case .padded: "copied, with delay and padding"
            case .encoded: "sound to AAC"
            case .decoded: "copied, all pictures decoded"
            }
        }
        /// Seconds after the sound.
        var delay: Int { self == .padded ? 12 : 0 }
        var screenSeconds: Int { self == .padded ? 280 : MuxSamples.seconds }
        /// Of ffmpeg's time for the same.
        var bar: Double? {
            switch self {
            case .copied, .padded: 2
            case .encoded: 1.3
            case .decoded: nil
            }
        }
        var settings: String {
            switch self {
            case .copied, .padded: "keep_mp3 = true\npicture_check = \"joins\"\n"
            case .encoded: "picture_check = \"joins\"\n"
            case .decoded: "keep_mp3 = true\n"
            }
        }
    }

    static let seconds = 300
    let pairs: Int
    let rounds: Int
    private let media: MediaSamples

    init(pairs: Int, rounds: Int) throws {
        self.pairs = pairs
        self.rounds = rounds
        let directory = ".build/bench-media"
        try ChildProcess.run(["/bin/mkdir", "-p", directory])
        media = try MediaSamples(directory: directory)
    }

    func sound() throws -> String { try media.speech(seconds: MuxSamples.seconds, sampleRate: 16_000) }

    /// Some 8 MB for five minutes.
    func screen(seconds: Int = MuxSamples.seconds) throws -> String {
        try media.made("bench-screen-\(seconds).mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "testsrc2=size=1280x1024:rate=5", "-t", "\(seconds)", "-c:v", "libx264", "-preset", "veryfast", "-b:v",
                "220k", "-pix_fmt", "yuv420p", "-f", "mp4", path,
            ])
        }
    }

    /// A sample again and again, without encoding, until it lasts so long.
    func long(_ path: String, seconds: Int, format: String) throws -> String {
        try media.made("bench-long-\(seconds).\(format)") { output in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", path, "-t",
                "\(seconds)", "-c", "copy", "-f", format, output,
            ])
        }
    }

    /// The recorder's certificate is that of every ``ScratchSite``.
    func encrypted(_ path: String, certificate: String) throws -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? "sample"
        return try media.made("\(name).cms") { output in
            try ChildProcess.run([
                "/usr/bin/openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", "-in", path,
                "-out",
                output, "-recip", certificate,
            ])
        }
    }

    /// Bytes that mean nothing.
    func noise(bytes: Int) throws -> String {
        try media.made("bench-noise-\(bytes)") { output in
            try ChildProcess.run(["/bin/sh", "-c", "head -c \(bytes) /dev/urandom > \"$1\"", "-", output])
        }
    }

    /// Seconds that a command took, run again and again: the one in the middle.
    func median(_ command: [String], rounds: Int? = nil) throws -> Double {
        Distribution(
            try (0..<(rounds ?? self.rounds)).map { _ in
                let begun = ContinuousClock.now
                try ChildProcess.run(command)
                return (ContinuousClock.now - begun).inSeconds
            }
        ).percentile(50)
    }
}
