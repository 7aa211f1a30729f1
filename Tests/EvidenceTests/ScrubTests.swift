import Copying
import Delivery
import Files
import Glibc
import Ledger
import Postgres
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// Held copies are read again; with recordings that the built program collected.
@Suite(.serialized) struct ScrubTests {
    @Test(.timeLimit(.minutes(2)))
    func `each copy is read once after its first day, then a share of them, the longest unread first`() async throws {
        let site = try await EvidenceSite([100, 100, 100, 100, 100], more: "[scrub]\nshare = \"50%\"")
        #expect(try await site.scrub().copies == 0, "none is a day old")
        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        let first = try await site.scrub(narrator)
        #expect(first.copies == 5 && first.bytes == 5 * 100 * 1024 && first.bad == 0)
        #expect(narrator.entries(of: .scrubSummary).count == 1)
        #expect(narrator.entries.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
        #expect(try await site.scrub().copies == 0, "each was read")
        // What was first read counts towards no share.
        try await site.age(days: 9)
        #expect(try await site.scrub().copies == 0, "none was read ten days ago")
        try await site.run("update takeup.replica set checked_at = checked_at - id * interval '1 day'")
        let oldest = try await site.solution.replay.perform { session in
            try session.query("select id from takeup.replica order by checked_at limit 3").map { try $0.integer("id") }
        }
        // Half of five copies: the third is begun within the share.
        #expect(try await site.scrub().copies == 3)
        let read = try await site.solution.replay.perform { session in
            try session.query("select id from takeup.replica where checked_at > now() - interval '1 hour'").map {
                try $0.integer("id")
            }
        }
        #expect(Set(read) == Set(oldest))
        #expect(try await site.scrub().copies == 0, "the day's share is read")
        #expect(try await site.count("takeup.scrub_claim") == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy that changed is told of once, and copied again; the bad one is retired after that`() async throws {
        let site = try await EvidenceSite([100, 100])
        let path = try await site.path(of: 0)
        try site.corrupt(path)
        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        let sum = try await site.scrub(narrator)
        #expect(sum.copies == 2 && sum.bad == 1)
        let told = narrator.entries(of: .scrubMismatch)
        #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
        #expect(told.first?.message.contains("one/1 has it, and it is copied again") == true, "\(told)")
        #expect(try await site.problems() == ["copy-changed"])
        #expect(try await site.count("takeup.replica where is_doubted and state = 'held'") == 1)
        // Nobody deletes it at the recorder meanwhile.
        #expect(try await site.recorder.marks(upTo: .zero) == ["call-0": "-", "call-1": "S"])
        #expect(try await site.path(of: 0) == path, "the bad one stays until there is a better one")

        let agent = try site.solution.start(site.source)
        defer { site.stop(agent) }
        let isBack = try await site.solution.replay.wait(upTo: .seconds(60)) { replay in
            guard try await site.problems().isEmpty else { return false }
            return try await replay.count(
                "select count(*) from takeup.replica where state = 'held' and not is_doubted") == 2
        }
        #expect(isBack, "\(site.solution.log("one").suffix(3000))")
        #expect(try readSample(try await site.path(of: 0)) == site.contents[0])
        #expect(try await site.recorder.marks(upTo: .seconds(30)) == ["call-0": "S", "call-1": "S"])
        #expect(try await site.count("takeup.replica where state = 'retired' and put_aside_at is not null") == 1)
        try await site.age(days: 2)
        #expect(try await site.scrub().bad == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a bad copy that nobody has any more stays as it is, and is over when it reads well again`() async throws {
        let site = try await EvidenceSite([100])
        let path = try await site.path(of: 0)
        try ChildProcess.run(["/bin/sh", "-c", "rm -r \(site.recorder.prefix)\(site.recorder.root)/*"])
        try site.corrupt(path)
        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        #expect(try await site.scrub(narrator).bad == 1)
        let problem = try #require(try await site.solution.openProblems().first)
        #expect(problem.kind == "copy-changed" && problem.what.contains("no recorder has it any more"))
        #expect(try await site.count("takeup.replica where is_doubted") == 0)
        #expect(try await site.recorder.marks(upTo: .zero) == ["call-0": "S"])
        #expect(try readSample(path).count == site.contents[0].count)
        // Brought back from a backup.
        try site.corrupt(path)
        try await site.age(days: 30)
        #expect(try await site.scrub(narrator).bad == 0)
        #expect(try await site.problems() == [])
        #expect(narrator.entries(of: .problemClosed).count == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `what the replay's tools removed is no problem, what others removed is, and an absent volume says nothing`()
        async throws
    {
        let site = try await EvidenceSite([10, 10, 10])
        let volume = site.solution.volume
        try await site.age(days: 2)
        try ChildProcess.run(["/bin/mv", volume, volume + ".away"])
        let away = try await site.scrub()
        #expect(away.copies == 0 && away.bad == 0 && away.notes.count == 1)
        #expect(try await site.problems().filter { $0.hasPrefix("copy-") } == [])
        try ChildProcess.run(["/bin/mv", volume + ".away", volume])
        // By retention, with its row; and by somebody else.
        try ChildProcess.run(["/bin/rm", try await site.path(of: 0), try await site.path(of: 1)])
        try await site.run(
            """
            delete from callrec.cfiles where cplid = (select id from callrec.couples where sid = 'call-0');
            """)
        let narrator = MemoryNarrator()
        let sum = try await site.scrub(narrator)
        #expect(sum.copies == 3 && sum.bad == 1 && sum.letGo == 1)
        #expect(narrator.entries(of: .scrubMissing).count == 1)
        // That the volume is back is told once whoever missed it has been silent for a while.
        #expect(try await site.problems().filter { $0.hasPrefix("copy-") } == ["copy-missing"])
        #expect(try await site.count("takeup.replica where gone_at is not null") == 1)
        try await site.age(days: 30)
        #expect(try await site.scrub().letGo == 0, "it is not looked for any more")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a disk that gives read errors is told of, and a read error that passes is none`() async throws {
        let site = try await EvidenceSite([10, 10])
        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        // The first read of the first copy fails once; both of the second do.
        let reads = Mutex(0)
        let calls = FaultyFiles { call, _ in
            guard call == .read else { return nil }
            let number = reads.withLock { count in
                count += 1
                return count
            }
            // Each look begins with the marker.
            return [2, 6, 8].contains(number) ? .fail(EIO) : nil
        }
        let base = try await site.base(narrator)
        let proof = try #require(try await base.roster.sample().first?.proof)
        let settings = try site.settings()
        let copier = Copier(
            volume: CopyVolume(root: FilePath(site.solution.volume), id: proof.id),
            threads: FileThreads(name: "scrub", count: 1), calls: calls)
        let tally = ScrubTally()
        try await VolumeScrub(
            base: base, settings: settings.scrub, volume: proof.id, name: VolumeName("a"), copier: copier,
            bad: BadCopies(
                base: base, bringers: Bringers(settings: settings, environment: .ofProcess()), narrator: narrator),
            narrator: narrator, tally: tally
        ).run()
        #expect(tally.now.copies == 2 && tally.now.bad == 1, "\(tally.now) \(reads.withLock { $0 })")
        #expect(narrator.entries(of: .scrubUnreadable).count == 1)
        #expect(try await site.problems() == ["copy-unreadable"])
        // From the disk: the pages were dropped before each read, and after it.
        #expect(calls.count(of: .dropCache) >= 4 && calls.count(of: .residentPages) >= 2)
    }

    @Test(.timeLimit(.minutes(2)))
    func `two hosts at once read each copy once`() async throws {
        let site = try await EvidenceSite([Int](repeating: 20, count: 40), more: "[scrub]\nrate = \"400KiB\"")
        try await site.age(days: 2)
        async let one = site.scrub()
        async let other = site.scrub()
        let sums = try await [one, other]
        #expect(sums.map(\.copies).reduce(0, +) == 40, "\(sums)")
        #expect(try await site.count("takeup.replica where checked_at is null") == 0)
        #expect(try await site.count("takeup.scrub_claim") == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a stop ends it within a second in the middle of a file, and the next run goes on`() async throws {
        let site = try await EvidenceSite([100, 4000, 100], more: "[scrub]\nrate = \"400KiB\"")
        try await site.age(days: 2)
        let log = site.solution.logPath("scrub")
        let scrub = try ChildProcess(
            [try ScratchSite.builtProgram(), "scrub", "--config", site.solution.settingsPath], outputPath: log)
        let isReading = try await site.solution.replay.wait(upTo: .seconds(30)) {
            try await $0.count("select count(*) from takeup.scrub_claim") > 0
        }
        #expect(isReading)
        try await Task.sleep(for: .milliseconds(1500))
        let began = ContinuousClock.now
        scrub.send(SIGTERM)
        #expect(scrub.wait() == 0)
        let took = ContinuousClock.now - began
        #expect(took.isWithin(bar: .seconds(1)), "\(took)")
        #expect(try await site.count("takeup.scrub_claim") == 0, "\(site.solution.log("scrub").suffix(2000))")
        let read = try await site.count("takeup.replica where checked_at is not null")
        #expect(read >= 1 && read < 3, "what was read is read: \(read)")
        try await site.run("select 1")
        #expect(try site.solution.run(["scrub", "--config", site.solution.settingsPath]).code == 0)
        #expect(try await site.count("takeup.replica where checked_at is not null") == 3)
        // The pace held: 4.2 MB at 400 KiB a second take more than ten seconds in all.
        #expect(ContinuousClock.now - began > .seconds(8))
    }
}
