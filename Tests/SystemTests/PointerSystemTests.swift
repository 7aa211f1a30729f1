internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// `copy_files = false`, by the built program.
@Suite(.serialized) struct PointerSystemTests {
    private func pointing(_ site: ScratchSite) async throws -> Int {
        try await site.count(
            """
            select count(*) as count from callrec.cfiles f join takeup.pointer p on p.replay_media_id = f.id
            where f.cfpath like '\(site.mountPath)/opt/callrec/data/%'
            """, in: site.replay)
    }

    /// But for muxed files, which nobody makes here.
    private func defects(_ site: ScratchSite, _ truths: [RecorderModelTruth]) async throws -> [String] {
        try await site.defects(of: truths).filter { !$0.contains("muxed files") }
    }

    @Test(
        .timeLimit(.minutes(3)),
        arguments: LongTests.all(orFirstOf: [(CallrecSchema.old, CallrecSchema.new), (.new, .old)]))
    func `rows point at the source's files without a mark, and become copies when copying is switched on`(
        source: CallrecSchema, replay: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(
            source, replaySchema: replay, notifies: source == .new,
            sourceSettings: "interval = \"last-week\"\ncopy_files = false")
        var processes = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        func stop() {
            for process in processes { process.send(SIGTERM) }
            for process in processes { process.wait() }
            processes = []
        }
        defer { stop() }
        let truths = try await site.recorder.record { options in
            options.count = 12
            options.encrypted = 0
        }
        let files = truths.reduce(0) { $0 + $1.media.count }
        let isPointed = try await site.wait(upTo: .seconds(60)) {
            let hasLedger = try await site.count(
                "select count(*) as count from pg_namespace where nspname = 'takeup'", in: site.replay)
            return hasLedger == 1 ? try await pointing(site) == files : false
        }
        #expect(isPointed, "\(site.log(.calls))")
        #expect(try await defects(site, truths) == [], "a row points at other bytes than were recorded")
        #expect(try await site.count("select count(*) as count from takeup.replica", in: site.replay) == 0)
        #expect(
            try await site.count(
                "select count(*) as count from callrec.couples where synchronized is not null", in: site.source) == 0)
        stop()

        let text = String(decoding: try readSample(site.settingsPath), as: UTF8.self)
        let cut = try #require(text.firstRange(of: "copy_files = false"))
        let copying = text[..<cut.lowerBound] + "copy_files = true" + text[cut.upperBound...]
        try writeSample(Array(copying.utf8), to: site.settingsPath)
        // What waits for ten minutes without anything to do is due now.
        try await site.replay.perform { session in
            try session.execute("update takeup.sighting set converged_at = converged_at - interval '1 hour'")
        }
        processes = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        let isCopied = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == truths.count }
        #expect(isCopied, "\(site.log(.calls))")
        #expect(try await site.count("select count(*) as count from takeup.pointer", in: site.replay) == 0)
        #expect(
            try await site.count(
                "select count(*) as count from takeup.replica where state = 'held'", in: site.replay) == files)
        #expect(try await defects(site, truths) == [])
        #expect(try await site.unnamedFiles() == [])
    }

    @Test(.timeLimit(.minutes(3)))
    func `with allow_mark_without_copy they are marked`() async throws {
        let site = try await ScratchSite(
            sourceSettings: "interval = \"last-week\"\ncopy_files = false\nallow_mark_without_copy = true")
        let process = try site.start(.calls)
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        let truths = try await site.recorder.record { options in
            options.count = 12
            options.encrypted = 0
        }
        let isMarked = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == truths.count }
        #expect(isMarked, "\(site.log(.calls))")
        #expect(try await pointing(site) == truths.reduce(0) { $0 + $1.media.count })
        // That they are marked and not held is told of, as it should be.
        let problems = try await site.openProblems().filter { $0.kind != "marked-not-held" }
        #expect(problems.isEmpty, "\(problems)")
    }
}
