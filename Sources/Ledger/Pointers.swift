package import Postgres
package import Vocabulary

/// A media row of the replay that points at a source's own file.
package struct MediaPointer: Hashable, Sendable {
    package var sid: Sid
    package var source: SourceName
    /// `cfiles.id` at the source.
    package var sourceMediaID: Int64
    /// Of what the source's row said of the file when the pointer was made.
    package var sourceFingerprint: [UInt8]
    /// `cfiles.id` at the replay. A row points at one file.
    package var replayMediaID: Int64
    /// What the row was made to say.
    package var path: FilePath

    package init(
        sid: Sid, source: SourceName, sourceMediaID: Int64, sourceFingerprint: [UInt8], replayMediaID: Int64,
        path: FilePath
    ) {
        self.sid = sid
        self.source = source
        self.sourceMediaID = sourceMediaID
        self.sourceFingerprint = sourceFingerprint
        self.replayMediaID = replayMediaID
        self.path = path
    }
}

/// Which media rows of the replay are mere pointers.
package enum Pointers {
    package static func find(_ sids: some Sequence<Sid>, in session: Session) throws -> [Sid: [MediaPointer]] {
        try session.answer(find(sids))
    }

    package static func find(_ sids: some Sequence<Sid>) -> Question<[Sid: [MediaPointer]]> {
        Question(
            """
            select sid, source, source_media_id, source_fingerprint, replay_media_id, path
            from takeup.pointer where sid = any($1::text[]) order by replay_media_id
            """, [.sids(sids)]
        ) { rows in
            let pointers = try rows.map { row in
                MediaPointer(
                    sid: Sid(try row.text("sid")), source: try row.name("source"),
                    sourceMediaID: try row.integer("source_media_id"),
                    sourceFingerprint: try row.bytes("source_fingerprint"),
                    replayMediaID: try row.integer("replay_media_id"), path: try row.path("path"))
            }
            return Dictionary(grouping: pointers, by: \.sid)
        }
    }

    /// In the commit that wrote the rows, while the recordings are locked. A row that pointed elsewhere points here now.
    package static func write(_ pointers: [MediaPointer], in session: Session) throws {
        if pointers.isEmpty { return }
        try session.execute(
            """
            insert into takeup.pointer (replay_media_id, sid, source, source_media_id, source_fingerprint, path)
            select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[])
            on conflict (replay_media_id) do update set
                sid = excluded.sid, source = excluded.source, source_media_id = excluded.source_media_id,
                source_fingerprint = excluded.source_fingerprint, path = excluded.path,
                made_at = statement_timestamp()
            """,
            [
                .integers(pointers.map(\.replayMediaID)), .sids(pointers.map(\.sid)), .names(pointers.map(\.source)),
                .integers(pointers.map(\.sourceMediaID)), .byteStrings(pointers.map(\.sourceFingerprint)),
                .byteStrings(pointers.map(\.path.bytes)),
            ])
    }

    /// These rows have copies now.
    package static func drop(replayMedia ids: [Int64], in session: Session) throws {
        if ids.isEmpty { return }
        try session.execute("delete from takeup.pointer where replay_media_id = any($1::bigint[])", [.integers(ids)])
    }
}
