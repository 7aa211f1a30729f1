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
        let made = try session.answer(making(sids))
        try tell(made, in: session)
        return made
    }

    /// Tells workers of jobs that this transaction made.
    package static func tell(_ made: [MuxJob], in session: Session) throws {
        if !made.isEmpty { try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session) }
    }

    /// What ``ensure(_:in:)`` asks; who asks it with others tells of the jobs with ``tell(_:in:)``.
    package static func making(_ sids: some Sequence<Sid>) -> Question<[MuxJob]> {
        Question(
            """
            insert into takeup.mux_job (sid, sound_id, screen_id)
            select touched.sid, sound.id, screen.id from unnest($1::text[]) as touched(sid)
            cross join lateral (\(halves("AUDIO"))) as sound cross join lateral (\(halves("VIDEO"))) as screen
            order by touched.sid collate "C", sound.id, screen.id
            on conflict (sid, sound_id, screen_id) do nothing
            returning \(MuxJob.columns.text(of: "mux_job"))
            """, [.sids(Set(sids))]
        ) { try $0.map(MuxJob.init) }
    }

    /// A look-up for each recording, whatever the planner thinks of the whole table.
    private static func halves(_ kind: String) -> String {
        """
        select id from takeup.replica
        where sid = touched.sid and state = 'held' and is_muxable and not is_result and not is_doubted
            and kind = '\(kind)'
        offset 0
        """
    }

    /// Some recordings whose sound and screen are held and have no job: what a sweep repairs with ``ensure(_:in:)``.
    ///
    /// It looks at the `newest` replicas, and at `limit` behind `last`, whatever the archive holds: round after round all
    /// are seen.
    /// - Returns: where the next page begins; nil where the round is over.
    package static func pairsWithoutJob(
        after last: Replica.ID? = nil, limit: Int, newest: Int, in session: Session
    ) throws -> (sids: Set<Sid>, last: Replica.ID?) {
        let rows = try session.query(
            """
            with page as (
                select id, sid, kind, state, is_muxable, is_result, is_doubted from takeup.replica
                where id > $1 order by id limit $2
            ), newest as (
                select id, sid, kind, state, is_muxable, is_result, is_doubted from takeup.replica order by id desc limit $3
            )
            select (select max(id) from page) as last, (select count(*) from page) as number, array(
                select distinct one.sid from (select * from page union select * from newest) as one
                where one.state = 'held' and one.is_muxable and not one.is_result and not one.is_doubted
                    -- A look-up for each, whatever the planner thinks of the whole table.
                    and (
                        select other.id from takeup.replica as other
                        where other.sid = one.sid
                            and other.kind = case one.kind when 'AUDIO' then 'VIDEO' when 'VIDEO' then 'AUDIO' end
                            and other.state = 'held' and other.is_muxable and not other.is_result
                            and not other.is_doubted
                            and (
                                select job.id from takeup.mux_job as job
                                where job.sid = one.sid
                                    and job.sound_id = case one.kind when 'AUDIO' then one.id else other.id end
                                    and job.screen_id = case one.kind when 'AUDIO' then other.id else one.id end
                                limit 1) is null
                        limit 1) is not null) as sids
            """, [.integer(last?.rawValue ?? 0), Value(limit), Value(newest)])
        guard let row = rows.first else { return ([], nil) }
        let sids = try row.optionalArray("sids") ?? []
        let isOver = try row.count("number") < limit
        return (
            Set(sids.compactMap { $0.map { Sid(String(decoding: $0, as: UTF8.self)) } }),
            isOver ? nil : try row.optionalNumber("last")
        )
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
