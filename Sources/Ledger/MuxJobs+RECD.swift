package import Postgres
package import Vocabulary

/// Jobs whose screens are RECD: made like any, and left alone until a worker has a converter.
extension MuxJobs {
    /// Claims the one that is longest due, when nothing else is. ``claim(holder:limit:newest:lease:in:)`` never gives one that
    /// nobody has begun.
    package static func claimRECD(holder: Holder, lease: Duration, in session: Session) throws -> MuxJob? {
        try session.first(
            """
            with chosen as (
                select id from takeup.mux_job where state = 'not_muxable' and not_before <= statement_timestamp()
                order by not_before, id limit 1 for no key update skip locked
            )
            update takeup.mux_job set state = 'claimed', holder = $1, attempts = attempts + 1,
                lease_until = statement_timestamp() + $2::interval, changed_at = statement_timestamp()
            from chosen where mux_job.id = chosen.id
            returning \(MuxJob.columns.text(of: "mux_job"))
            """, [Value(holder), Value(lease)]
        ).map(MuxJob.init)
    }

    /// Gives one back that this worker cannot mux: only one with a converter gets it again, where it lost its workers after a
    /// pause.
    ///
    /// - Returns: whether the claim was still held; otherwise nothing changed.
    @discardableResult
    package static func setAside(_ claim: Claim<MuxJob.ID>, in session: Session) throws -> Bool {
        let rows = try session.query(
            """
            with held as (\(heldClaims))
            update takeup.mux_job set state = 'not_muxable', holder = null, lease_until = null,
                not_before = statement_timestamp() + \(pauseAfterLosses), changed_at = statement_timestamp()
            from held where mux_job.id = held.id
            returning mux_job.id
            """, [claim].values)
        try Intents.supersede(ofMuxJobs: rows.map { try $0.number("id") }, in: session)
        return !rows.isEmpty
    }

    /// Some of a state, the newest first: by their recordings, which have no other names here.
    package static func newestNotMuxable(
        source: SourceName? = nil, limit: Int, in session: Session
    ) throws -> [(recording: RecordingReference, age: Duration)] {
        try session.query(
            """
            select sighting.source, sighting.source_id,
                (extract(epoch from statement_timestamp() - job.made_at) * 1000000)::bigint as age
            from takeup.mux_job as job
            join takeup.replica as sound on sound.id = job.sound_id
            join takeup.sighting on sighting.sid = job.sid and sighting.source = sound.source
            where job.state = 'not_muxable' and ($1::text is null or sighting.source = $1)
            order by job.id desc limit $2
            """, [Value(source?.rawValue), Value(limit)]
        ).map { row in
            (
                RecordingReference(source: try row.name("source"), id: try row.integer("source_id")),
                try row.optionalSpan("age") ?? .zero
            )
        }
    }

    package static func countNotMuxable(source: SourceName? = nil, in session: Session) throws -> Int {
        try session.first(
            """
            select count(*) from takeup.mux_job as job join takeup.replica as sound on sound.id = job.sound_id
            where job.state = 'not_muxable' and ($1::text is null or sound.source = $1)
            """, [Value(source?.rawValue)])?.count("count") ?? 0
    }
}
