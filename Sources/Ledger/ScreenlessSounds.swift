package import Postgres
package import Vocabulary

/// Recordings of a recorder whose sound is held and muxable, and no screen that can be muxed with it.
package struct ScreenlessSound: Hashable, Sendable {
    package var recording: RecordingReference
    package var sid: Sid
}

package enum ScreenlessSounds {
    /// Names of mp4 in a path's bytes, as `MediaKind.isHalfOfPair(named:)` knows them.
    private static let isMP4 = #"lower(encode(source_path, 'escape')) ~ '\.mp4(\.[^/]*)?$'"#

    /// Those whose screen a row names, and whose file has been missing for `age`; without those that wait for it already, and
    /// those that are never muxed: they would fill the pages of the others.
    package static func withMissingScreen(
        source: SourceName, mounts: [MountPath], age: Duration, limit: Int, in session: Session
    ) throws -> [ScreenlessSound] {
        try session.query(
            """
            select source_id, sid from takeup.transfer
            where mount = any($2::text[]) and state = 'waiting' and missing_since is not null
                and source = $1 and kind in ('VIDEO', 'RECD') and purpose = 'copy' and (kind = 'RECD' or \(isMP4))
                and missing_since <= statement_timestamp() - $3::interval
                and \(lacksScreen("transfer")) and \(isNotWaiting("transfer"))
                and exists (
                    select from takeup.replica where replica.sid = transfer.sid and kind = 'AUDIO' and state = 'held'
                        and is_muxable and not is_result)
            order by source_id limit $4
            """, [Value(source), .names(mounts), Value(age), Value(limit)]
        ).map { row in
            ScreenlessSound(
                recording: RecordingReference(source: source, id: try row.integer("source_id")),
                sid: Sid(try row.text("sid")))
        }
    }

    /// Goes once through all sounds in the order in which they were committed, and gives those that have no screen when they
    /// are `age` old.
    ///
    /// - Returns: where it went on from is written down; `isMore` where more may follow at once.
    package static func page(
        source: SourceName, age: Duration, limit: Int, in session: Session
    ) throws -> (sounds: [ScreenlessSound], isMore: Bool) {
        let row = try session.first(
            """
            insert into takeup.screen_search as standing (source) values ($1)
            on conflict (source) do update set source = excluded.source returning replica_id
            """, [Value(source)])
        let behind = try row?.integer("replica_id") ?? 0
        let page = try session.first(
            """
            with page as (
                select id, committed_at <= statement_timestamp() - $2::interval as is_old
                from takeup.replica where id > $1 order by id limit $3
            )
            -- None is passed over because a later one is older.
            select max(id) as last, count(*) from page
            where id < coalesce((select min(id) from page where not is_old), 9223372036854775807)
            """, [.integer(behind), Value(age), Value(limit)])
        guard let page, let last: Replica.ID = try page.optionalNumber("last") else { return ([], false) }
        let sounds = try session.query(
            """
            select distinct sighting.source_id, replica.sid from takeup.replica
            join takeup.sighting on sighting.sid = replica.sid and sighting.source = replica.source
            where replica.id > $2 and replica.id <= $3 and replica.source = $1 and replica.kind = 'AUDIO'
                and replica.state = 'held' and replica.is_muxable and not replica.is_result
                and \(lacksScreen("replica")) and \(isNotWaiting("replica"))
            order by sighting.source_id
            """, [Value(source), .integer(behind), .integer(last.rawValue)]
        ).map { row in
            ScreenlessSound(
                recording: RecordingReference(source: source, id: try row.integer("source_id")),
                sid: Sid(try row.text("sid")))
        }
        try session.execute(
            "update takeup.screen_search set replica_id = $2 where source = $1 and replica_id < $2",
            [Value(source), .integer(last.rawValue)])
        return (sounds, try page.count("count") == limit)
    }

    /// Those of these recordings that have a screen by now.
    package static func ended(_ sids: some Sequence<Sid>, in session: Session) throws -> Set<Sid> {
        let rows = try session.query(
            "select given.sid from unnest($1::text[]) as given(sid) where not (\(lacksScreen("given")))", [.sids(sids)])
        return Set(try rows.map { Sid(try $0.text("sid")) })
    }

    private static func lacksScreen(_ row: String) -> String {
        """
        not exists (
            select from takeup.replica as screen where screen.sid = \(row).sid and screen.kind in ('VIDEO', 'RECD')
                and screen.state = 'held' and screen.is_muxable and not screen.is_result)
        """
    }

    private static func isNotWaiting(_ row: String) -> String {
        "not exists (select from takeup.screen_wait as waiting where waiting.sid = \(row).sid)"
    }
}

extension Transfers {
    /// Makes transfers of these recordings due now whose file was missing when it was looked at.
    package static func wakeMissing(of recordings: [RecordingReference], in session: Session) throws {
        if recordings.isEmpty { return }
        let woken = try session.query(
            """
            update takeup.transfer set not_before = statement_timestamp()
            where id = any (array(
                select transfer.id from takeup.transfer
                join unnest($1::text[], $2::bigint[]) as given(source, source_id) using (source, source_id)
                where state = 'waiting' and missing_since is not null and not_before > statement_timestamp()
                order by transfer.id for no key update of transfer))
            returning mount
            """, [.names(recordings.map(\.source)), .integers(recordings.map(\.id))])
        let mounts = Set(try woken.map { try $0.name("mount", as: MountPath.self) })
        if !mounts.isEmpty { try WorkChannel.notify(mounts: mounts.sorted(), in: session) }
    }
}
