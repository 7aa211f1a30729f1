import Ledger
import Postgres
import Support
import Testing
import Vocabulary

/// A claim reads over the dead entries that finished transfers leave in the partial indexes until a vacuum.
@Suite(.serialized) struct ChurnTests {
    /// Claims of 100 transfers each.
    private static let claims = LongTests.areWanted ? 600 : 300

    /// Milliseconds of a claim while 30,000 transfers and more go through their states: of the first and of the last
    /// tenth.
    /// - Parameter hasOldSnapshot: somebody's transaction keeps every vacuum from removing anything.
    private func claims(hasOldSnapshot: Bool) async throws -> (first: Double, last: Double) {
        let cluster = try ScratchCluster(
            settings: ["autovacuum=on", "autovacuum_naptime=1s"])
        let scratch = try await ScratchDatabase(in: cluster)
        let database = scratch.connect()
        try await database.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        try await database.perform { session in
            try session.execute(
                """
                insert into takeup.transfer (source, source_id, source_media_id, fingerprint, sid, mount, kind,
                    source_path, recording_start)
                select 'rec_a', i, i, '\\x01', 's' || i, $1, 'AUDIO', convert_to('/' || i, 'UTF8'),
                    timestamp '2026-11-20' + i * interval '1 s'
                from generate_series(1, $2) i
                """, [Value(Sample.mount), .integer(Int64(ChurnTests.claims * 100))])
            try session.script("vacuum analyze takeup.transfer")
        }
        let other = scratch.connect(connections: 1)
        if hasOldSnapshot {
            try await other.perform { session in
                try session.execute("begin isolation level repeatable read")
                try session.query("select 1 as one")
            }
        }
        var times: [Double] = []
        for _ in 0..<ChurnTests.claims {
            let start = ContinuousClock.now
            let claimed = try await database.perform { session in
                try Transfers.claim(
                    mount: Sample.mount, holder: Sample.holder, limit: 100, newest: 10, lease: .seconds(60),
                    in: session)
            }
            times.append((ContinuousClock.now - start) / .milliseconds(1))
            #expect(claimed.count == 100)
            try await database.perform { session in
                try session.execute(
                    """
                    update takeup.transfer set state = 'done', holder = null, lease_until = null
                    where id = any($1::bigint[])
                    """, [.integers(claimed.map(\.id.rawValue))])
            }
            // As slow as copies are, and room for whoever vacuums.
            try await Task.sleep(for: .milliseconds(5))
        }
        func median(_ part: ArraySlice<Double>) -> Double { part.sorted()[part.count / 2] }
        let tenth = times.count / 10
        return (median(times[..<tenth]), median(times[(times.count - tenth)...]))
    }

    @Test(.timeLimit(.minutes(3)))
    func `claims stay as fast as they were while transfers go through their states`() async throws {
        let with = try await claims(hasOldSnapshot: false)
        let kept = try await claims(hasOldSnapshot: true)
        print(
            "claim of 100: \(with.first) ms, later \(with.last) ms; where no vacuum can work \(kept.first), \(kept.last)"
        )
        #expect(with.last < max(4 * with.first, 10), "\(with)")
        #expect(kept.last > with.last, "an old snapshot costs nothing: this test sees no dead entries")
    }
}
