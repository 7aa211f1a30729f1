internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Files that are there and whose bytes their disk does not give.
@Suite(.serialized, .enabled(if: FaultMount.isPossible, "only root may mount; FUSE and python3-fusepy are wanted"))
struct SourceReadTests {
    @Test(.timeLimit(.minutes(4)))
    func `one file that its disk does not give is told of by itself, a disk that gives none as one`() async throws {
        let site = try await ScratchSite(watching: "quiet = \"300ms\"\ngrace_missing = \"4s\"", isMounted: true)
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let faulty = try FaultMount(
            site.recorder.mountPrefix + site.recorder.layout.callsRoot, at: site.callsMount, in: mounts)
        let agent = try site.start(.calls, in: mounts)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("keeper of") })

        // One bad sector: the others are copied, and this one is told of by name.
        try faulty.fail(.read, with: .error("EIO"), named: "bad")
        let bad = try await site.record("bad", [.audio])
        let good = [try await site.record("good-1", [.audio]), try await site.record("good-2", [.audio])]
        try await expectMarks(2, site)
        try await expectProblems(site) { problems in
            problems.count == 1 && problems[0].contains("unreadable-file: Media \(bad.mediaIDs[.audio] ?? 0)")
                && problems[0].contains("EIO")
        }
        #expect(site.log(.calls).contains("cannot be read from mount \(site.callsMount)"))
        #expect(try await site.digests(of: bad) == [])
        #expect(try site.stagedLeftovers() == [])

        // The whole disk: one problem with their number, and the single one is over.
        try faulty.fail(.read, with: .error("EIO"))
        var all = [bad] + good
        for number in 0..<6 { all.append(try await site.record("dead-\(number)", [.audio])) }
        try await expectProblems(site) { problems in
            problems.count == 1 && problems[0].contains("7 files of mount \(site.callsMount) cannot be read")
                && problems[0].contains("EIO")
        }
        #expect(try await site.markedCount() == 2)
        #expect(try await site.unnamedFiles() == [])
        let told = site.log(.calls).ranges(of: "cannot be read from mount").count
        #expect(told <= 6, "once a minute, and not for each attempt: \(told)")
        let opened = try await site.count(
            "select count(*) from takeup.problem where kind = 'unreadable-file'", in: site.replay)
        #expect(opened <= 4, "one for the mount, and those few that were told of before: \(opened)")

        try faulty.heal()
        try await expectMarks(all.count, site)
        try await expectProblems(site) { $0.isEmpty }
        for recording in all { #expect(try await site.holds(recording, [.audio]), "\(recording.name)") }
    }

    private func expectMarks(_ count: Int, _ site: ScratchSite) async throws {
        let came = try await site.wait(upTo: .seconds(90)) { try await site.markedCount() == count }
        #expect(came, "\(site.log(.calls).suffix(4000))")
    }

    private func expectProblems(_ site: ScratchSite, _ isRight: @Sendable ([String]) -> Bool) async throws {
        let came = try await site.wait(upTo: .seconds(60)) {
            isRight(try await site.openProblems().map { "\($0.kind): \($0.what)" })
        }
        let open = try await site.openProblems().map { "\($0.kind): \($0.what)" }
        #expect(came, "\(open)\n\(site.log(.calls).suffix(4000))")
    }
}
