package import Postgres
package import Vocabulary

/// Recordings that an operator wants back although the replay's tools took them away, until they are.
package enum Restorations {
    /// Since when each is wanted back; those that are not are not in the answer.
    package static func find(_ sids: some Sequence<Sid>) -> Question<[Sid: Instant]> {
        Question(
            """
            select sid, \(SQL.microseconds("asked_at")) as asked_at from takeup.restoration
            where sid = any($1::text[])
            """, [.sids(Set(sids))]
        ) { rows in
            var found: [Sid: Instant] = [:]
            for row in rows { found[Sid(try row.text("sid"))] = try row.instant("asked_at") }
            return found
        }
    }

    /// What is held by now does not count any more. Asked again before it is over, it changes nothing. While the
    /// recording is locked.
    package static func ask(_ sid: Sid, in session: Session) throws {
        try session.execute(
            "insert into takeup.restoration (sid) values ($1) on conflict do nothing", [Value(sid)])
        // What was done counts no longer: a plan opens it again.
        try session.execute(
            """
            update takeup.transfer set state = 'dropped'
            where id = any (array(
                select transfer.id from takeup.transfer
                join takeup.sighting on sighting.source = transfer.source and sighting.source_id = transfer.source_id
                where sighting.sid = $1 and transfer.state = 'done' order by transfer.id for no key update of transfer))
            """, [Value(sid)])
    }

    /// Lets the keepers of sources look at these recordings, whatever their marks are.
    package static func reopen(
        _ sid: Sid, at references: [RecordingReference], in session: Session
    ) throws {
        try session.execute(
            """
            insert into takeup.sighting as known (source, source_id, sid, state, why, reopened)
            select source, id, $3, 'waiting', 'it is wanted back', 'restore'
            from unnest($1::text[], $2::bigint[]) as wanted(source, id) order by source collate "C", id
            on conflict (source, source_id) do update set state = 'waiting', why = excluded.why, reopened = 'restore',
                not_before = statement_timestamp(), attempts = 0, changed_at = statement_timestamp(), converged_at = null
            """, [.names(references.map(\.source)), .integers(references.map(\.id)), Value(sid)])
        for source in Set(references.map(\.source)) { try WorkChannel.notify(look: source, in: session) }
    }

    package static func end(_ sid: Sid, in session: Session) throws {
        try session.execute("delete from takeup.restoration where sid = $1", [Value(sid)])
    }
}
