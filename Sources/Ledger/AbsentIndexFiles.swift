package import Postgres
internal import Vocabulary

/// Index files that are not there: after a grace time there is none, and nothing waits for it any more.
package enum AbsentIndexFiles {
    /// Ends the search for those of these that were missing for all of the grace time, which begins anew when the sound has
    /// come. What was recorded a day before that, by whatever clock, has its index file if there is any: of a backlog each
    /// is looked for once. Inside a *read committed* transaction, and only after looks at a mount that proved itself.
    ///
    /// Recordings are locked first, as in a commit: the last transfer of a recording, whichever it is, sees all others.
    /// - Returns: how many there are.
    @discardableResult
    package static func conclude(_ ids: [Transfer.ID], after grace: Duration, in session: Session) throws -> Int {
        if ids.isEmpty { return 0 }
        let values: [Value] = [.numbers(ids), Value(grace)]
        let candidates = try session.query("select distinct sid from takeup.transfer where \(overdue)", values)
        if candidates.isEmpty { return 0 }
        try Recordings.lock(try candidates.map { Sid(try $0.text("sid")) }, in: session)
        let done = try session.query(
            """
            update takeup.transfer set state = 'done', found_absent = true, last_error = null,
                changed_at = statement_timestamp()
            where id = any (array(select id from takeup.transfer where \(overdue) order by id for no key update))
            returning source, source_id
            """, values)
        try Sightings.converge(
            try done.map { RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id")) },
            in: session)
        return done.count
    }

    private static let overdue = """
        transfer.id = any($1::bigint[]) and transfer.kind = 'INDEX' and transfer.state = 'waiting'
            and transfer.missing_since is not null
            and not exists (select from \(sound) and sound.state in ('waiting', 'claimed'))
            and (exists (
                    select from takeup.sighting
                    where sighting.source = transfer.source and sighting.source_id = transfer.source_id
                        and sighting.stopped_at <= statement_timestamp() - $2::interval - interval '1 day')
                or transfer.missing_since <= statement_timestamp() - $2::interval and not exists (
                    select from \(sound) and sound.state = 'done'
                        and sound.changed_at > statement_timestamp() - $2::interval))
        """

    private static let sound = """
        takeup.transfer sound
        where sound.source = transfer.source and sound.source_id = transfer.source_id
            and sound.source_media_id = transfer.source_media_id and sound.kind <> 'INDEX'
        """
}
