package import Postgres
package import Vocabulary

/// Looking transfers up, and waking them.
package enum Transfers {
    package static func find(_ ids: some Sequence<Transfer.ID>, in session: Session) throws -> [Transfer] {
        try session.query(
            "select \(Transfer.columns.text(of: "transfer")) from takeup.transfer where id = any($1::bigint[]) order by id",
            [.numbers(ids)]
        ).map(Transfer.init)
    }

    /// All transfers of a recording of a source, in the order of their media.
    package static func find(of recording: RecordingReference, in session: Session) throws -> [Transfer] {
        try session.query(
            """
            select \(Transfer.columns.text(of: "transfer")) from takeup.transfer
            where source = $1 and source_id = $2 order by source_media_id, id
            """, [Value(recording.source), .integer(recording.id)]
        ).map(Transfer.init)
    }

    /// Makes waiting transfers of these files due now, as something may have happened to them. One that is claimed
    /// just now will be due as soon as it is released.
    @discardableResult
    package static func wake(mount: MountPath, paths: some Sequence<FilePath>, in session: Session) throws -> Int {
        let woken = try session.execute(
            """
            update takeup.transfer set
                not_before = case when state = 'waiting' then statement_timestamp() else not_before end,
                is_woken = (state = 'claimed')
            where id = any (array(
                select id from takeup.transfer
                where id = any (array(
                    -- Each by its path, whatever the planner thinks of the whole table.
                    select known.id from unnest($2::bytea[]) as seen(path)
                    cross join lateral (
                        select id, mount, state, not_before, is_woken from takeup.transfer
                        where source_path = seen.path and state in ('waiting', 'claimed') offset 0
                    ) as known
                    where known.mount = $1 and (known.state = 'waiting' and known.not_before > statement_timestamp()
                        or known.state = 'claimed' and not known.is_woken)))
                    and (state = 'waiting' and not_before > statement_timestamp()
                        or state = 'claimed' and not is_woken) is true
                order by id for no key update))
            """, [Value(mount), .byteStrings(paths.map(\.bytes))])
        if woken > 0 { try WorkChannel.notify(mounts: [mount], in: session) }
        return woken
    }

    /// Makes transfers of a mount due now whose file was missing when it was looked at. What is looked at just now may
    /// find it missing a moment too early: it looks again as soon as it is released.
    @discardableResult
    package static func wakeMissing(mount: MountPath, in session: Session) throws -> Int {
        let woken = try session.execute(
            """
            update takeup.transfer set
                not_before = case when state = 'waiting' then statement_timestamp() else not_before end,
                is_woken = (state = 'claimed')
            where id = any (array(
                select id from takeup.transfer
                where mount = $1 and (
                    state = 'waiting' and not_before > statement_timestamp() and missing_since is not null
                    or state = 'claimed' and not is_woken)
                order by id for no key update))
            """, [Value(mount)])
        if woken > 0 { try WorkChannel.notify(mounts: [mount], in: session) }
        return woken
    }

    /// Reopens recordings of a source with transfers for mounts that it does not have any more: the settings gave them
    /// other names, and nobody would ever claim those.
    package static func replanStranded(
        source: SourceName, mounts: [MountPath], in session: Session
    ) throws {
        let rows = try session.query(
            """
            select distinct source_id from takeup.transfer
            where source = $1 and mount <> all ($2::text[])
                and (state = 'waiting' or state = 'claimed' and lease_until < statement_timestamp())
            """, [Value(source), .names(mounts)])
        try Sightings.reopen(
            rows.map { RecordingReference(source: source, id: try $0.integer("source_id")) }, in: session)
    }

    /// How long until a transfer of the mount is due or its lease ends; zero or less: one is. Nil where there is none.
    package static func nextDue(mount: MountPath, in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from least(
                (select min(not_before) from takeup.transfer where mount = $1 and state = 'waiting'),
                (select min(lease_until) from takeup.transfer where mount = $1 and state = 'claimed')
            ) - statement_timestamp()) * 1000000)::bigint as span
            """, [Value(mount)])?.optionalSpan("span")
    }

    package struct MissingCount: Hashable, Sendable {
        package var files: Int
        /// Since when the first of them is.
        package var first: Instant?
    }

    /// How many files have been missing for longer than `grace`.
    package static func missingCount(
        mount: MountPath, longerThan grace: Duration, in session: Session
    ) throws -> MissingCount {
        let row = try session.first(
            """
            select count(*) as files, \(SQL.microseconds("min(missing_since)")) as first from takeup.transfer
            where mount = $1 and state = 'waiting' and missing_since < statement_timestamp() - $2::interval
                and kind <> 'INDEX'
            """, [Value(mount), Value(grace)])
        return MissingCount(files: try row?.count("files") ?? 0, first: try row?.optionalInstant("first"))
    }

    /// Recordings of a source (`couples.id` there) with files that are missing; any of them, where there are more.
    package static func missingRecordings(
        of source: SourceName, limit: Int, in session: Session
    ) throws -> Set<Int64> {
        let rows = try session.query(
            """
            select source_id from (
                select distinct source_id from takeup.transfer
                where source = $1 and state = 'waiting' and missing_since is not null
            ) as waiting order by random() limit $2
            """, [Value(source), Value(limit)])
        return Set(try rows.map { try $0.integer("source_id") })
    }

    /// Waiting transfers whose file has been missing for longer than `grace`, the longest first.
    package static func missing(
        mount: MountPath, longerThan grace: Duration, limit: Int, in session: Session
    ) throws -> [Transfer] {
        try session.query(
            """
            select \(Transfer.columns.text(of: "transfer")) from takeup.transfer
            where mount = $1 and state = 'waiting' and missing_since < statement_timestamp() - $2::interval
                and kind <> 'INDEX'
            order by missing_since limit $3
            """, [Value(mount), Value(grace), Value(limit)]
        ).map(Transfer.init)
    }

    /// Waiting transfers whose file is missing, the newest first.
    package static func newestMissing(mount: MountPath, limit: Int, in session: Session) throws -> [Transfer] {
        try session.query(
            """
            select \(Transfer.columns.text(of: "transfer")) from takeup.transfer
            where mount = $1 and state = 'waiting' and missing_since is not null and kind <> 'INDEX'
            order by missing_since desc, id desc limit $2
            """, [Value(mount), Value(limit)]
        ).map(Transfer.init)
    }
}
