/// The rows of a large source. Media, external data and the marks' backlog are by number: the newest recordings are those
/// with the highest ids, and all but every fifth of them wait.
enum CatalogRows {
    /// The backlog and what is marked between it.
    static func newest(_ backlog: Int) -> Int { backlog + backlog / 4 }

    /// Recordings of the numbers `$1` to `$2` of `$3`, of which the last `$4` are the newest six days; the others go
    /// back for three years. Every fourth recording shares its call with the one before.
    static let recordings = [
        """
        insert into callrec.calls (id, start_ts, stop_ts, length, cplcnt)
        select i, stop - interval '60 s', stop, 60, 1 from (select i, \(stop) as stop
            from generate_series($1::bigint, $2::bigint) i where i % 4 <> 0) numbered
        """,
        """
        insert into callrec.couples (id, callid, sid, start_ts, stop_ts, created_ts, length, callingnr,
            originalcallednr, finalcallednr, callingpartyname, state, synchronized, direction, cfcnt, cftypes)
        select i, case when i % 4 = 0 then i - 1 else i end, 'recorder-1-' || lpad(i::text, 12, '0'),
            stop - interval '60 s', stop, stop, 60, '42022' || (i % 90000), '8' || (i % 900), '8' || (i % 900),
            'Agent ' || i % 300, 'FINISHED', case when i <= $3::bigint - $4::bigint or i % 5 = 0 then 'S' end,
            'INCOMING', 2, 17::bit(32)
        from (select i, \(stop) as stop from generate_series($1::bigint, $2::bigint) i) numbered
        """,
    ]

    /// Two media each.
    static let media = """
        insert into callrec.cfiles (cplid, cftype, cktype, ckvalue, cfsize, cfpath, start_ts, stop_ts)
        select p.id, kind, 'CRC32', p.id * 7 % 4000000000, 1000 + p.id % 90000,
            '/opt/callrec/data/' || place || '/' || to_char(p.stop_ts, 'YYYYMMDD') || '/' || p.sid || suffix,
            p.start_ts, p.stop_ts
        from callrec.couples p, (values ('AUDIO', 'calls', '.mp3'), ('VIDEO', 'screens', '.mp4'))
            as file(kind, place, suffix)
        where p.id between $1::bigint and $2::bigint
        """

    /// Five each.
    static let externalData = """
        insert into callrec.couple_extdata (cplid, key, value)
        select i, 'key ' || k, 'value ' || k || ' of ' || i
        from generate_series($1::bigint, $2::bigint) i, generate_series(1, 5) k
        """

    private static let stop = """
        date_trunc('second', localtimestamp) - interval '1 hour' - case
            when i > $3::bigint - $4::bigint then ($3::bigint - i) * (interval '6 days' / $4::bigint)
            else interval '6 days' + ($3::bigint - $4::bigint - i) * (interval '1095 days' / ($3::bigint - $4::bigint))
        end
        """
}
