package import Postgres
package import Vocabulary

/// External data that an index of the replay's table refuses for their length. They are held here, whole, so that nothing
/// that a mark promises goes with the recorder.
package enum KeptData {
    /// Keeps these; what is kept already is no error.
    package static func keep(
        _ data: [(sid: Sid, recording: RecordingReference, datum: ExternalDatum)], in session: Session
    ) throws {
        if data.isEmpty { return }
        try session.execute(
            """
            insert into takeup.kept_datum (sid, source, source_id, key, value, created)
            select sid, source, id, key, value, created::timestamp
            from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
                as given(sid, source, id, key, value, created)
            order by sid collate "C", md5(key), md5(value)
            on conflict do nothing
            """,
            [
                .sids(data.map(\.sid)), .names(data.map(\.recording.source)), .integers(data.map(\.recording.id)),
                .texts(data.map(\.datum.key)), .texts(data.map(\.datum.value)),
                .texts(data.map { $0.datum.created?.sqlText }),
            ])
    }

    package static func find(_ sids: some Sequence<Sid>, in session: Session) throws -> [Sid: Set<ExternalDatum>] {
        let rows = try session.query(
            "select sid, key, value from takeup.kept_datum where sid = any($1::text[])", [.sids(sids)])
        var found: [Sid: Set<ExternalDatum>] = [:]
        for row in rows {
            found[Sid(try row.text("sid")), default: []]
                .insert(ExternalDatum(key: try row.text("key"), value: try row.text("value")))
        }
        return found
    }

    /// Recordings of a source with such data, by the key of these.
    package static func counts(source: SourceName, in session: Session) throws -> [String: AwaitedCount] {
        let rows = try session.query(
            """
            select key, count(distinct source_id) as number, min(source_id) as example
            from takeup.kept_datum where source = $1 group by key
            """, [Value(source)])
        return Dictionary(
            try rows.map { row in
                (
                    try row.text("key"),
                    AwaitedCount(
                        recordings: try row.count("number"),
                        example: RecordingReference(source: source, id: try row.integer("example")))
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}
