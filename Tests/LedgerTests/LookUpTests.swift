import Ledger
import Postgres
import Support
import Testing
import Vocabulary

/// Statements that touch many rows look each up by its key, also where the plan was made while the table was empty: a plan
/// that reads the whole table is kept, and costs more with each recording there ever was.
@Suite struct LookUpTests {
    private static let each = 60

    /// Rows that sequential scans of the ledger's growing tables read in this transaction.
    private static func scanned(in session: Session) throws -> [String] {
        try session.query(
            """
            select relname || ': ' || seq_tup_read as line from pg_stat_xact_user_tables
            where schemaname = 'takeup' and seq_tup_read > 0
                and relname in ('recording', 'call', 'transfer', 'intent', 'sighting', 'replica', 'afterlook')
            """
        ).map { try $0.text("line") }
    }

    @Test func `the way of a batch reads no table from end to end, however young its plans are`() async throws {
        let scratch = try await ScratchDatabase()
        var reach = scratch.settings()
        reach.looksUpByKey = true
        let database = Database(reach, connections: 1)
        try await database.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        try await database.transaction { session in
            try Volumes.register(
                [(Sample.volume, VolumeName("a"), FilePath("/srv/a"), Sample.account)], in: session)
        }
        let atOnce = Plans.AtOnce(mount: Sample.mount, holder: Sample.holder, lease: .seconds(60))
        // From the sixth time on PostgreSQL may keep a plan for all values.
        for round in 0..<12 {
            let ids = (0..<LookUpTests.each).map { Int64(round * LookUpTests.each + $0 + 1) }
            let (claimed, whilePlanned) = try await database.transaction { session in
                let claimed = try Plans.write(ids.map { Sample.plan(id: $0) }, claiming: atOnce, in: session)
                return (claimed, try LookUpTests.scanned(in: session))
            }
            #expect(claimed.count == LookUpTests.each)
            #expect(whilePlanned == [], "round \(round)")
            let (intents, whileOpened) = try await database.transaction { session in
                let requests = try claimed.map { try Sample.request($0, path: "\($0.mediaID).mp3") }
                let opened = try Intents.open(requests, lease: .seconds(60), in: session).map { try $0.intent() }
                return (opened, try LookUpTests.scanned(in: session))
            }
            #expect(whileOpened == [], "round \(round)")
            let whileReady = try await database.transaction { session in
                let digest = try #require(Digest(bytes: [UInt8](repeating: 3, count: 32)))
                let ready = Dictionary(
                    uniqueKeysWithValues: intents.map { ($0.token, Intent.Ready(size: 9, digest: digest)) })
                #expect(try Intents.ready(ready, lease: .seconds(60), in: session).count == LookUpTests.each)
                return try LookUpTests.scanned(in: session)
            }
            #expect(whileReady == [], "round \(round)")
            let whileCommitted = try await database.transaction { session in
                try Recordings.lock(claimed.map(\.sid), in: session)
                #expect(try Intents.lockHeld(intents.map(\.token), in: session).count == LookUpTests.each)
                let replicas = try zip(claimed, intents).map { transfer, intent in
                    try Sample.replica(
                        transfer.sid, kind: transfer.kind, path: try #require(intent.finalPath?.utf8Text),
                        transfer: transfer.id)
                }
                try Replicas.insert(replicas, in: session)
                try MuxJobs.ensure(claimed.map(\.sid), in: session)
                try Intents.close(intents.map(\.token), in: session)
                try Sightings.converge(claimed.map(\.recording), in: session)
                return try LookUpTests.scanned(in: session)
            }
            #expect(whileCommitted == [], "round \(round)")
            let whileMarked = try await database.transaction { session in
                let due = try Sightings.toMark(source: Sample.source, limit: 500, in: session)
                #expect(due.count == LookUpTests.each)
                #expect(try Sightings.marked(due, in: session) == LookUpTests.each)
                try Transfers.wake(mount: Sample.mount, paths: claimed.map(\.path), in: session)
                return try LookUpTests.scanned(in: session)
            }
            #expect(whileMarked == [], "round \(round)")
        }
    }
}
