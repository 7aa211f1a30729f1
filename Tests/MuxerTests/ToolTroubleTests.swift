import Files
import Glibc
import Media
import Planning
import Support
import Testing
import Vocabulary

@testable import Muxer

/// Pairs that are good, and a tool that fails at them: nothing is left out for it, and nothing published that it did not pass.
@Suite struct ToolTroubleTests {
    /// With a script in ffmpeg's place, which does what ffmpeg does but for what is said before.
    private func fixture(keepsMP3: Bool, ffmpeg script: String) async throws -> MuxFixture {
        let fixture = try await MuxFixture(keepsMP3: keepsMP3)
        let path = fixture.root + "/tool"
        try writeSample(Array("#!/bin/sh\n\(script)\nexec /usr/bin/ffmpeg \"$@\"\n".utf8), to: path)
        chmod(path, 0o755)
        fixture.use(MediaTools(ffmpeg: FilePath(path), ffprobe: FilePath("/usr/bin/ffprobe")))
        return fixture
    }

    private func twoScreens(_ fixture: MuxFixture) throws -> [MuxFixture.Half] {
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.delay, second.delay, second.name) = (.milliseconds(1500), .milliseconds(7250), "second.mp4")
        return [first, second]
    }

    @Test func `what does not decode when its packets are joined is not joined so again, though each screen decodes`()
        async throws
    {
        // The result is what is decoded by its first pictures, whole; the screens are by their numbers in the file.
        let fixture = try await fixture(
            keepsMP3: true,
            ffmpeg: """
                case "$*" in
                *" -ss "*|*"-skip_frame nokey"*) ;;
                *"-map 0:v:0 -enc_time_base -1 -f null -") echo "[h264 @ 0] error while decoding MB 3 4" >&2; exit 0 ;;
                esac
                """)
        let made = try await fixture.make(
            try await fixture.pair(
                sound: fixture.speech(seconds: 12, sampleRate: 16_000), screens: twoScreens(fixture)))
        // Nor was what a tool joined taken for good by a look at its key pictures.
        #expect(made.result.picture == .encode(.copyUnfit))
        #expect(made.leftOut.isEmpty)
    }

    @Test(arguments: [
        "echo '[h264 @ 0] thread_get_buffer() failed' >&2; echo '[h264 @ 0] decode_slice_header error' >&2; exit 1",
        "echo 'file:/dev/fd/3: Resource temporarily unavailable' >&2; exit 1", "exit 255",
    ])
    func `a tool that its host lets down leaves no screen out`(_ trouble: String) async throws {
        for keepsMP3 in [true, false] {
            let fixture = try await fixture(
                keepsMP3: keepsMP3, ffmpeg: "case \"$*\" in *mov*'-f null -') \(trouble) ;; esac")
            let failure = try await fixture.failure(
                of: try await fixture.pair(
                    sound: fixture.speech(seconds: 12, sampleRate: keepsMP3 ? 16_000 : 8000),
                    screens: twoScreens(fixture)))
            #expect(failure.isTransient == true, "\(failure.text)")
            #expect(failure.text.contains("tool starved") && !failure.text.contains("damaged"), "\(failure.text)")
        }
    }

    @Test func `a screen whose damage does not show a second time is neither muxed nor left out`() async throws {
        // Reading moves the place in what was lent, which nobody else goes by: the letters come the first time.
        let fixture = try await fixture(
            keepsMP3: false,
            ffmpeg: """
                case "$*" in *"-map 0:0 "*"-f null -")
                case "$(dd bs=5 count=1 <&3 2>/dev/null | tr -d '\\0')" in
                *f) echo "[h264 @ 0] error while decoding MB 3 4" >&2; exit 0 ;;
                esac ;; esac
                """)
        let failure = try await fixture.failure(
            of: try await fixture.pair(sound: fixture.speech(seconds: 61), screens: twoScreens(fixture)))
        #expect(failure.text.contains("decoded with errors once, and without the next time"), "\(failure.text)")
        #expect(failure.isTransient == true)
    }
}

extension MuxFixture {
    func use(_ tools: MediaTools) {
        work = MuxWork(
            tools: tools, decryptor: work.decryptor, rules: work.rules, tolerance: work.tolerance, madeBy: work.madeBy,
            threads: work.threads, patience: work.patience, resultKey: work.resultKey)
    }
}
