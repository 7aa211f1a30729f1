import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct AbsentIndexFilesTests {
    private static func index(_ plan: SightingPlan) -> SightingPlan {
        var plan = plan
        guard case .transfer(let transfers, let mark, let fingerprint) = plan.outcome else { return plan }
        let files = transfers.map { sound in
            TransferPlan(
                mediaID: sound.mediaID, fingerprint: [9], mount: sound.mount, kind: .index,
                path: FilePath("/opt/index/\(sound.mediaID).idx"))
        }
        plan.outcome = .transfer(transfers + files, mark: mark, fingerprint: fingerprint)
        return plan
    }

    /// Gives the transfers of the sound and of its index file, the latter missing.
    private func missing(_ ledger: LedgerDatabase) async throws -> (sound: Transfer.ID, index: Transfer.ID) {
        try await ledger.transaction { session in
            try Plans.record([AbsentIndexFilesTests.index(Sample.plan(id: 1))], in: session)
            try session.execute("update takeup.transfer set missing_since = statement_timestamp() where kind = 'INDEX'")
            try session.execute("update takeup.sighting set stopped_at = statement_timestamp()")
            let transfers = try Transfers.find(of: RecordingReference(source: Sample.source, id: 1), in: session)
            return (
                try #require(transfers.first { $0.kind != .index }).id,
                try #require(transfers.first { $0.kind == .index }).id
            )
        }
    }

    private func conclude(_ ledger: LedgerDatabase, _ id: Transfer.ID) async throws -> Int {
        try await ledger.transaction { try AbsentIndexFiles.conclude([id], after: .seconds(60), in: $0) }
    }

    private func age(_ ledger: LedgerDatabase, _ column: String, of kind: String) async throws {
        try await ledger.transaction { session in
            try session.execute("update takeup.transfer set \(column) = \(column) - interval '61 s' where kind \(kind)")
        }
    }

    @Test func `there is none only when it was missing for the grace time after its sound came`() async throws {
        let ledger = try await LedgerDatabase()
        let ids = try await missing(ledger)
        #expect(try await conclude(ledger, ids.index) == 0)
        try await age(ledger, "missing_since", of: "= 'INDEX'")
        // The sound did not come yet.
        #expect(try await conclude(ledger, ids.index) == 0)
        try await ledger.transaction { session in
            try session.execute(
                "update takeup.transfer set state = 'done', changed_at = statement_timestamp() where kind <> 'INDEX'")
        }
        #expect(try await conclude(ledger, ids.index) == 0)
        #expect(try await ledger.count("select count(*) from takeup.sighting where state = 'converged'") == 0)
        try await age(ledger, "changed_at", of: "<> 'INDEX'")
        #expect(try await conclude(ledger, ids.sound) == 0)
        #expect(try await conclude(ledger, ids.index) == 1)
        #expect(try await ledger.count("select count(*) from takeup.sighting where state = 'converged'") == 1)
        #expect(try await conclude(ledger, ids.index) == 0)
    }

    @Test func `that there is none is no delay of the recording`() async throws {
        let ledger = try await LedgerDatabase()
        let ids = try await missing(ledger)
        let delays = try await ledger.transaction { session in
            try session.execute(
                """
                update takeup.transfer set state = 'done', missing_since = null,
                    changed_at = statement_timestamp() - interval '100 s' where kind <> 'INDEX'
                """)
            try session.execute(
                "update takeup.transfer set missing_since = missing_since - interval '100 s' where kind = 'INDEX'")
            try session.execute("update takeup.sighting set finished_at = statement_timestamp() - interval '103 s'")
            try AbsentIndexFiles.conclude([ids.index], after: .seconds(60), in: session)
            return try Delays.take(over: .seconds(3600), in: session)
        }
        #expect(delays?.recordings == 1)
        #expect(try #require(delays).worst >= .seconds(2) && #require(delays).worst < .seconds(5))
    }

    @Test func `of a backlog each is looked for once, after its sound`() async throws {
        let ledger = try await LedgerDatabase()
        let ids = try await missing(ledger)
        try await ledger.transaction { session in
            try session.execute(
                "update takeup.sighting set stopped_at = statement_timestamp() - interval '1 day' - interval '61 s'")
        }
        #expect(try await conclude(ledger, ids.index) == 0)
        try await ledger.transaction { session in
            try session.execute("update takeup.transfer set state = 'done' where kind <> 'INDEX'")
        }
        #expect(try await conclude(ledger, ids.index) == 1)
    }

    @Test func `what is not there is not looked for again by the same plan, but a lost copy is`() async throws {
        let ledger = try await LedgerDatabase()
        let ids = try await missing(ledger)
        try await ledger.transaction { session in
            try session.execute("update takeup.transfer set state = 'done', found_absent = kind = 'INDEX'")
            try Plans.record([AbsentIndexFilesTests.index(Sample.plan(id: 1))], in: session)
            let states = try Transfers.find([ids.sound, ids.index], in: session).map { ($0.id, $0.state) }
            #expect(states.first { $0.0 == ids.index }?.1 == .done)
            // Its replica is not held.
            #expect(states.first { $0.0 == ids.sound }?.1 == .waiting)
        }
    }

    @Test func `an index file that may not be there is no missing file`() async throws {
        let ledger = try await LedgerDatabase()
        _ = try await missing(ledger)
        let found = try await ledger.transaction { session in
            try session.execute("update takeup.transfer set missing_since = statement_timestamp() - interval '1 h'")
            return try Transfers.missing(mount: Sample.mount, longerThan: .seconds(60), limit: 9, in: session)
        }
        #expect(found.map(\.kind) == [.audio])
    }
}
