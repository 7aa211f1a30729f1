package import Postgres
package import Vocabulary

/// Pairs of a sound and its screens, and the work of muxing them.
package enum MuxJobs {
    /// Makes the jobs that held replicas of these recordings ask for and that are not there yet. In the commit, after
    /// the replicas were inserted, while the recordings are locked: of two halves that commit together, the second
    /// sees the first. A superseded job of the same pair comes back.
    ///
    /// - Returns: the jobs made now, or brought back.
    @discardableResult
    package static func ensure(_ sids: some Sequence<Sid>, in session: Session) throws -> [MuxJob] {
        let made = try session.answer(making(sids))
        try begin(made, in: session)
        return made
    }

    /// Jobs that this transaction made supersede those of fewer screens that are not done, and workers are told of them.
    package static func begin(_ made: [MuxJob], in session: Session) throws {
        if made.isEmpty { return }
        try supersede(
            """
            sid = any($1::text[]) and exists (
                select from takeup.mux_job as more where more.id = any($2::bigint[]) and more.id <> mux_job.id
                    and more.sound_id = mux_job.sound_id
                    and (more.screen_ids @> mux_job.screen_ids or mux_job.is_recd and not more.is_recd))
            """, [.sids(made.map(\.sid)), .numbers(made.map(\.id))], in: session)
        try ScreenWaits.end(sids: made.map(\.sid), in: session)
        try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session)
    }

    /// What ``ensure(_:in:)`` asks; who asks it with others goes on with ``begin(_:in:)``.
    package static func making(_ sids: some Sequence<Sid>) -> Question<[MuxJob]> {
        Question(
            """
            insert into takeup.mux_job (sid, sound_id, screen_ids, is_recd, state)
            select touched.sid, wanted.sound_id, wanted.screen_ids, wanted.is_recd,
                case when wanted.is_recd then 'not_muxable' else 'waiting' end
            from unnest($1::text[]) as touched(sid)
            cross join lateral (\(wanted)) as wanted
            order by touched.sid collate "C", wanted.sound_id
            on conflict (sid, sound_id, screen_ids) do update set state = excluded.state,
                not_before = statement_timestamp(), failures = 0, killed_screen_ids = '{}', losses = 0, last_error = null,
                changed_at = statement_timestamp()
            where mux_job.state = 'superseded'
            returning \(MuxJob.columns.text(of: "mux_job"))
            """, [.sids(Set(sids))]
        ) { try $0.map(MuxJob.init) }
    }

    /// The pairs of recording `touched.sid` that have no job. What has a result with more screens is no pair: a screen that
    /// was lost or is in doubt takes nothing from what was made while it was there, as long as that is good. A job with more
    /// screens that has no such result stands in the way only as long as all of them are there and good. RECD counts only where there is no screen in
    /// mp4, and was none.
    private static let wanted = """
        select sound.id as sound_id, screens.ids as screen_ids, screens.is_recd from (\(halves("AUDIO"))) as sound
        cross join (
            select coalesce(video.ids, recd.ids) as ids, video.ids is null as is_recd
            from (select array_agg(id order by id) as ids from (\(halves("VIDEO"))) as screen) as video
            cross join (select array_agg(id order by id) as ids from (\(halves("RECD"))) as screen) as recd
        ) as screens
        where screens.ids is not null and (
            select id from takeup.mux_job as known
            where known.sid = touched.sid and known.sound_id = sound.id
                and (known.screen_ids @> screens.ids or screens.is_recd and not known.is_recd)
                and known.state <> 'superseded'
                and (known.screen_ids = screens.ids
                    or known.result_id is not null and (known.state = 'done' or known.left_out is not null)
                    or screens.is_recd and not known.is_recd or not \(hasBadHalf("known")))
            limit 1) is null
        """

    /// Whether a half of the job in this row is replaced, gone or in doubt.
    static func hasBadHalf(_ job: String) -> String {
        """
        exists (
            select from takeup.replica as half where half.id = any(\(job).screen_ids || \(job).sound_id)
                and (half.state <> 'held' or half.is_doubted or half.gone_at is not null))
        """
    }

    /// A look-up for each recording, whatever the planner thinks of the whole table.
    private static func halves(_ kind: String) -> String {
        """
        select id from takeup.replica
        where sid = touched.sid and state = 'held' and is_muxable and not is_result and not is_doubted
            and gone_at is null and kind = '\(kind)'
        offset 0
        """
    }

    /// Some recordings whose sound and screens are held and have no job: what a sweep repairs with ``ensure(_:in:)``.
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
                select id, sid, kind, state, is_muxable, is_result from takeup.replica
                where id > $1 order by id limit $2
            ), newest as (
                select id, sid, kind, state, is_muxable, is_result from takeup.replica order by id desc limit $3
            ), touched as (
                select distinct sid from (select * from page union all select * from newest) as one
                where state = 'held' and is_muxable and not is_result
            )
            select (select max(id) from page) as last, (select count(*) from page) as number, array(
                select sid from touched where (select sound_id from (\(wanted)) as wanted limit 1) is not null) as sids
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

    /// The pair is muxed; jobs of fewer of its screens that are not done have lost their point. In the commit, after
    /// ``Intents/lockHeld(_:in:)`` proved the token, while the recording is locked.
    ///
    /// - Parameters:
    ///   - encoded: what was encoded, and why.
    ///   - notes: what who plays it cannot see, and should know.
    ///   - leftOut: the screens that it lacks, as they were refused.
    package static func finish(
        _ id: MuxJob.ID, result: Replica.ID, encoded: String? = nil, notes: String? = nil,
        leftOut: [Replica.ID] = [], in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.mux_job set state = 'done', result_id = $2, encoded = $3, notes = $4,
                left_out = nullif($5::bigint[], '{}'),
                holder = null, lease_until = null, losses = 0, last_error = null, changed_at = statement_timestamp()
            where id = $1 and state = 'claimed'
            """,
            [.integer(id.rawValue), .integer(result.rawValue), Value(encoded), Value(notes), .numbers(leftOut)])
        try supersede(
            """
            sid = (select sid from takeup.mux_job where id = $1) and id <> $1 and exists (
                select from takeup.mux_job as more where more.id = $1 and more.sound_id = mux_job.sound_id
                    and (more.screen_ids @> mux_job.screen_ids or mux_job.is_recd and not more.is_recd))
            """, [.integer(id.rawValue)], in: session)
    }

    /// Gives failed jobs another chance now: a person says so.
    @discardableResult
    package static func retry(_ ids: some Sequence<MuxJob.ID>, in session: Session) throws -> Int {
        let retried = try session.execute(
            """
            update takeup.mux_job set state = \(due), not_before = statement_timestamp(), failures = 0,
                killed_screen_ids = '{}', losses = 0, changed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.mux_job where id = any($1::bigint[]) and state in ('failed', 'waiting')
                order by id for no key update))
            """, [.numbers(ids)])
        if retried > 0 { try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session) }
        return retried
    }

    /// Jobs not done yet lose their point when one of their halves is replaced.
    static func supersede(ofReplicas ids: [Replica.ID], in session: Session) throws {
        try supersede(
            """
            sid = any(array(select sid from takeup.replica where id = any($1::bigint[])))
                and (sound_id = any($1::bigint[]) or screen_ids && $1::bigint[])
            """, [.numbers(ids)], in: session)
    }

    private static func supersede(_ condition: String, _ values: [Value], in session: Session) throws {
        let superseded = try session.query(
            """
            with chosen as (
                select id from takeup.mux_job where \(condition) and state in ('waiting', 'claimed', 'failed', 'not_muxable')
                order by id for no key update
            )
            update takeup.mux_job set state = 'superseded', holder = null, lease_until = null,
                changed_at = statement_timestamp()
            from chosen where mux_job.id = chosen.id
            returning mux_job.id
            """, values)
        try Intents.supersede(ofMuxJobs: superseded.map { try $0.number("id") }, in: session)
    }
}
