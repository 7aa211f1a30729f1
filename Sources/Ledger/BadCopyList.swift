package import Planning
package import Postgres
package import Vocabulary

/// Copies that scrubs found bad, each once, however often it is read again.
package enum BadCopyList {
    /// How long a bad copy speaks against its volume.
    private static let days = 30

    /// Takes in what was found bad, and strikes what reads well or was let go.
    static func note(
        _ bad: Set<Replica.ID>, good: Set<Replica.ID>, on volume: VolumeID, in session: Session
    ) throws {
        if !bad.isEmpty {
            try session.execute(
                """
                insert into takeup.bad_copy (replica_id, volume_id) select id, $2 from unnest($1::bigint[]) as id order by id
                on conflict do nothing
                """, [.numbers(bad), Value(volume)])
        }
        if !good.isEmpty {
            try session.execute(
                """
                delete from takeup.bad_copy
                where replica_id = any (array(
                    select replica_id from takeup.bad_copy where replica_id = any($1::bigint[])
                    order by replica_id for update))
                """, [.numbers(good)])
        }
    }

    /// What scrubs read of a volume in the last 30 days, and found bad since it was trusted last.
    package static func record(of volume: VolumeID, in session: Session) throws -> ScrubRecord {
        let row = try session.first(
            """
            select (select count(*) from takeup.bad_copy
                    where volume_id = $1 and not is_forgiven
                        and found_at > statement_timestamp() - $2::integer * interval '1 day') as bad,
                coalesce((select sum(copies) from takeup.scrub_day
                    where volume_id = $1 and day > (statement_timestamp() at time zone 'UTC')::date - $2::integer
                    ), 0)::bigint as read
            """, [Value(volume), Value(days)])
        return ScrubRecord(read: try row?.count("read") ?? 0, bad: try row?.count("bad") ?? 0)
    }

    /// Those that are held no more, and that nobody counts any more.
    static func forget(in session: Session) throws {
        try session.execute(
            """
            delete from takeup.bad_copy
            where replica_id = any (array(
                select replica_id from takeup.bad_copy
                where found_at < statement_timestamp() - interval '400 days'
                    or not exists (
                        select from takeup.replica
                        where replica.id = bad_copy.replica_id and replica.state <> 'removed')
                order by replica_id for update))
            """)
    }
}
