import Glibc
import Support
import Testing
import Vocabulary

@testable import Media

/// What follows from how a tool ended: damage of the media only where it named some.
@Suite struct ToolBlameTests {
    private func end(_ complaint: String, code: Int? = 1, signal: CInt? = nil) -> GuardedTool.End {
        GuardedTool.End(exitCode: code, signal: signal.map { Int($0) }, complaint: complaint)
    }

    @Test(
        arguments: [
            "[h264 @ 0x55] error while decoding MB 13 2, bytestream -5\n",
            "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55] moov atom not found\nfile:/dev/fd/3: Invalid data found when processing input",
            "[aac @ 0x55966006f3c0] channel element 2.15 is not allocated\nError while decoding stream #0:0: Invalid data",
            "[ac3 @ 0x55] new bit allocation info must be present in block 0",
        ])
    func `what a decoder says of the media is told of the media`(_ complaint: String) {
        for code in [0, 1, 69, 183] { #expect(end(complaint, code: code).blame == .media, "\(complaint)") }
        #expect(end(complaint).failure(.damaged, doing: "decode", tool: "ffmpeg").code == .damaged)
    }

    @Test(
        arguments: [
            // As ffmpeg says it where its memory is over: the rest follows from it.
            "[h264 @ 0x55] thread_get_buffer() failed\n[h264 @ 0x55] decode_slice_header error\n[h264 @ 0x55] no frame!\n"
                + "Error while decoding stream #0:0: Invalid data found when processing input",
            "Error while opening decoder for input stream #0:0 : Resource temporarily unavailable",
            "file:/dev/fd/3: Input/output error", "file:/dev/fd/3: Cannot allocate memory",
            "ffmpeg: error while loading shared libraries: libshine.so.3: failed to map segment from shared object",
            "[h264 @ 0x55] Failed to allocate frame.", "x264 [error]: malloc of size 12345 failed",
        ])
    func `what the host refused is told of no media`(_ complaint: String) {
        for code in [0, 1, 127, 244] { #expect(end(complaint, code: code).blame == .host, "\(complaint)") }
        let failure = end(complaint).failure(.malformed, doing: "probe", tool: "ffprobe")
        #expect(failure.code == .toolStarved && failure.isTransient)
    }

    @Test func `a tool that is ended from outside says nothing of the media, one that crashes may`() {
        for signal in [SIGKILL, SIGTERM] { #expect(end("", code: nil, signal: signal).blame == .host) }
        for signal in [SIGSEGV, SIGABRT, SIGXCPU, SIGXFSZ, SIGSYS] {
            #expect(end("", code: nil, signal: signal).blame == .kill)
        }
        // As ffmpeg ends when it is told to; and what names nothing.
        #expect(end("", code: 255).blame == .host)
        #expect(end("", code: 1).blame == .tool && end("sh: 1: no: not found", code: 127).blame == .tool)
    }

    @Test func `ffmpeg that used up its processor time is killed, though it ends by itself without a word`()
        async throws
    {
        let ffmpeg = GuardedTool(program: FilePath("/usr/bin/ffmpeg"), name: "ffmpeg")
        let end = try await ffmpeg.run(
            [
                "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25", "-t", "1000", "-f",
                "null", "-",
            ], descriptors: [], limits: ToolLimits(processorTime: .seconds(1)), doing: "test", output: { _ in })
        #expect(end.isOutOfProcessorTime && end.blame == .kill, "\(end)")
        #expect(end.text.contains("used up its processor time"))
        #expect(throws: MediaError.self) { try tools.report(end, LastProgress(), doing: "decode") }
    }

    @Test func `a good screen is not damaged by a tool's want of memory`() async throws {
        let scratch = try Scratch()
        let file = try OpenSample(try scratch.samples.hugeScreen())
        let all = [DecodeStretch(.picture, of: file.descriptor, format: .mp4)]
        #expect(try await tools.decode(all, doing: "decode").isClean)
        // From too little to start up to nearly enough.
        var starved = 0
        for mebibytes in [100, 300, 340, 380] {
            let poor = MediaTools(
                ffmpeg: FilePath("/usr/bin/ffmpeg"), ffprobe: FilePath("/usr/bin/ffprobe"),
                limits: ToolLimits(addressSpaceBytes: UInt64(mebibytes) << 20))
            do {
                #expect(try await poor.decode(all, doing: "decode").isClean, "\(mebibytes) MiB")
            } catch {
                starved += 1
                #expect(error.code == .toolStarved, "\(mebibytes) MiB: \(error)")
            }
        }
        #expect(starved >= 2)
    }
}
