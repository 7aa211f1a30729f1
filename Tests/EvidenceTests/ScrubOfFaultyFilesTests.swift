import Copying
import Delivery
import Files
import Glibc
import Ledger
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// What a scrub makes of calls that fail: of one copy, and of the whole volume.
@Suite(.serialized) struct ScrubOfFaultyFilesTests {
    private func scrub(_ site: EvidenceSite, _ calls: FaultyFiles) async throws -> ScrubTally.Sum {
        let narrator = MemoryNarrator()
        let base = try await site.base(narrator)
        let settings = try site.settings()
        let sample = try #require(try await base.roster.sample().first)
        let id = try #require(sample.proof?.id)
        let tally = ScrubTally()
        try await VolumeScrub(
            base: base, settings: settings.scrub, volume: id, name: sample.settings.name,
            copier: Copier(
                volume: CopyVolume(root: sample.settings.path, id: id), threads: FileThreads(name: "scrub", count: 1),
                calls: calls),
            bad: BadCopies(
                base: base, bringers: Bringers(settings: settings, environment: .ofProcess()), narrator: narrator),
            narrator: narrator, tally: tally
        ).run()
        return tally.now
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy that cannot be opened now is passed over, and holds up none behind it`() async throws {
        let site = try await EvidenceSite([10, 10, 10])
        try await site.age(days: 2)
        let opened = Atomic(0)
        // Beneath the volume's root: the directory of the first copy, then the copy.
        let sum = try await scrub(
            site,
            FaultyFiles { call, _ in
                guard call == .openBeneath else { return nil }
                return opened.wrappingAdd(1, ordering: .relaxed).newValue == 2 ? .fail(EACCES) : nil
            })
        #expect(sum.copies == 2 && sum.bad == 0)
        #expect(sum.notes.count == 1 && sum.notes.first?.contains("could not be read") == true, "\(sum.notes)")
        #expect(try await site.problems() == [])
        #expect(try await site.scrub().copies == 0, "it rests")
        try await site.age(days: 2)
        #expect(try await site.scrub().copies == 1, "and is not forgotten")
        #expect(try await site.count("takeup.scrub_claim") == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy that cannot be read day after day is a problem of its volume, until it is read or held no more`()
        async throws
    {
        let site = try await EvidenceSite([10, 10])
        /// The first copy in line is the one that cannot be opened.
        func scrubWithoutRights() async throws -> ScrubTally.Sum {
            try await site.age(days: 2)
            let opened = Atomic(0)
            return try await scrub(
                site,
                FaultyFiles { call, _ in
                    guard call == .openBeneath else { return nil }
                    return opened.wrappingAdd(1, ordering: .relaxed).newValue == 2 ? .fail(EACCES) : nil
                })
        }
        #expect(try await scrubWithoutRights().copies == 1)
        #expect(try await site.problems() == [], "once may be chance")
        #expect(try await scrubWithoutRights().copies == 0, "the other one was read lately")
        #expect(try await site.problems() == ["copies-unread"])
        let what = try await site.solution.openProblems().map(\.what).joined()
        #expect(what.hasPrefix("1 copy on volume ") && what.contains("notPermitted"), "\(what)")
        // One that is held no more is nobody's business.
        try await site.run("update takeup.replica set state = 'retired' where checked_at is null")
        _ = try await site.scrub()
        #expect(try await site.problems() == [])
        try await site.run("update takeup.replica set state = 'held' where checked_at is null")
        _ = try await scrubWithoutRights()
        _ = try await scrubWithoutRights()
        #expect(try await site.problems() == ["copies-unread"])
        try await site.age(days: 2)
        #expect(try await site.scrub().copies == 1)
        #expect(try await site.problems() == [], "it was read")
        #expect(try await site.count("takeup.unread_copy") == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a disk that gives nothing any more says nothing of the copies on it`() async throws {
        let site = try await EvidenceSite([10, 10, 10])
        try await site.age(days: 2)
        let sum = try await scrub(site, FaultyFiles { call, _ in call == .read ? .fail(EIO) : nil })
        #expect(sum.copies == 0 && sum.bad == 0)
        #expect(sum.notes.first?.contains("could not be read on") == true, "\(sum.notes)")
        #expect(try await site.problems() == [])
        // The disk died while the marker's bytes were still in memory.
        let reads = Atomic(0)
        let dying = FaultyFiles { call, _ in
            guard call == .read else { return nil }
            // The marker, the copy, both a second time, and the marker twice more.
            let number = reads.wrappingAdd(1, ordering: .relaxed).newValue
            return [1, 3, 5].contains(number) ? nil : .fail(EIO)
        }
        let after = try await scrub(site, dying)
        #expect(after.bad == 0)
        #expect(try await site.problems() == [])
        #expect(try await site.scrub().copies == 3)
    }

    @Test(.timeLimit(.minutes(2)))
    func `what others put under a copy's name is not the copy`() async throws {
        let site = try await EvidenceSite([10, 10])
        try await site.age(days: 2)
        let path = try await site.path(of: 0)
        #expect(unlink(path) == 0 && symlink("/etc/passwd", path) == 0)
        let sum = try await site.scrub()
        #expect(sum.copies == 2 && sum.bad == 1)
        #expect(try await site.problems() == ["copy-missing"])
    }
}
