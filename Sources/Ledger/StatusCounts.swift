package import Postgres
package import Vocabulary

/// How things stand, in figures. Cheap: open work is counted by partial indexes, what is done by running totals.
package struct StatusCounts: Hashable, Sendable {
    package struct Source: Hashable, Sendable {
        package var source: SourceName
        package var waiting: Int
        package var transferring: Int
        /// Everything durable, not marked yet.
        package var converged: Int
        package var refused: Int
        /// Marks set, ever.
        package var marks: Int
        /// Since the oldest recording that is not converged stopped; nil where there is none.
        package var oldestWaiting: Duration?
    }
    package struct Mount: Hashable, Sendable {
        package var mount: MountPath
        package var waiting: Int
        package var claimed: Int
        package var missing: Int
    }
    package struct Volume: Hashable, Sendable {
        package var state: KnownVolume
        package var replicas: Int
        package var bytes: Int64
        package var reservedBytes: Int64
    }

    package var sources: [Source]
    package var mounts: [Mount]
    package var volumes: [Volume]
    package var muxJobs: [MuxJob.State: Int]
    /// Jobs that are done with something to say of the result.
    package var notedMuxJobs: Int
    /// Recordings that announced a screen and have none.
    package var screens: [WaitingScreen.State: Int]
    /// Muxed files that nothing vouches for but our own digests of what they were made of.
    package var unauthenticatedResults: Int
    package var openProblems: Int
    package var keepers: [KeeperLease]
    package var agents: [KnownAgent]
    package var markingStopped: String?
    package var pauses: [Pause]
    package var readLimits: [ReadLimitWord]
    /// What deletion at the recorders would lose.
    package var risks: [SourceName: [Risk]]
    package var scrubs: [Scrubs.Standing]
    /// Volumes that can't be used from some hosts.
    package var volumeSights: [VolumeSight]
    package var alerts: [Alert]

    /// One look, best in a *repeatable read* transaction, so that the figures are of one moment.
    package static func take(in session: Session) throws -> StatusCounts {
        return StatusCounts(
            sources: try sources(in: session), mounts: try mounts(in: session), volumes: try volumes(in: session),
            muxJobs: try muxJobs(in: session), notedMuxJobs: try MuxJobs.countNoted(in: session),
            screens: try ScreenWaits.counts(in: session),
            unauthenticatedResults: try session.first(
                """
                select count(*) from takeup.replica
                where is_result and state = 'held' and authenticity = 'unauthenticated'
                """)?.count("count") ?? 0,
            openProblems: try session.first("select count(*) from takeup.problem where closed_at is null")?
                .count("count") ?? 0,
            keepers: try Keepers.all(in: session), agents: try Agents.all(in: session),
            markingStopped: try Marking.stopped(in: session), pauses: try Pauses.all(in: session),
            readLimits: try ReadLimits.all(in: session),
            risks: try Risks.all(in: session), scrubs: try Scrubs.standings(in: session),
            volumeSights: try VolumeSights.all(in: session), alerts: try Alerts.all(in: session))
    }

    private static func sources(in session: Session) throws -> [Source] {
        try session.query(
            """
            with open as (
                select source, count(*) filter (where state = 'waiting') as waiting,
                    count(*) filter (where state = 'transferring') as transferring,
                    count(*) filter (where state = 'converged' and mark is not null) as converged,
                    count(*) filter (where state = 'refused') as refused,
                    min(stopped_at) filter (where state in ('waiting', 'transferring')) as oldest
                from takeup.sighting where state in ('waiting', 'transferring', 'converged', 'refused')
                group by source
            ), done as (
                select name as source, sum(items)::bigint as marks from takeup.tally where what = 'marks' group by name
            )
            select source, coalesce(waiting, 0) as waiting, coalesce(transferring, 0) as transferring,
                coalesce(converged, 0) as converged, coalesce(refused, 0) as refused, coalesce(marks, 0) as marks,
                (extract(epoch from statement_timestamp() - oldest) * 1000000)::bigint as oldest
            from open full join done using (source) order by source
            """
        ).map { row in
            Source(
                source: try row.name("source"), waiting: try row.count("waiting"),
                transferring: try row.count("transferring"), converged: try row.count("converged"),
                refused: try row.count("refused"), marks: try row.count("marks"),
                oldestWaiting: try row.optionalSpan("oldest"))
        }
    }

    private static func mounts(in session: Session) throws -> [Mount] {
        try session.query(
            """
            select mount, count(*) filter (where state = 'waiting') as waiting,
                count(*) filter (where state = 'claimed') as claimed,
                count(*) filter (where state = 'waiting' and missing_since is not null and kind <> 'INDEX') as missing
            from (
                select mount, state, missing_since, kind from takeup.transfer where state = 'waiting'
                union all select mount, state, missing_since, kind from takeup.transfer where state = 'claimed'
            ) as open
            group by mount order by mount
            """
        ).map { row in
            Mount(
                mount: try row.name("mount"), waiting: try row.count("waiting"), claimed: try row.count("claimed"),
                missing: try row.count("missing"))
        }
    }

    private static func volumes(in session: Session) throws -> [Volume] {
        try session.query(
            """
            select \(KnownVolume.columns.text(of: "volume")), coalesce(held.items, 0) as replicas,
                coalesce(held.bytes, 0) as bytes, coalesce(reserved.bytes, 0) as reserved
            from takeup.volume
            left join (
                select name, sum(items)::bigint as items, sum(bytes)::bigint as bytes from takeup.tally
                where what = 'held' group by name
            ) as held on held.name = volume.id
            left join (
                select volume_id, sum(greatest(0, reserved_bytes - allocated_bytes))::bigint as bytes
                from takeup.intent where state = 'open' group by volume_id
            ) as reserved on reserved.volume_id = volume.id
            order by volume.name, volume.id
            """
        ).map { row in
            Volume(
                state: try KnownVolume(row), replicas: try row.count("replicas"), bytes: try row.integer("bytes"),
                reservedBytes: try row.integer("reserved"))
        }
    }

    private static func muxJobs(in session: Session) throws -> [MuxJob.State: Int] {
        var counts: [MuxJob.State: Int] = [:]
        for row in try session.query("select state, count(*) from takeup.mux_job group by state") {
            counts[try row.word("state")] = try row.count("count")
        }
        return counts
    }
}

extension StatusCounts.Source {
    /// A source that the ledger has nothing of.
    package init(nothingOf source: SourceName) {
        self.init(
            source: source, waiting: 0, transferring: 0, converged: 0, refused: 0, marks: 0, oldestWaiting: nil)
    }
}

extension StatusCounts.Mount {
    /// A mount that the ledger has nothing of.
    package init(nothingOf mount: MountPath) { self.init(mount: mount, waiting: 0, claimed: 0, missing: 0) }
}
