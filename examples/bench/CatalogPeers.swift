internal import Support

/// psql, which inserts the same rows at a replay and does nothing else: it reads no source, keeps no ledger, finds nothing
/// that is there already, and marks nothing.
struct CatalogPeers: Sendable {
    /// Recordings a second, 1,000 in one statement with common table expressions.
    var byThousand: Double
    /// Recordings a second, a statement for each row and a commit for each recording.
    var rowByRow: Double

    static let description = "psql inserts row by row with a commit for each recording; limit: 1,000 in a statement"

    static func measure(_ count: Int, in cluster: ScratchCluster) async throws -> CatalogPeers {
        let thousands = max(1, count / 1000)
        let batches = (0..<thousands).map { batch($0 * 1000 + 1, $0 * 1000 + 1000) }
        let few = max(100, count / 10)
        let rows = (1...few).map(single)
        return CatalogPeers(
            byThousand: Double(thousands * 1000) / (try await seconds(of: batches, in: cluster)),
            rowByRow: Double(few) / (try await seconds(of: rows, in: cluster)))
    }

    private static func seconds(of statements: [String], in cluster: ScratchCluster) async throws -> Double {
        let database = try await ScratchDatabase(CallrecSchema.new.template, in: cluster)
        let path = "/tmp/takeup-bench-\(database.name).sql"
        try writeSample(Array(statements.joined(separator: "\n").utf8), to: path)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-f", path]) }
        let start = ContinuousClock.now
        try ChildProcess.run([
            "/usr/bin/psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, "-o", "/dev/null", database.connectionString,
        ])
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private static func batch(_ first: Int, _ last: Int) -> String {
        """
        with numbered as (
            select i, timestamp '2026-11-20 12:00' + i * interval '1 s' as at from generate_series(\(first), \(last)) i),
        made_calls as (
            insert into callrec.calls (id, start_ts, stop_ts, length, cplcnt)
            select i, at, at + interval '60 s', 60, 1 from numbered),
        made_couples as (
            insert into callrec.couples (id, callid, sid, start_ts, stop_ts, created_ts, length, callingnr,
                originalcallednr, finalcallednr, callingpartyname, state, direction)
            select i, i, 'recorder-1-' || i, at, at + interval '60 s', at, 60, '42022' || i, '8' || i % 900,
                '8' || i % 900, 'Agent ' || i % 300, 'FINISHED', 'INCOMING' from numbered),
        made_files as (
            insert into callrec.cfiles (cplid, cftype, cktype, ckvalue, cfsize, cfpath, start_ts, stop_ts)
            select i, kind, 'CRC32', i * 7, 1000 + i, '/mnt/rec/opt/callrec/data/' || i || kind, at, at
            from numbered, (values ('AUDIO'), ('VIDEO')) as file(kind))
        insert into callrec.couple_extdata (cplid, key, value)
            select i, 'key ' || k, 'value ' || k || ' of ' || i from numbered, generate_series(1, 5) k;
        """
    }

    private static func single(_ number: Int) -> String {
        let files = ["AUDIO", "VIDEO"].map { kind in
            """
            insert into callrec.cfiles (cplid, cftype, cktype, ckvalue, cfsize, cfpath, start_ts, stop_ts) values
                (\(number), '\(kind)', 'CRC32', \(number * 7), \(1000 + number),
                '/mnt/rec/opt/callrec/data/\(number)\(kind)', '2026-11-20 12:00', '2026-11-20 12:01');
            """
        }
        let data = (1...5).map { key in
            """
            insert into callrec.couple_extdata (cplid, key, value) values
                (\(number), 'key \(key)', 'value \(key) of \(number)');
            """
        }
        return
            ([
                "begin;",
                """
                insert into callrec.calls (id, start_ts, stop_ts, length, cplcnt) values
                    (\(number), '2026-11-20 12:00', '2026-11-20 12:01', 60, 1);
                insert into callrec.couples (id, callid, sid, start_ts, stop_ts, created_ts, length, callingnr,
                    originalcallednr, finalcallednr, callingpartyname, state, direction) values
                    (\(number), \(number), 'recorder-1-\(number)', '2026-11-20 12:00', '2026-11-20 12:01',
                    '2026-11-20 12:01', 60, '42022\(number)', '8\(number % 900)', '8\(number % 900)',
                    'Agent \(number % 300)', 'FINISHED', 'INCOMING');
                """,
            ] + files + data + ["commit;"]).joined(separator: "\n")
    }
}
