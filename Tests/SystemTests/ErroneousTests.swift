internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// What keeps failing, with the built program.
@Suite(.serialized) struct ErroneousTests {
    @Test(.timeLimit(.minutes(4)), arguments: LongTests.all(orFirstOf: [CallrecSchema.new, .old]))
    func `what fails often is marked erroneous and rests, and is taken up again on request`(
        schema: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(
            schema, replaySchema: schema,
            synchro: "sleep_period = \"1s\"\nmark_erroneous = true\nerroneous_after = 3")
        let crew = Crew(site)
        try await crew.startServing()
        let id = try await addMismatch(to: site)
        let isGivenUp = try await site.wait(upTo: .seconds(60)) {
            let mark = try await mark(of: id, at: site)
            return try await site.openProblems().map(\.kind) == ["marked-erroneous"] && mark == "E"
        }
        #expect(isGivenUp, "\(site.allLogs())")
        let told = try #require(try await site.openProblems().first)
        // An attempt that had begun by then is not called back.
        let times = told.what.split(separator: " ").compactMap { Int($0) }.last
        #expect((3...5).contains(try #require(times)), "\(told.what)")
        #expect(told.what.contains("crcMismatch"))
        // Nobody mended what was wrong: its problem does not say so.
        let log = site.log(.calls) + site.log(.screens)
        #expect(log.contains("Problem checksum-mismatch at recorder1 is closed after"), "\(site.allLogs())")
        #expect(log.contains("and not mended: The recording was given up with mark E. It was: "))
        #expect(!log.contains("Problem checksum-mismatch at recorder1 is over"))
        // The row is mended, and still nobody touches what was given up.
        try await mend(id, at: site)
        try await Task.sleep(for: .seconds(3))
        #expect(try await mark(of: id, at: site) == "E")

        let unknown = try site.run(["retry", "--config", site.settingsPath, "nobody knows it"])
        #expect(unknown.code == 1)
        // By the name that status and journal give it; other sources' names are sids.
        let strange = try site.run(["retry", "--config", site.settingsPath, "elsewhere/\(id)"])
        #expect(strange.code == 1)
        let retried = try site.run(["retry", "--config", site.settingsPath, "recorder1/\(id)"])
        #expect(retried.code == 0)
        #expect(retried.output == "0 recordings due now; 1 recording marked erroneous taken up again.\n")
        let isDone = try await site.wait(upTo: .seconds(60)) {
            let mark = try await mark(of: id, at: site)
            return try await site.openProblems().isEmpty && mark == "S"
        }
        #expect(isDone, "\(site.allLogs())")
        #expect(try await site.count("select count(*) from callrec.cfiles", in: site.replay) == 1)
        let nothing = try site.run(["retry", "--config", site.settingsPath, "--source", "recorder1"])
        #expect(nothing.output == "Nothing waits or was given up.\n")
        await crew.stop()
    }

    /// A recording whose row says another CRC-32 than its file has.
    private func addMismatch(to site: ScratchSite) async throws -> Int64 {
        let bytes = try RecorderModelMedia.shared().screen(seconds: 4, mark: "mismatch")
        let path = FilePath(site.recorder.layout.screensRoot + "/20260101/mismatch.mp4")
        try site.recorder.put(bytes, at: path)
        let now = try await site.source.perform { session in
            try session.first("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")?.integer("now")
        }
        let sample = RecordingSample("mismatch", stop: WallTime(microseconds: try #require(now)), seconds: 4)
        return try await CatalogBuilder(site.source).add(
            sample.media(MediaSample(.video, path, size: Int64(bytes.count), crc32: 7))
        ).id
    }

    private func mend(_ id: Int64, at site: ScratchSite) async throws {
        try await site.source.perform { session in
            try session.execute(
                "update callrec.cfiles set cktype = null, ckvalue = null where cplid = $1", [.integer(id)])
        }
    }

    private func mark(of id: Int64, at site: ScratchSite) async throws -> String? {
        try await site.source.perform { session in
            try session.first("select synchronized from callrec.couples where id = $1", [.integer(id)])?
                .optionalText("synchronized")
        }
    }
}
