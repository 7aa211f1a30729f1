internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// RECD alone, with the built program: told, never a problem, and muxed once there is a converter.
@Suite(.serialized) struct ConverterSystemTests {
    @Test(.timeLimit(.minutes(3)))
    func `a recording with RECD alone is listed as not muxable, and muxed when a converter is set`() async throws {
        let site = try await ScratchSite()
        let agents = try SiteAgents(site, [.calls, .screens, .mux])
        let media = try RecorderModelMedia.shared()
        let stop = try await site.recorderNow()
        func sample(_ kind: MediaKind, _ path: String, _ bytes: [UInt8]) throws -> MediaSample {
            try site.recorder.put(bytes, at: FilePath(path))
            return MediaSample(kind, FilePath(path), size: Int64(bytes.count))
        }
        var recording = RecordingSample("recd", stop: stop, seconds: 4)
        recording.media = [
            try sample(
                .audio, "\(site.recorder.layout.callsRoot)/\(stop.dayFolder)/recd.mp3",
                media.sound(seconds: 4, mark: "recd")),
            try sample(
                .recd, "\(site.recorder.layout.screensRoot)/recd/\(stop.dayFolder)/recd.recd",
                media.screen(seconds: 4, mark: "recd")),
        ]
        _ = try await CatalogBuilder(site.source).add(recording)
        let isTold = try await site.wait(upTo: .seconds(60)) {
            try site.run(["screens", "--config", site.settingsPath]).output.contains("1 recording is not muxable")
        }
        #expect(isTold, "\(site.log(.screens))\n\(site.log(.mux))")
        #expect(try site.run(["status", "--config", site.settingsPath]).output.contains("1 of RECD alone not muxable"))
        let isMarked = try await site.wait(upTo: .seconds(30)) { try await site.markedCount() == 1 }
        #expect(isMarked)
        #expect(try await site.openProblems().map(\.what) == [])
        let before = site.log(.mux)
        #expect(!before.contains("MUX_FAILED") && !before.contains("failed at attempt"), "\(before)")
        agents.stop()
        try site.rewriteSettings { text in
            text.split(separator: "[mux]\n", maxSplits: 1).joined(
                separator: "[mux]\nrecd_converter = [\"/bin/dd\", \"if={input}\", \"of={output}\", \"conv=notrunc\"]\n")
        }
        let again = try SiteAgents(site, [.calls, .screens, .mux])
        let isMuxed = try await site.wait(upTo: .seconds(60)) { try await site.muxedCount() == 1 }
        #expect(isMuxed, "\(site.log(.mux))")
        let list = try site.run(["screens", "--config", site.settingsPath])
        #expect(list.output.contains("No recording waits for a screen.") && !list.output.contains("not muxable"))
        again.stop()
    }
}
