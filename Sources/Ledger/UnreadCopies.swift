package import Postgres
package import Vocabulary

/// Copies of which scrubs could conclude nothing, each once, however often it is tried.
package enum UnreadCopies {
    /// Takes in what could not be read, and strikes what was.
    static func note(
        _ unread: [Replica.ID: String], read: Set<Replica.ID>, on volume: VolumeID, in session: Session
    ) throws {
        if !unread.isEmpty {
            let sorted = unread.sorted { $0.key.rawValue < $1.key.rawValue }
            try session.execute(
                """
                insert into takeup.unread_copy as standing (replica_id, volume_id, why)
                select id, $3, why from unnest($1::bigint[], $2::text[]) as found(id, why) order by id
                on conflict (replica_id) do update set times = standing.times + 1, why = excluded.why
                """, [.numbers(sorted.map(\.key)), .texts(sorted.map(\.value)), Value(volume)])
        }
        if !read.isEmpty {
            try session.execute(
                """
                delete from takeup.unread_copy
                where replica_id = any (array(
                    select replica_id from takeup.unread_copy where replica_id = any($1::bigint[])
                    order by replica_id for update))
                """, [.numbers(read)])
        }
    }

    package struct Standing: Hashable, Sendable {
        /// Held copies that could not be read again and again.
        package var copies: Int
        /// How long the one is not read that this is longest ago of.
        package var longest: Duration
        /// What stood in the way of that one the last time.
        package var why: String
    }

    /// Nil where there are none.
    ///
    /// - Parameter times: of tries that came to nothing, each a day after the one before.
    package static func standing(of volume: VolumeID, atLeast times: Int, in session: Session) throws -> Standing? {
        try session.first(
            """
            select count(*) over () as copies, unread.why,
                (extract(epoch from statement_timestamp() - unread.since) * 1000000)::bigint as longest
            from takeup.unread_copy as unread
            join takeup.replica on replica.id = unread.replica_id
            where unread.volume_id = $1 and unread.times >= $2 and replica.state = 'held' and replica.gone_at is null
            order by unread.since, unread.replica_id limit 1
            """, [Value(volume), Value(times)]
        ).map { row in
            Standing(
                copies: try row.count("copies"), longest: try row.optionalSpan("longest") ?? .zero,
                why: try row.text("why"))
        }
    }

    /// Those that are held no more.
    static func forget(in session: Session) throws {
        try session.execute(
            """
            delete from takeup.unread_copy
            where replica_id = any (array(
                select replica_id from takeup.unread_copy
                where not exists (
                    select from takeup.replica
                    where replica.id = unread_copy.replica_id and replica.state = 'held')
                order by replica_id for update))
            """)
    }
}
