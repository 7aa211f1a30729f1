internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Synchronization
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct RaceTests {
    /// What a recorder adds at the last moment.
    enum Addition: CaseIterable, Sendable { case file, metadata }

    @Test(.timeLimit(.minutes(5)), arguments: Addition.allCases)
    func `what is added between look and mark prevents the mark, and is brought before the mark is set`(
        addition: Addition
    ) async throws {
        try await withCrew { site, crew in
            let truths = try await site.recorder.record { options in
                (options.count, options.screens, options.encrypted) = (1, 0, 0)
            }
            let id = try #require(truths.first?.id)
            // The row is held from before it is looked at until after all is committed, as by a recorder's transaction.
            let isConverged = Mutex(false)
            let holding = Task {
                try await site.source.transaction { session in
                    try session.query("select id from callrec.couples where id = $1 for update", [.integer(id)])
                    for _ in 0..<40_000 where !isConverged.withLock({ $0 }) { usleep(5000) }
                    try RaceTests.add(addition, to: id, site, session)
                }
            }
            let isLocked = try await site.wait(upTo: .seconds(30)) { try await site.isHeld(id) }
            #expect(isLocked)
            try await crew.startServing()
            let converged = try await site.wait(upTo: .seconds(90)) {
                try await site.count("select count(*) from takeup.sighting where state = 'converged'", in: site.replay)
                    == 1
            }
            #expect(converged, "\(site.allLogs())")
            #expect(try await site.markedCount() == 0)
            isConverged.withLock { $0 = true }
            try await holding.value
            let isMarked = try await site.wait(upTo: .seconds(90)) {
                // Asked in this order: a mark that is there must find the addition there already.
                let isMarked = try await site.markedCount() == 1
                let isThere = try await site.hasArrived(addition)
                #expect(!isMarked || isThere)
                return isMarked
            }
            #expect(isMarked, "\(site.allLogs())")
            #expect(try await site.hasArrived(addition))
        }
    }

    private static func add(_ addition: Addition, to id: Int64, _ site: ScratchSite, _ session: Session) throws {
        switch addition {
        case .metadata:
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, 'late', 'value')", [.integer(id)])
        case .file:
            let path = site.recorder.layout.callsRoot + "/late.recd"
            try writeSample(Array("late".utf8), to: site.recorder.mountPrefix + path)
            try session.execute(
                "insert into callrec.cfiles (cplid, cftype, cfpath, cfsize) values ($1, 'RECD', $2, 4)",
                [.integer(id), .text(path)])
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `200 recordings that cannot go on do not hold up the next one`() async throws {
        try await withCrew { site, crew in
            try await crew.startServing()
            _ = try await site.recorder.record { options in
                (options.count, options.faults, options.rate) = (0, [.missingFile: 200], 400)
            }
            let isKnown = try await site.wait(upTo: .seconds(120)) {
                let sql = "select count(*) from takeup.sighting where state = 'transferring'"
                return try await site.count(sql, in: site.replay) == 200
            }
            #expect(isKnown, "\(site.allLogs())")
            let began = ContinuousClock.now
            let truths = try await site.recorder.record { options in
                (options.count, options.screens, options.encrypted, options.seed) = (1, 0, 0, 2)
            }
            // Usually within a second or two; a machine that is busy with other things takes longer.
            let isMarked = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == 1 }
            print("The 201st recording was marked after \(ContinuousClock.now - began)")
            #expect(isMarked, "\(site.allLogs())")
            #expect(try await site.defects(of: truths) == [])
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a second agent on the same mount refuses and says why`() async throws {
        try await withCrew { site, crew in
            try await crew.startServing()
            let second = try site.run(["agent", "--config", site.settingsPath, "--mount", site.callsMount])
            #expect(second.code != 0)
            #expect(second.output.contains("Another agent serves \(site.callsMount) already."))
            #expect(await crew.ends == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `while the replay's database is away nothing is lost or doubled, and each process says so once`()
        async throws
    {
        let cluster = try ScratchCluster()
        try await withCrew(try await ScratchSite(cluster: cluster)) { site, crew in
            try await crew.keepRunning()
            let recording = Task {
                try await site.recorder.record { options in
                    (options.count, options.rate) = (60, 6)
                }
            }
            let isUnderWay = try await site.wait(upTo: .seconds(90)) { try await site.markedCount() >= 5 }
            #expect(isUnderWay, "\(site.allLogs())")
            let began = ContinuousClock.now
            try cluster.stop(immediate: true)
            let isTold = try await site.wait(upTo: .seconds(90)) {
                ScratchSite.Role.allCases.allSatisfy { site.log($0).contains(RaceTests.outage) }
            }
            #expect(isTold, "\(site.allLogs())")
            // The recorder goes on meanwhile, to its end.
            let truths = try await recording.value
            try cluster.start()
            print("The replay's database was away for \(ContinuousClock.now - began)")
            let pairs = truths.filter(\.isPair).count
            let isDone = try await site.wait(upTo: .seconds(240)) {
                guard try await site.markedCount() == truths.count else { return false }
                return try await site.muxedCount() == pairs
            }
            #expect(isDone, "\(site.allLogs())")
            // Nothing is under way any more: what the outage left open is as good as dead.
            try await site.expireAllLeases()
            let isSwept = try await site.wait(upTo: .seconds(90)) { try await site.openIntents() == 0 }
            #expect(isSwept, "\(site.allLogs())")
            #expect(await crew.ends == 0)
            #expect(try await site.defects(of: truths) == [])
            #expect(try site.stagedLeftovers() == [])
            #expect(try await site.unnamedFiles() == [])
            for role in ScratchSite.Role.allCases {
                let lines = site.log(role).split(separator: "\n")
                #expect(lines.count { $0.contains(RaceTests.outage) } == 1, "\(role)")
                #expect(lines.count { $0.contains("The replay's database answers again") } == 1, "\(role)")
            }
        }
    }

    private static let outage = "The replay's database cannot be reached"

    private func withCrew(
        _ site: ScratchSite? = nil, _ body: (ScratchSite, Crew) async throws -> Void
    ) async throws {
        let made: ScratchSite
        if let site { made = site } else { made = try await ScratchSite() }
        let crew = Crew(made)
        do {
            try await body(made, crew)
        } catch {
            await crew.killAll()
            throw error
        }
        await crew.stop()
    }
}

extension ScratchSite {
    /// Whether someone holds a recording's row at the source.
    fileprivate func isHeld(_ id: Int64) async throws -> Bool {
        try await source.perform { session in
            try session.query("select id from callrec.couples where id = $1 for update skip locked", [.integer(id)])
                .isEmpty
        }
    }

    fileprivate func hasArrived(_ addition: RaceTests.Addition) async throws -> Bool {
        let sql =
            switch addition {
            case .file: "select count(*) from callrec.cfiles where cftype = 'RECD'"
            case .metadata: "select count(*) from callrec.couple_extdata where key = 'late'"
            }
        return try await count(sql, in: replay) == 1
    }
}
