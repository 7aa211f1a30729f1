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
}

extension MuxFixture {
    func use(_ tools: MediaTools) {
        work = MuxWork(
            tools: tools, decryptor: work.decryptor, rules: work.rules, tolerance: work.tolerance, madeBy: work.madeBy,
            threads: work.threads, patience: work.patience, resultKey: work.resultKey)
    }
}
