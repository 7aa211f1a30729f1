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
        guard !sids.isEmpty, try hasTable("tombstone", on: session) else { return [] }
        let rows = try session.query(
            """
            select t.sid from takeup.tombstone t where t.sid = any($1::text[])
                and not exists (select 1 from callrec.couples p where p.sid = t.sid)
            """, [.texts(sids.map(\.rawValue))])
        return Set(try rows.map { Sid(try $0.text("sid")) })
    }

    /// Media rows of these recordings that were removed by themselves.
    package func removedMedia(sids: [Sid], on session: Session) throws -> [Sid: Set<RemovedMedia>] {
        guard !sids.isEmpty, try hasTable("media_tombstone", on: session) else { return [:] }
        let rows = try session.query(
            "select media_id, sid, kind from takeup.media_tombstone where sid = any($1::text[])",
            [.texts(sids.map(\.rawValue))])
        var removed: [Sid: Set<RemovedMedia>] = [:]
        for row in rows {
            guard let kind = MediaKind(rawValue: try row.text("kind")) else { continue }
            removed[Sid(try row.text("sid")), default: []].insert(
                RemovedMedia(id: try row.integer("media_id"), kind: kind))
        }
        return removed
    }

    /// Forgets that a recording or media of it were removed: they may come back. Throws ``PostgresError`` `permission`
    /// where the role may not.
    package func liftTombstones(of sid: Sid, on session: Session) throws {
        for table in ["tombstone", "media_tombstone"] where try hasTable(table, on: session) {
            try session.execute("delete from takeup.\(table) where sid = $1", [Value(sid)])
        }
    }

    /// Says that what was deleted or archived is back in its place.
    package func setRestored(_ id: Int64, on session: Session) throws {
        guard columns.has("restored", in: "couples") else { return }
        try session.execute(
            "update callrec.couples set restored = 'R' where id = $1 and restored is distinct from 'R'",
            [.integer(id)])
    }

    private func hasTable(_ name: String, on session: Session) throws -> Bool {
        try session.first(
            """
            select 1 as one from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'takeup' and c.relname = $1 and has_table_privilege(c.oid, 'select')
            """, [.text(name)]) != nil
    }
}
