internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct MuxNotesTests {
    @Test(.timeLimit(.minutes(3)))
    func `a screen that no result can show is told of in the row, the journal and the status`() async throws {
        let site = try await ScratchSite()
        let agents = try SiteAgents(site, [.calls, .screens, .mux])
        defer { agents.stop() }
        let media = try RecorderModelMedia.shared()
        let stop = try await site.recorderNow()
        let start = WallTime(microseconds: stop.microseconds - 12_000_000 | 1)
        func sample(_ kind: MediaKind, _ name: String, _ bytes: [UInt8], after delay: Int64) throws -> MediaSample {
            let root = kind == .audio ? site.recorder.layout.callsRoot : site.recorder.layout.screensRoot
            let path = FilePath("\(root)/\(stop.dayFolder)/\(name)")
            try site.recorder.put(bytes, at: path)
            var sample = MediaSample(kind, path, size: Int64(bytes.count))
            sample.start = WallTime(microseconds: start.microseconds + delay * 1_000_000)
            return sample
        }
        var recording = RecordingSample("strayed", stop: stop, seconds: 12)
        recording.media = [
            try sample(.audio, "strayed.mp3", media.sound(seconds: 12, mark: "strayed"), after: 0),
            try sample(.video, "first.mp4", media.screen(seconds: 4, mark: "first"), after: 1),
            // By a clock that was an hour off.
            try sample(.video, "second.mp4", media.screen(seconds: 4, mark: "second"), after: 3607),
        ]
        try await CatalogBuilder(site.source).add(recording)
        let words = "is not shown: it began after the sound ended"
        let isTold = try await site.wait(upTo: .seconds(60)) {
            // Before an agent has made its tables there is nothing to ask.
            let jobs = try? await site.replay.perform { session in
                try MuxJobs.find(sid: Sid("strayed"), in: session)
            }
            return (jobs ?? []).contains {
                $0.state == .done && $0.screens.count == 2 && $0.notes?.hasSuffix(words) == true
            }
        }
        #expect(isTold, "\(site.log(.mux))")
        let isInJournal = try await site.wait(upTo: .seconds(40)) { site.log(.mux).contains(words) }
        #expect(isInJournal, "\(site.log(.mux))")
        let status = try site.run(["status", "--config", site.settingsPath])
        #expect(status.output.contains("1 with notes"), "\(status.output)")
    }
}
