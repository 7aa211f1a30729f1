package import Postgres
package import Vocabulary

/// What an operator wants tried again.
package enum Retries {
    package enum Scope: Hashable, Sendable {
        case recording(Sid)
        case sources([SourceName])
    }

    package struct Count: Hashable, Sendable {
        /// Sightings that the scope holds, whatever their state.
        package var known: Int
        /// Those that wait or are refused, or have transfers that wait: due now, with counts at zero.
        package var due: Int
        /// Those with mark E of ours, which are taken up again.
        package var reopened: Int

        package init(known: Int, due: Int, reopened: Int) {
            self.known = known
            self.due = due
            self.reopened = reopened
        }
    }

    /// Makes everything that waits in the scope due now, sets counts to zero, and takes up what was given up.
    package static func retry(_ scope: Scope, in session: Session) throws -> Count {
        let (condition, value): (String, Value) =
            switch scope {
            case .recording(let sid): ("sid = $1", Value(sid))
            case .sources(let names): ("source = any($1::text[])", .names(names))
            }
        let known =
            try session.first(
                "select count(*) from takeup.sighting where \(condition)", [value])?.count("count") ?? 0
        let transfers = try session.query(
            """
            update takeup.transfer set failures = 0, faults = 0, not_before = statement_timestamp()
            where id = any (array(
                select id from takeup.transfer where \(condition) and state = 'waiting'
                order by id for no key update))
            returning source, source_id, mount
            """, [value])
        let muxed = try retryMuxes(scope, in: session)
        let sightings = try session.query(
            """
            with chosen as (
                select source, source_id, state = 'marked' as was_given_up from takeup.sighting
                where \(condition) and (state in ('waiting', 'refused') or state = 'marked' and mark = 'E')
                order by source, source_id for no key update
            )
            update takeup.sighting set not_before = statement_timestamp(), attempts = 0, failures = 0,
                state = case when was_given_up then 'waiting' else state end,
                why = case when was_given_up then 'it is to be tried again' else why end,
                reopened = case when was_given_up then 'retry' else reopened end,
                changed_at = statement_timestamp()
            from chosen where sighting.source = chosen.source and sighting.source_id = chosen.source_id
            returning sighting.source, sighting.source_id, was_given_up
            """, [value])
        var due: Set<RecordingReference> = []
        for row in transfers + sightings + muxed {
            due.insert(RecordingReference(source: try row.name("source"), id: try row.integer("source_id")))
        }
        try session.execute(
            """
            update takeup.problem set last_at = statement_timestamp(),
                what = 'Recording ' || reference || ' was given up and marked erroneous; it is being tried again.'
            where kind = 'marked-erroneous' and closed_at is null and reference = any($1::text[])
            """, [.texts(due.map(\.description))])
        let reopened = try sightings.count { try $0.boolean("was_given_up") }
        try WorkChannel.notify(mounts: transfers.map { try $0.name("mount", as: MountPath.self) }, in: session)
        for source in Set(due.map(\.source)) { try WorkChannel.notify(look: source, in: session) }
        return Count(known: known, due: due.count - reopened, reopened: reopened)
    }

    /// Mux jobs that wait, and those whose results lack screens. Gives their recordings.
    private static func retryMuxes(_ scope: Scope, in session: Session) throws -> [Row] {
        let (condition, value): (String, Value) =
            switch scope {
            case .recording(let sid): ("job.sid = $1", Value(sid))
            case .sources(let names): ("sound.source = any($1::text[])", .names(names))
            }
        let muxes = try session.query(
            """
            with chosen as (
                select job.id, sound.source from takeup.mux_job as job join takeup.replica as sound on sound.id = job.sound_id
                where \(condition) and (
                    job.state in ('waiting', 'failed') or job.state = 'not_muxable' and job.failures > 0
                    or job.left_out is not null and job.state = 'done'
                        and exists (select from takeup.replica where id = job.result_id and state = 'held'))
                order by job.id for no key update of job
            ), due as (
                update takeup.mux_job set state = \(MuxJobs.due), not_before = statement_timestamp(), failures = 0,
                    killed_screen_ids = '{}', losses = 0, changed_at = statement_timestamp()
                from chosen where mux_job.id = chosen.id returning mux_job.sid, chosen.source
            )
            select distinct sighting.source, sighting.source_id from due
            join takeup.sighting on sighting.sid = due.sid and sighting.source = due.source
            """, [value])
        if !muxes.isEmpty { try WorkChannel.notify(payloads: [WorkChannel.muxPayload], in: session) }
        return muxes
    }
}
