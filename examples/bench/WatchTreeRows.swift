internal import Postgres
internal import Support

/// The rows of a tree's files, all marked and all held: what a recorder has that was collected for long. No row waits for
/// anything, and no file is without one.
enum WatchTreeRows {
    /// Their ids are far from those of what is recorded later. They end at noon of their folder's day.
    static func insert(_ tree: WatchTree, _ site: ScratchSite) async throws {
        let layout = site.recorder.layout
        let each = tree.files / tree.folders
        for (database, root, mark) in [(site.source, layout.callsRoot, "'S'"), (site.replay, "/volume/tree", "null")] {
            for folder in 0..<tree.folders {
                let range: [Value] = [
                    .integer(Int64(folder * each)), .integer(Int64(each)), .text(WatchTree.day(before: folder)),
                ]
                try await database.transaction(isDurable: false) { session in
                    try session.execute("set local session_replication_role = replica")
                    try session.execute(calls, range)
                    try session.execute(recordings(mark), range)
                    try session.execute(media, range + [.text(root)])
                }
            }
            try await database.perform { session in
                for table in ["calls", "couples", "cfiles"] { try session.script("vacuum analyze callrec.\(table)") }
            }
        }
    }

    private static let numbered = """
        (select 10000000 + $1::bigint + n as i, n, $3::text as day, to_timestamp($3::text || ' 12', 'YYYYMMDD HH24')::timestamp
            as stop from generate_series(0, $2::bigint - 1) n) numbered
        """

    private static let calls = """
        insert into callrec.calls (id, start_ts, stop_ts, length, cplcnt)
        select i, stop - interval '60 s', stop, 60, 1 from \(numbered)
        """

    private static func recordings(_ mark: String) -> String {
        """
        insert into callrec.couples (id, callid, sid, start_ts, stop_ts, created_ts, length, callingnr,
            finalcallednr, state, synchronized, direction, cfcnt, cftypes)
        select i, i, 'tree-' || i, stop - interval '60 s', stop, stop, 60, '42022' || i, '8' || (i % 900), 'FINISHED',
            \(mark), 'INCOMING', 1, 1::bit(32)
        from \(numbered)
        """
    }

    private static let media = """
        insert into callrec.cfiles (cplid, cftype, cfsize, cfpath, start_ts, stop_ts)
        select i, 'AUDIO', 0, $4::text || '/' || day || '/' || (1000000 + n) || '.mp3', stop - interval '60 s', stop
        from \(numbered)
        """
}
