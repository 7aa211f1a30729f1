internal import Glibc
internal import Ledger
internal import Support
internal import Synchronization
internal import Testing

/// Agents and worker die without warning, again and again; what is there in the end is checked against what the
/// recorder wrote.
@Suite(.serialized) struct KillTests {
    struct Size: Sendable, CustomTestStringConvertible {
        let recordings: Int
        /// Percent.
        let screens: Int
        let encrypted: Int
        let kills: Int
        /// Whether the leases of the dead run out at once; otherwise they take the time that they take.
        let hurries: Bool
        var testDescription: String { "\(recordings) recordings, \(kills) kills" }

        static let core = Size(recordings: 60, screens: 30, encrypted: 10, kills: 5, hurries: true)
        static let full = Size(recordings: 1000, screens: 50, encrypted: 5, kills: 30, hurries: false)
        static var all: [Size] { getenv("TAKEUP_LONG_TESTS") == nil ? [core] : [core, full] }
    }

    @Test(.timeLimit(.minutes(60)), arguments: Size.all)
    func `whoever is killed and whenever, each recording arrives whole and once, is muxed once and marked`(
        size: Size
    ) async throws {
        let seed = getenv("TAKEUP_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0 ... .max)
        print("Killing with TAKEUP_SEED=\(seed)")
        let site = try await ScratchSite()
        let crew = Crew(site)
        let began = ContinuousClock.now
        do {
            let truths = try await record(size, seed, site, crew)
            print("Everything marked and muxed after \(ContinuousClock.now - began)")
            try await check(truths, site, crew)
            print("Everything swept after \(ContinuousClock.now - began), \(await crew.kills) kills")
        } catch {
            await crew.killAll()
            throw error
        }
        await crew.stop()
        #expect(try site.clearLeftovers() == "")
    }

    /// Records, and kills at random shares of the work, until everything is marked and muxed.
    private func record(
        _ size: Size, _ seed: UInt64, _ site: ScratchSite, _ crew: Crew
    ) async throws -> [RecorderModelTruth] {
        try await crew.keepRunning()
        let recording = Task {
            try await site.recorder.record { options in
                options.count = size.recordings
                options.screens = size.screens
                options.encrypted = size.encrypted
                options.seed = seed
            }
        }
        defer { recording.cancel() }
        let work = size.recordings + size.recordings * size.screens / 100
        try await killing(size, seed, of: work, site, crew)
        let truths = try await recording.value
        #expect(truths.count == size.recordings)
        let isDone = try await site.wait(upTo: .seconds(1200)) {
            try await crew.keepRunning()
            return try await site.workDone() == work
        }
        let done = try await site.workDone()
        try #require(isDone, "\(done) of \(work)\n\(site.allLogs())")
        return truths
    }

    private func killing(_ size: Size, _ seed: UInt64, of work: Int, _ site: ScratchSite, _ crew: Crew) async throws {
        var chance = SeededChance(state: seed)
        // By shares of the work and not by the clock, so that a slow machine is killed as often in the middle of it.
        let moments = (0..<size.kills).map { _ in Int.random(in: 0..<work * 9 / 10, using: &chance) }.sorted()
        for moment in moments {
            let role = ScratchSite.Role.allCases.randomElement(using: &chance) ?? .calls
            let more = Duration.milliseconds(Int.random(in: 0..<400, using: &chance))
            let isReached = try await site.wait(upTo: .seconds(600)) {
                try await crew.keepRunning()
                return try await site.workDone() >= moment
            }
            let done = try await site.workDone()
            try #require(isReached, "the work stands still at \(done)\n\(site.allLogs())")
            try await Task.sleep(for: more)
            let dead = await crew.kill(role)
            if size.hurries, let dead { try await site.expire(leasesOf: dead) }
            try await crew.keepRunning()
        }
        #expect(await crew.kills == size.kills)
    }

    /// Starts once more after a last kill of all, and looks at what there is.
    private func check(_ truths: [RecorderModelTruth], _ site: ScratchSite, _ crew: Crew) async throws {
        await crew.killAll()
        try await crew.keepRunning()
        let isSwept = try await site.wait(upTo: .seconds(300)) {
            try await crew.keepRunning()
            return try await site.openIntents() == 0
        }
        #expect(isSwept, "\(site.allLogs())")
        #expect(try await site.defects(of: truths) == [])
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
        let media = truths.reduce(0) { $0 + $1.media.count }
        let pairs = truths.filter(\.isPair).count
        func count(_ sql: String) async throws -> Int {
            try await site.count("select count(*) from \(sql)", in: site.replay)
        }
        #expect(try await count("callrec.couples") == truths.count)
        #expect(try await count("callrec.calls") == Set(truths.compactMap(\.call)).count)
        #expect(try await count("callrec.cfiles") == media + pairs)
        #expect(try await count("takeup.replica where state = 'held'") == media + pairs)
        #expect(try await count("takeup.replica") == media + pairs)
        #expect(try await count("takeup.mux_job where state = 'done'") == pairs)
        #expect(try await count("takeup.mux_job where not is_recd") == pairs)
        #expect(try await count("takeup.sighting where state = 'marked'") == truths.count)
        #expect(try await site.markedCount() == truths.count)
        _ = try await site.wait(upTo: .seconds(60)) { try await site.openProblems().isEmpty }
        #expect(try await site.openProblems().map(\.what) == [])
    }
}

extension ScratchSite {
    /// Recordings marked and pairs muxed.
    fileprivate func workDone() async throws -> Int { try await markedCount() + muxedCount() }
}
