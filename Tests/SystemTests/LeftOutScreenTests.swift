internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct LeftOutScreenTests {
    @Test(.timeLimit(.minutes(3)))
    func `sound and a good screen are muxed beside one that is damaged, and again when a better copy of that comes`()
        async throws
    {
        let site = try await ScratchSite(
            watching: "quiet = \"300ms\"", synchro: "sleep_period = \"200ms\"\nfollow_period = \"500ms\"")
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
        let second = media.screen(seconds: 4, mark: "second")
        var recording = RecordingSample("halved", stop: stop, seconds: 12)
        let damaged = try sample(.video, "second.mp4", Array(second.prefix(second.count / 2)), after: 6)
        recording.media = [
            try sample(.audio, "halved.mp3", media.sound(seconds: 12, mark: "halved"), after: 0),
            try sample(.video, "first.mp4", media.screen(seconds: 4, mark: "first"), after: 1), damaged,
        ]
        let built = try await CatalogBuilder(site.source).add(recording)
        @Sendable func leftOut() async throws -> [String] {
            try await site.openProblems().filter { $0.kind == "screen-left-out" }.map(\.what)
        }
        @Sendable func job(_ state: MuxJob.State) async throws -> MuxJob? {
            // Before an agent has made its tables there is nothing to ask.
            let jobs = try? await site.replay.perform { session in
                try MuxJobs.find(sid: Sid("halved"), in: session)
            }
            return jobs?.last { $0.screens.count == 2 && $0.state == state }
        }
        let isMuxed = try await site.wait(upTo: .seconds(90)) { try await job(.done)?.leftOut.count == 1 }
        #expect(isMuxed, "\(site.log(.mux))")
        let told = try await leftOut()
        #expect(told.count == 1 && told[0].contains(" is left out: ") && told[0].contains("damaged"), "\(told)")
        #expect(told[0].contains("(media ") && told[0].contains("\(ScratchSite.sourceName)/\(built.id)"), "\(told)")
        #expect(site.log(.mux).contains("is left out"))
        let results = "select count(*) from callrec.cfiles where cfpath like '%/muxed/%'"
        #expect(try await site.count(results, in: site.replay) == 1)
        let lacking = try #require(try await job(.done))

        // A person has it tried again: it is what it was, and nothing is published.
        let retried = try site.run(["retry", "--config", site.settingsPath, "\(ScratchSite.sourceName)/\(built.id)"])
        #expect(retried.code == 0 && retried.output.contains("1 recording due now"), "\(retried.output)")
        let isKept = try await site.wait(upTo: .seconds(30)) {
            guard let kept = try await job(.done) else { return false }
            return kept.attempts == lacking.attempts + 1 && kept.result == lacking.result
        }
        #expect(isKept, "\(site.log(.mux))")
        #expect(try await leftOut().count == 1)

        // The recorder has the whole file by now, and says so.
        let whole = try sample(.video, "second.mp4", second, after: 6)
        let size = Int64(second.count)
        try await site.source.transaction { session in
            try session.execute(
                "update callrec.cfiles set cfsize = $2 where cplid = $1 and cfpath like '%second.mp4'",
                [.integer(built.id), .integer(size)])
        }
        #expect(whole.path == damaged.path)
        let isWhole = try await site.wait(upTo: .seconds(60)) {
            guard let better = try await job(.done), better.leftOut.isEmpty else { return false }
            return try await leftOut().isEmpty
        }
        #expect(isWhole, "\(site.log(.screens))\n\(site.log(.mux))")
        #expect(try await site.count(results, in: site.replay) == 1)
        #expect(
            try await site.count(
                "select count(*) from takeup.replica where is_result and state = 'held'", in: site.replay) == 1)
    }
}
