package import Postgres
package import Vocabulary

/// Pairs of sound and screen, and the work of muxing them.
package enum MuxJobs {
    /// Makes the jobs that held replicas of these recordings ask for and that are not there yet. In the commit, after
    /// the replicas were inserted, while the recordings are locked: of two halves that commit together, the second
    /// sees the first.
    ///
    /// - Returns: the jobs made now.
    @discardableResult
    package static func ensure(_ sids: some Sequence<Sid>, in session: Session) throws -> [MuxJob] {
        let made = try session.query(
            """
            insert into takeup.mux_job (sid, sound_id, screen_id)
            select sound.sid, sound.id, screen.id \(pairs) and sound.sid = any($1::text[])
            order by sound.sid, sound.id, screen.id
            on conflict (sid, sound_id, screen_id) do nothing
            returning \(MuxJob.columns.text(of: "mux_job"))
            """, [.sids(Set(sids))]
        ).map(MuxJob.init)
        if !made.isEmpty { try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session) }
        return made
    }

    private static let pairs = """
        from takeup.replica as sound join takeup.replica as screen on screen.sid = sound.sid
        where sound.state = 'held' and sound.is_muxable and not sound.is_result and sound.kind = 'AUDIO'
            and screen.state = 'held' and screen.is_muxable and not screen.is_result and screen.kind = 'VIDEO'
        """

    /// Recordings whose sound and screen are held and have no job: what a sweep repairs with ``ensure(_:in:)``.
    ///
    /// - Parameter sid: those after it; begin with an empty one, and go on with the last.
    package static func pairsWithoutJob(after sid: Sid, limit: Int, in session: Session) throws -> [Sid] {
        try session.query(
            """
            select distinct sound.sid \(pairs) and sound.sid > $1
                and not exists (
                    select from takeup.mux_job
                    where mux_job.sid = sound.sid and mux_job.sound_id = sound.id and mux_job.screen_id = screen.id)
            order by sound.sid limit $2
            """, [Value(sid), Value(limit)]
        ).map { Sid(try $0.text("sid")) }
    }

    package static func find(_ ids: some Sequence<MuxJob.ID>, in session: Session) throws -> [MuxJob] {
        try session.query(
            "select \(MuxJob.columns.text(of: "mux_job")) from takeup.mux_job where id = any($1::bigint[]) order by id",
            [.numbers(ids)]
        ).map(MuxJob.init)
    }

    package static func find(sid: Sid, in session: Session) throws -> [MuxJob] {
        try session.query(
            "select \(MuxJob.columns.text(of: "mux_job")) from takeup.mux_job where sid = $1 order by id", [Value(sid)]
        ).map(MuxJob.init)
    }

    /// The pair is muxed. In the commit, after ``Intents/lockHeld(_:in:)`` proved the token.
    package static func finish(_ id: MuxJob.ID, result: Replica.ID, in session: Session) throws {
        try session.execute(
            """
            update takeup.mux_job set state = 'done', result_id = $2, holder = null, lease_until = null,
                last_error = null, changed_at = statement_timestamp()
            where id = $1 and state = 'claimed'
            """, [.integer(id.rawValue), .integer(result.rawValue)])
    }

    /// Gives failed jobs another chance now: a person says so.
    @discardableResult
    package static func retry(_ ids: some Sequence<MuxJob.ID>, in session: Session) throws -> Int {
        let retried = try session.execute(
            """
            update takeup.mux_job set state = 'waiting', not_before = statement_timestamp(), failures = 0,
                changed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.mux_job where id = any($1::bigint[]) and state in ('failed', 'waiting')
                order by id for no key update))
            """, [.numbers(ids)])
        if retried > 0 { try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session) }
        return retried
    }

    /// Jobs not done yet lose their point when one of their halves is replaced.
    static func supersede(ofReplicas ids: [Replica.ID], in session: Session) throws {
        let superseded = try session.query(
            """
            with chosen as (
                select id from takeup.mux_job
                where (sound_id = any($1::bigint[]) or screen_id = any($1::bigint[]))
                    and state in ('waiting', 'claimed', 'failed')
                order by id for no key update
            )
            update takeup.mux_job set state = 'superseded', holder = null, lease_until = null,
                changed_at = statement_timestamp()
            from chosen where mux_job.id = chosen.id
            returning mux_job.id
            """, [.numbers(ids)])
        try Intents.supersede(ofMuxJobs: superseded.map { try $0.number("id") }, in: session)
    }
}
