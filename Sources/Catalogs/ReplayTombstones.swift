package import Postgres
package import Vocabulary

/// A media row that the replay's tools removed while its recording stayed.
package struct RemovedMedia: Hashable, Sendable {
    /// `cfiles.id` as it was.
    package let id: Int64
    package let kind: MediaKind
    package init(id: Int64, kind: MediaKind) {
        self.id = id
        self.kind = kind
    }
}

/// What the replay's own tools removed, where `units/sql/replay-tombstones.sql` is installed.
extension ReplayCatalog {
    /// Which of these were at the replay and were removed there; a recording that stands again is not among them.
    package func removed(sids: [Sid], on session: Session) throws -> Set<Sid> {
        guard !sids.isEmpty, try session.answer(ReplayCatalog.tombstones).contains(.recordings) else { return [] }
        return try session.answer(removed(sids: sids))
    }

    /// Only where there are ``TombstoneTable/recordings``.
    package func removed(sids: [Sid]) -> Question<Set<Sid>> {
        Question(
            """
            select t.sid from takeup.tombstone t where t.sid = any($1::text[])
                and not exists (select 1 from callrec.couples p where p.sid = t.sid)
            """, [.texts(sids.map(\.rawValue))]
        ) { rows in Set(try rows.map { Sid(try $0.text("sid")) }) }
    }

    /// Media rows of these recordings that were removed by themselves.
    package func removedMedia(sids: [Sid], on session: Session) throws -> [Sid: Set<RemovedMedia>] {
        guard !sids.isEmpty, try session.answer(ReplayCatalog.tombstones).contains(.media) else { return [:] }
        return try session.answer(removedMedia(sids: sids))
    }

    /// Only where there are ``TombstoneTable/media``.
    package func removedMedia(sids: [Sid]) -> Question<[Sid: Set<RemovedMedia>]> {
        Question(
            "select media_id, sid, kind from takeup.media_tombstone where sid = any($1::text[])",
            [.texts(sids.map(\.rawValue))]
        ) { rows in
            var removed: [Sid: Set<RemovedMedia>] = [:]
            for row in rows {
                guard let kind = MediaKind(rawValue: try row.text("kind")) else { continue }
                removed[Sid(try row.text("sid")), default: []].insert(
                    RemovedMedia(id: try row.integer("media_id"), kind: kind))
            }
            return removed
        }
    }

    /// Forgets that a recording or media of it were removed: they may come back. Throws ``PostgresError`` `permission`
    /// where the role may not.
    package func liftTombstones(of sid: Sid, on session: Session) throws {
        for table in try session.answer(ReplayCatalog.tombstones) {
            try session.execute("delete from takeup.\(table.rawValue) where sid = $1", [Value(sid)])
        }
    }

    /// Says that what was deleted or archived is back in its place.
    package func setRestored(_ id: Int64, on session: Session) throws {
        guard columns.has("restored", in: "couples") else { return }
        try session.execute(
            "update callrec.couples set restored = 'R' where id = $1 and restored is distinct from 'R'",
            [.integer(id)])
    }

    /// A table that the operator's script makes.
    package enum TombstoneTable: String, Hashable, Sendable {
        case recordings = "tombstone"
        case media = "media_tombstone"
    }

    /// Which of them are there and may be read.
    package static var tombstones: Question<Set<TombstoneTable>> {
        Question(
            """
            select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'takeup' and c.relname in ('tombstone', 'media_tombstone')
                and has_table_privilege(c.oid, 'select')
            """
        ) { rows in Set(try rows.compactMap { TombstoneTable(rawValue: try $0.text("name")) }) }
    }
}
