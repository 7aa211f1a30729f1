internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// How fast a source is read, with the built program.
@Suite(.serialized) struct ReadLimitSystemTests {
    @Test(.timeLimit(.minutes(3)))
    func `a running agent keeps to a limit, shows it, and goes on as fast as it can when told`() async throws {
        let site = try await ScratchSite(sourceSettings: "interval = \"last-week\"\nread_limit = \"2MiB\"")
        let length = 120 << 20
        let stop = try await site.recorderNow()
        let path = FilePath("\(site.recorder.layout.screensRoot)/recd/\(stop.dayFolder)/long.recd")
        try site.recorder.put([UInt8](repeating: 7, count: length), at: path)
        _ = try await CatalogBuilder(site.source).add(
            RecordingSample("long", stop: stop, seconds: 4).media(MediaSample(.recd, path, size: Int64(length))))
        let agent = try site.start(.screens)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        let isUnderWay = try await site.wait(upTo: .seconds(60)) {
            try site.status().contains("is read at no more than 2 MiB a second: 2 MiB a second now")
        }
        let page = try site.status()
        #expect(isUnderWay, "\(page)\n\(site.allLogs())")
        #expect(site.log(.screens).contains("Source recorder1 is read at no more than 2 MiB a second"))

        let refused = try site.run(["limit", "--config", site.settingsPath, "--all", "2 apples"])
        #expect(refused.code == 64)
        let stranger = try site.run(["limit", "--config", site.settingsPath, "--source", "nobody", "none"])
        #expect(stranger.code == 64 && stranger.output.hasPrefix("There is no source nobody."))
        let changed = try site.run(["limit", "--config", site.settingsPath, "--source", "recorder1", "none"])
        #expect(changed.code == 0 && changed.output == "Source recorder1 is read as fast as it goes.\n")
        // At the limit it would take half a minute more, at the least.
        let isDone = try await site.wait(upTo: .seconds(20)) {
            try await site.count("select count(*) from takeup.replica where size = \(length)", in: site.replay) == 1
        }
        #expect(isDone, "\(site.allLogs())")
        #expect(site.log(.screens).contains("Source recorder1 is read as fast as it goes"))
        let again = try site.run(["limit", "--config", site.settingsPath, "--source", "recorder1", "settings"])
        #expect(
            again.output == "Source recorder1 is read at no more than \(2 << 20) bytes a second, as the settings say.\n"
        )
        let json = try site.run(["status", "--config", site.settingsPath, "--json"]).output
        #expect(json.contains("\"read_limit\": \(2 << 20)"))
    }
}

extension ScratchSite {
    fileprivate func status() throws -> String { try run(["status", "--config", settingsPath]).output }
}
