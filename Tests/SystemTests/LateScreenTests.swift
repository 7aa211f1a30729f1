internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct LateScreenTests {
    @Test(.timeLimit(.minutes(3)))
    func `a screen that comes after the mux makes a new result, which takes the place of the old one`() async throws {
        let site = try await ScratchSite()
        let agents = try SiteAgents(site, [.calls, .screens, .mux])
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
        var recording = RecordingSample("late", stop: stop, seconds: 12)
        recording.media = [
            try sample(.audio, "late.mp3", media.sound(seconds: 12, mark: "late"), after: 0),
            try sample(.video, "first.mp4", media.screen(seconds: 4, mark: "first"), after: 1),
        ]
        let builder = try await CatalogBuilder(site.source)
        let built = try await builder.add(recording)
        let isMuxed = try await site.wait(upTo: .seconds(60)) { try await site.muxedCount() == 1 }
        #expect(isMuxed, "\(site.log(.mux))")
        let earlier = try #require(try await results(site).first)
        let late = try sample(.video, "late.mp4", media.screen(seconds: 4, mark: "late"), after: 7)
        _ = try await site.source.transaction { session in try builder.add(late, to: built.id, on: session) }
        let isReplaced = try await site.wait(upTo: .seconds(60)) {
            let now = try await results(site)
            return now.count == 1 && now != [earlier]
        }
        #expect(isReplaced, "\(site.log(.screens))\n\(site.log(.mux))")
        let result = try #require(try await results(site).first)
        // One row, which names the better file; the jobs say which is which.
        #expect(result.row == earlier.row && result.path != earlier.path)
        let jobs = try await site.replay.perform { session in try MuxJobs.find(sid: Sid("late"), in: session) }
        #expect(jobs.map(\.state) == [.done, .done] && jobs.map(\.screens.count) == [1, 2])
        #expect(jobs.last?.encoded?.hasPrefix("pictures copied; sound encoded, as") == true)
        // The earlier file was put aside, not left under its name and not destroyed.
        #expect((try? readSample(earlier.path)) == nil)
        #expect(
            try await site.count(
                "select count(*) from takeup.replica where is_result and state = 'held'", in: site.replay) == 1)
        #expect(
            try await site.count(
                "select count(*) from takeup.replica where is_result and state = 'retired'", in: site.replay) == 1)
        let unnamed = try await site.unnamedFiles()
        #expect(unnamed.count == 1 && unnamed[0].contains("/.takeup-quarantine/"), "\(unnamed)")
        #expect(try await site.openProblems().map(\.what) == [])
        agents.stop()
    }

    private struct Result: Equatable {
        let row: Int64
        let path: String
    }

    /// Muxed files by the replay's rows.
    private func results(_ site: ScratchSite) async throws -> [Result] {
        try await site.replay.perform { session in
            try session.query("select id, cfpath from callrec.cfiles where cfpath like '%/muxed/%' order by id").map {
                Result(row: try $0.integer("id"), path: try $0.text("cfpath"))
            }
        }
    }
}
