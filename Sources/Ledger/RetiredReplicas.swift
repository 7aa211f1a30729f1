package import Postgres
package import Vocabulary

/// Copies that others took the place of: held, then retired and put aside, then removed.
extension Replicas {
    /// How long who retires a replica has to move its file itself before a sweep does.
    private static let leftToTheirs = Duration.seconds(60)

    /// Puts held replicas aside for `keep`, while their recordings are locked. Mux jobs that have not begun from them,
    /// or are under way, are superseded. The files are moved after the commit, to the path given here.
    ///
    /// - Returns: those that were held.
    @discardableResult
    package static func retire(
        _ quarantinePaths: [Replica.ID: FilePath], keep: Duration, in session: Session
    ) throws -> [Replica] {
        if quarantinePaths.isEmpty { return [] }
        let pairs = Array(quarantinePaths)
        try MuxJobs.supersede(ofReplicas: pairs.map(\.key), in: session)
        let rows = try session.query(
            """
            with chosen as (
                select replica.id, given.path from takeup.replica
                join unnest($1::bigint[], $2::bytea[]) as given(id, path) on replica.id = given.id
                where replica.state = 'held' order by replica.id for no key update of replica
            )
            update takeup.replica set state = 'retired', quarantine_path = chosen.path,
                remove_after = statement_timestamp() + $3::interval,
                aside_after = statement_timestamp() + $4::interval
            from chosen where replica.id = chosen.id
            returning \(Replica.columns.text(of: "replica"))
            """, [.numbers(pairs.map(\.key)), .byteStrings(pairs.map(\.value.bytes)), Value(keep), Value(leftToTheirs)])
        let retired = try rows.map(Replica.init)
        try tally(retired.map(\.content), sign: -1, in: session)
        return retired
    }

    /// Retired replicas whose files may still stand under their own paths, on volumes that the caller has proven: who
    /// retired them had its time to move them.
    package static func inPlace(
        on volumes: some Sequence<VolumeID>, limit: Int, in session: Session
    ) throws -> [Replica] {
        try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where state = 'retired' and put_aside_at is null and aside_after < statement_timestamp()
                and volume_id = any($1::text[])
            order by aside_after limit $2
            """, [.names(volumes), Value(limit)]
        ).map(Replica.init)
    }

    /// The files of these retired replicas lie where the paths say, below their volumes' roots.
    package static func putAside(_ paths: [Replica.ID: FilePath], in session: Session) throws {
        if paths.isEmpty { return }
        let pairs = Array(paths)
        try session.execute(
            """
            with chosen as (
                select replica.id, given.path from takeup.replica
                join unnest($1::bigint[], $2::bytea[]) as given(id, path) on replica.id = given.id
                where replica.state = 'retired' and replica.put_aside_at is null
                order by replica.id for no key update of replica
            )
            update takeup.replica set quarantine_path = chosen.path, put_aside_at = statement_timestamp()
            from chosen where replica.id = chosen.id
            """, [.numbers(pairs.map(\.key)), .byteStrings(pairs.map(\.value.bytes))])
    }

    /// Leaves these retired replicas alone for a while.
    package static func postpone(
        _ ids: some Sequence<Replica.ID>, by span: Duration, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.replica set aside_after = statement_timestamp() + $2::interval,
                remove_after = greatest(remove_after, statement_timestamp() + $2::interval)
            where id = any (array(
                select id from takeup.replica where id = any($1::bigint[]) and state = 'retired'
                order by id for no key update))
            """, [.numbers(ids), Value(span)])
    }

    /// Retired replicas that were put aside, whose time is over and that no open mux job names, on volumes that the
    /// caller has proven.
    package static func removable(
        on volumes: some Sequence<VolumeID>, limit: Int, in session: Session
    ) throws -> [Replica] {
        try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where state = 'retired' and put_aside_at is not null and remove_after < statement_timestamp()
                and volume_id = any($1::text[])
                and not exists (
                    select from takeup.mux_job where mux_job.sid = replica.sid
                        and (mux_job.sound_id = replica.id or replica.id = any(mux_job.screen_ids))
                        and mux_job.state in ('waiting', 'claimed'))
            order by remove_after limit $2
            """, [.names(volumes), Value(limit)]
        ).map(Replica.init)
    }

    /// The files of these retired replicas are gone.
    package static func removed(_ ids: some Sequence<Replica.ID>, in session: Session) throws {
        try session.execute(
            """
            update takeup.replica set state = 'removed'
            where id = any (array(
                select id from takeup.replica where id = any($1::bigint[]) and state = 'retired'
                order by id for no key update))
            """, [.numbers(ids)])
    }
}
