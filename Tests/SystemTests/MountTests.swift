internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Mounts that are not there, in a namespace of the test's own.
@Suite(.serialized, .enabled(if: geteuid() == 0 && PrivateMounts.isPossible, "only root may mount")) struct MountTests {
    @Test(.timeLimit(.minutes(4)))
    func `nothing is concluded from an absent mount, its agent keeps the source, and goes on when it is back`()
        async throws
    {
        let site = try await ScratchSite(
            watching: "quiet = \"1s\"\ngrace_missing = \"2s\"\ngrace_orphan = \"2s\"", isMounted: true)
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scene = MountScene(site: site, mounts: mounts)
        // Not even a directory is there at the start.
        #expect(rmdir(site.callsMount) == 0)
        try site.mount(.screens, in: mounts)
        let calls = try site.start(.calls, in: mounts)
        #expect(try await site.wait(upTo: .seconds(60)) { site.log(.calls).contains("keeper of") })
        let others = [try site.start(.screens, in: mounts), try site.start(.mux)]
        defer {
            for process in others + [calls] {
                process.send(SIGTERM)
                #expect(process.wait() == 0)
            }
        }
        try await scene.expectAbsenceBorne(times: 1)
        try site.mount(.calls, in: mounts)
        try await scene.expectBack()
        // Now an empty directory is where the mount was, while all runs.
        try site.unmount(.calls, in: mounts)
        try await scene.expectAbsenceBorne(times: 2)
        try site.mount(.calls, in: mounts)
        try await scene.expectBack()
        #expect(kill(calls.id, 0) == 0)
        #expect(site.log(.calls).components(of: "serves mount") == 1)
    }
}

private struct MountScene {
    let site: ScratchSite
    let mounts: PrivateMounts

    private var unmarked: String { "select count(*) from callrec.couples where synchronized is null" }

    /// Sounds are recorded on the mount that is away, and screens alone on the other.
    func expectAbsenceBorne(times: Int) async throws {
        #expect(
            try await site.wait(upTo: .seconds(30)) { try await isMountProblemOpen() },
            "\(site.log(.calls))")
        let truths = try await site.recorder.record { options in
            (options.count, options.encrypted, options.seed) = (4, 0, UInt64(times))
        }
        let marked = try await site.markedCount()
        try await recordScreenAlone(number: times)
        // The keeper is the agent of the mount that is away.
        #expect(
            try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == marked + 1 },
            "\(site.log(.calls))\n\(site.log(.screens))")
        // Long after the grace time nothing is missing and nothing an orphan.
        let ripe = """
            select count(*) from takeup.transfer
            where mount = '\(site.callsMount)' and state = 'waiting'
                and planned_at < statement_timestamp() - interval '6 seconds'
            """
        let sounds = truths.count
        #expect(try await site.wait(upTo: .seconds(60)) { try await site.count(ripe, in: site.replay) == sounds })
        #expect(try await site.count(unmarked, in: site.source) == sounds)
        let concluded = """
            select (select count(*) from takeup.problem where kind <> 'mount-unavailable')
                + (select count(*) from takeup.transfer where missing_since is not null) as count
            """
        #expect(try await site.count(concluded, in: site.replay) == 0)
        let told = "select count(*) from takeup.problem where kind = 'mount-unavailable'"
        #expect(try await site.count(told, in: site.replay) == times)
        #expect(site.log(.calls).components(of: "of recorder1 is away") == times)
    }

    func expectBack() async throws {
        #expect(
            try await site.wait(upTo: .seconds(40)) { try await !isMountProblemOpen() }, "\(site.log(.calls))")
        #expect(
            try await site.wait(upTo: .seconds(60)) { try await site.count(unmarked, in: site.source) == 0 },
            "\(site.log(.calls))")
        #expect(try await site.openProblems().map(\.what) == [])
        // The mux worker goes on meanwhile: a result has its name before it has its row.
        #expect(try await site.wait(upTo: .seconds(30)) { try await site.unnamedFiles() == [] })
    }

    private func isMountProblemOpen() async throws -> Bool {
        try await site.openProblems().contains {
            $0.kind == "mount-unavailable" && $0.subject == "mount \(site.callsMount)"
        }
    }

    /// A recording whose only file lies on the mount that is there.
    private func recordScreenAlone(number: Int) async throws {
        let screen = try RecorderModelMedia.shared().screen(seconds: 4, mark: "alone \(number)")
        let path = FilePath(site.recorder.layout.screensRoot + "/20260101/alone-\(number).mp4")
        try site.recorder.put(screen, at: path)
        let now = try await site.source.perform { session in
            try session.first("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")?.integer("now")
        }
        let stop = WallTime(microseconds: try #require(now))
        try await CatalogBuilder(site.source).add(
            RecordingSample("alone-\(number)", stop: stop, seconds: 4).media(
                MediaSample(.video, path, size: Int64(screen.count))))
    }
}

extension String {
    /// How often a text stands in it.
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
