package import Planning
package import Postgres
package import Vocabulary

/// A copy whose original is looked at again, as no row vouches for all of it.
package struct StandingAfterlook: Hashable, Sendable {
    package var transfer: Transfer.ID
    package var recording: RecordingReference
    package var sid: Sid
    package var mount: MountPath
    /// The recorder's own absolute path.
    package var path: FilePath
    package var look: Afterlook
    /// Since its commit, by the ledger's clock; zero for one that begins.
    package var age: Duration
    package var isConfirmed: Bool

    package init(
        transfer: Transfer.ID, recording: RecordingReference, sid: Sid, mount: MountPath, path: FilePath,
        look: Afterlook, age: Duration = .zero, isConfirmed: Bool = false
    ) {
        self.transfer = transfer
        self.recording = recording
        self.sid = sid
        self.mount = mount
        self.path = path
        self.look = look
        self.age = age
        self.isConfirmed = isConfirmed
    }
}

/// Looks that follow a commit (``Afterlook``). ``Sightings/toMark(source:after:limit:in:)`` passes over what has one that
/// is not confirmed.
package enum Afterlooks {
    /// In the commit, behind the replicas.
    package static func begin(
        _ looks: [StandingAfterlook], after quiet: Duration, in session: Session
    ) throws {
        if looks.isEmpty { return }
        try session.execute(
            """
            insert into takeup.afterlook as standing (transfer_id, source, source_id, sid, mount, source_path, size,
                modified, changed, inode, not_before)
            select *, statement_timestamp() + $11::interval
            from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::bigint[])
            on conflict (transfer_id) do update set
                size = excluded.size, modified = excluded.modified, changed = excluded.changed, inode = excluded.inode,
                is_confirmed = false, copied_at = statement_timestamp(), not_before = excluded.not_before
            """,
            [
                .numbers(looks.map(\.transfer)), .names(looks.map(\.recording.source)),
                .integers(looks.map(\.recording.id)), .sids(looks.map(\.sid)), .names(looks.map(\.mount)),
                .byteStrings(looks.map(\.path.bytes)), .integers(looks.map(\.look.copied.size)),
                .integers(looks.map(\.look.copied.modified)), .integers(looks.map(\.look.copied.changed)),
                .integers(looks.map { Int64(bitPattern: $0.look.copied.inode) }), Value(quiet),
            ])
    }

    /// Those of a mount whose time has come, what a mark waits for first. Whose copy serves no more needs none, and goes.
    package static func due(mount: MountPath, limit: Int, in session: Session) throws -> [StandingAfterlook] {
        let rows = try session.query(
            """
            select due.*, (extract(epoch from statement_timestamp() - copied_at) * 1000000)::bigint as age,
                exists (
                    select from takeup.replica where replica.transfer_id = due.transfer_id and replica.state = 'held'
                ) as is_held
            from (
                (select * from takeup.afterlook
                    where mount = $1 and not is_confirmed and not_before <= statement_timestamp()
                    order by not_before limit $2)
                union all
                (select * from takeup.afterlook
                    where mount = $1 and is_confirmed and not_before <= statement_timestamp()
                    order by not_before limit $2)
            ) as due
            order by is_confirmed, not_before limit $2
            """, [Value(mount), Value(limit)])
        let over = try rows.filter { try !$0.boolean("is_held") }.map {
            try $0.number("transfer_id", as: Transfer.ID.self)
        }
        try end(over, in: session)
        return try rows.filter { try $0.boolean("is_held") }.map(StandingAfterlook.init)
    }

    /// How long until one of the mount is due; zero or less: one is. Nil where it has none.
    package static func nextDue(mount: MountPath, in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from least(
                (select min(not_before) from takeup.afterlook where mount = $1 and not is_confirmed),
                (select min(not_before) from takeup.afterlook where mount = $1 and is_confirmed)
            ) - statement_timestamp()) * 1000000)::bigint as span
            """, [Value(mount)])?.optionalSpan("span")
    }

    /// Something was seen at these files: they are looked at now.
    package static func wake(mount: MountPath, paths: [FilePath], in session: Session) throws {
        if paths.isEmpty { return }
        try session.execute(
            """
            update takeup.afterlook set not_before = statement_timestamp()
            where transfer_id = any (array(
                select transfer_id from takeup.afterlook
                where source_path = any($2::bytea[]) and mount = $1 and not_before > statement_timestamp()
                order by transfer_id for no key update))
            """, [Value(mount), .byteStrings(paths.map(\.bytes))])
    }

    /// What a look found: that it is the same, or that it cannot be said now.
    package struct Note: Sendable {
        package var transfer: Transfer.ID
        /// What it is compared with from now on.
        package var look: Afterlook
        package var confirms: Bool
        package var again: Duration
        package init(transfer: Transfer.ID, look: Afterlook, confirms: Bool, again: Duration) {
            self.transfer = transfer
            self.look = look
            self.confirms = confirms
            self.again = again
        }
    }

    package static func note(_ notes: [Note], in session: Session) throws {
        if notes.isEmpty { return }
        try session.execute(
            """
            with chosen as (
                select standing.transfer_id, given.* from takeup.afterlook standing
                join unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[],
                    $7::interval[]) as given(number, size, modified, changed, inode, confirms, again)
                    on standing.transfer_id = given.number
                order by standing.transfer_id for no key update of standing
            )
            update takeup.afterlook set size = chosen.size, modified = chosen.modified, changed = chosen.changed,
                inode = chosen.inode, is_confirmed = is_confirmed or chosen.confirms,
                not_before = statement_timestamp() + chosen.again
            from chosen where afterlook.transfer_id = chosen.transfer_id
            """,
            [
                .numbers(notes.map(\.transfer)), .integers(notes.map(\.look.copied.size)),
                .integers(notes.map(\.look.copied.modified)), .integers(notes.map(\.look.copied.changed)),
                .integers(notes.map { Int64(bitPattern: $0.look.copied.inode) }), .booleans(notes.map(\.confirms)),
                .spans(notes.map(\.again)),
            ])
    }

    /// No more looks at these: the last one agreed, or nothing is left to look at.
    package static func end(_ transfers: [Transfer.ID], in session: Session) throws {
        if transfers.isEmpty { return }
        try session.execute(
            "delete from takeup.afterlook where transfer_id = any($1::bigint[])", [.numbers(transfers)])
    }

    /// The files of these are not what was copied: their copies stand for no file any more, and the recordings are looked at
    /// again, also those that have their marks. What is held stays until something takes its place.
    ///
    /// - Parameter changed: with their recordings.
    /// - Returns: recordings that wait for a look now.
    @discardableResult
    package static func reopen(
        _ changed: [(transfer: Transfer.ID, recording: RecordingReference, sid: Sid)], in session: Session
    ) throws -> [RecordingReference] {
        if changed.isEmpty { return [] }
        try Recordings.lock(changed.map(\.sid), in: session)
        let references = Array(Set(changed.map(\.recording)))
        let reopened = try session.query(
            """
            with chosen as (
                select sighting.source, sighting.source_id from takeup.sighting
                join unnest($1::text[], $2::bigint[]) as touched(source, id)
                    on sighting.source = touched.source and sighting.source_id = touched.id
                where sighting.state in ('transferring', 'converged', 'marked') and sighting.mark is distinct from 'E'
                order by sighting.source, sighting.source_id for no key update of sighting
            )
            update takeup.sighting set state = 'waiting', why = 'a file of it changed after its copy',
                not_before = statement_timestamp(), changed_at = statement_timestamp(), converged_at = null
            from chosen
            where sighting.source = chosen.source and sighting.source_id = chosen.source_id
            returning sighting.source, sighting.source_id
            """, [.names(references.map(\.source)), .integers(references.map(\.id))])
        let replicas = try session.query(
            "select id from takeup.replica where transfer_id = any($1::bigint[]) and state = 'held'",
            [.numbers(changed.map(\.transfer))])
        try Replicas.doubt(try replicas.map { try $0.number("id") }, in: session)
        try end(changed.map(\.transfer), in: session)
        for source in Set(references.map(\.source)) { try WorkChannel.notify(look: source, in: session) }
        return try reopened.map {
            RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id"))
        }
    }

    /// Looks at files on mounts that the settings have under another name by now, by their recorder's path.
    package static func move(
        source: SourceName, mounts: [MountPath], in session: Session, to place: (FilePath) -> MountPath?
    ) throws {
        let rows = try session.query(
            """
            select transfer_id, source_path from takeup.afterlook
            where source = $1 and mount <> all ($2::text[]) order by transfer_id
            """, [Value(source), .names(mounts)])
        for row in rows {
            let id: Transfer.ID = try row.number("transfer_id")
            if let mount = place(try row.path("source_path")) {
                try session.execute(
                    "update takeup.afterlook set mount = $2 where transfer_id = $1",
                    [.integer(id.rawValue), Value(mount)])
            } else {
                // Nobody can look at it any more: two looks settled it before it was copied.
                try end([id], in: session)
            }
        }
    }
}

extension StandingAfterlook {
    init(_ row: Row) throws {
        self.init(
            transfer: try row.number("transfer_id"),
            recording: RecordingReference(source: try row.name("source"), id: try row.integer("source_id")),
            sid: Sid(try row.text("sid")), mount: try row.name("mount"), path: try row.path("source_path"),
            look: Afterlook(
                copied: FileLook(
                    size: try row.integer("size"), modified: try row.integer("modified"),
                    changed: try row.integer("changed"), inode: UInt64(bitPattern: try row.integer("inode")))),
            age: try row.optionalSpan("age") ?? .zero, isConfirmed: try row.boolean("is_confirmed"))
    }
}
