internal import Glibc

/// Real speech and real screens to test with, each made once per directory and kept there.
///
/// Safe to use from several tests at once: of what two make at the same time, the first stays.
package struct MediaSamples: Sendable {
    package let directory: String

    /// Makes the directory where it is missing.
    package init(directory: String) throws {
        self.directory = directory
        if mkdir(directory, 0o755) != 0 && errno != EEXIST {
            throw SampleFailure("make \(directory): errno \(errno)")
        }
    }

    /// Of this process, in a directory of its own that goes with it.
    package static let ofThisRun: MediaSamples? = {
        let path = "/tmp/takeup-samples-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        atexit { MediaSamples.ofThisRun?.remove() }
        return try? MediaSamples(directory: path)
    }()

    private func remove() { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }

    /// Speech as a telephone recorder writes it: mono mp3.
    /// - Parameter sampleRate: 8000 cannot be copied into an mp4, 16000 can.
    package func speech(seconds: Int, sampleRate: Int = 8000) throws -> String {
        try made("speech-\(seconds)-\(sampleRate).mp3") { path in
            try ChildProcess.run(["/usr/bin/espeak-ng", "-s", "150", "-w", path + ".wav", Self.words])
            defer { unlink(path + ".wav") }
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", path + ".wav", "-t",
                "\(seconds)",
                "-ar", "\(sampleRate)", "-ac", "1", "-c:a", "libmp3lame", "-b:a", "16k", "-f", "mp3", path,
            ])
        }
    }

    /// A moving test picture as H.264 in mp4.
    /// - Parameter quality: of x264's constant rate factor.
    package func screen(
        seconds: Int, size: String = "320x240", rate: Int = 10, preset: String = "ultrafast", quality: String = "23"
    ) throws -> String {
        try made("screen-\(seconds)-\(size)-\(rate)-\(preset)-\(quality).mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "testsrc2=size=\(size):rate=\(rate)",
                "-t", "\(seconds)", "-c:v", "libx264", "-preset", preset, "-crf", quality, "-pix_fmt", "yuv420p", "-f",
                "mp4", path,
            ])
        }
    }

    /// A small file of pictures that are as large as H.264 allows: decoding them is the work.
    package func hugeScreen() throws -> String {
        try made("huge-screen.mp4") { path in
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                "color=c=gray:size=8192x4320:rate=5", "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt",
                "yuv420p", "-f", "mp4", path,
            ])
        }
    }

    /// Any other sample: the closure writes it to the path that it gets.
    package func made(_ name: String, _ make: (String) throws -> Void) throws -> String {
        let path = "\(directory)/\(name)"
        if access(path, F_OK) == 0 { return path }
        let draft = "\(path).\(UInt32.random(in: 0 ... .max)).draft"
        defer { unlink(draft) }
        try make(draft)
        // Not by renaming: keys are not equal, and one that another has already used must stay.
        guard link(draft, path) == 0 || errno == EEXIST else { throw SampleFailure("link \(path): errno \(errno)") }
        return path
    }

    private static let words = """
        Good morning, this is the service desk, my name is Carol. Good morning Carol, I would like to ask about my \
        contract. Certainly. It ends in June, and you can renew it until May. Then I would like to renew it, please.
        """
}

package struct SampleFailure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
