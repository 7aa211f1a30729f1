package import Postgres
package import Vocabulary

/// The callrec tables of the replay. Everything that writes is for the inside of the commit's transaction.
///
/// What the replay's triggers keep (`cfcnt`, `cftypes`, `realcplcnt`, search copies, change tracking) is never touched.
/// A value: made once from any session, used with all.
package struct ReplayCatalog: Sendable {
    package let columns: CatalogColumns
    /// Recorders' directories as they are mounted here: a media row that names a file in one holds nothing by itself.
    package var recorderMounts: [FilePath] = []
    let callIdentity: IdentityMaker
    let recordingIdentity: IdentityMaker
    let mediaIdentity: IdentityMaker
    /// Expressions, by table and column.
    let defaults: [String: [String: String]]
    /// Nil where voice tags can't be written here.
    let voiceTags: VoiceTagWriting?

    /// - Throws: ``CatalogError`` `tables` or `identities` where these are no callrec tables that can be written to.
    package init(reading session: Session) throws {
        columns = try CatalogColumns(reading: session)
        callIdentity = try IdentityMaker(for: "calls", reading: session)
        recordingIdentity = try IdentityMaker(for: "couples", reading: session)
        mediaIdentity = try IdentityMaker(for: "cfiles", reading: session)
        defaults = try ReplayCatalog.readDefaults(on: session)
        voiceTags = try VoiceTagWriting(of: columns, on: session)
    }

    /// The replay's recordings of these `sid`s; those that it has not are not in the answer.
    package func find(sids: [Sid], on session: Session) throws -> [Sid: ReplayRecording] {
        guard !sids.isEmpty else { return [:] }
        return try complete(session.answer(rows(of: sids)), on: session)
    }

    /// Rows of recordings, without what belongs to them.
    package struct RecordingRows: Sendable {
        let rows: [Row]
    }

    /// The first half of ``find(sids:on:)``, to be asked together with others.
    package func rows(of sids: [Sid]) -> Question<RecordingRows> {
        Question(recordings(bySid: true), [.texts(Set(sids).map(\.rawValue))]) { RecordingRows(rows: $0) }
    }

    /// The other half: with what belongs to them.
    package func complete(_ rows: RecordingRows, on session: Session) throws -> [Sid: ReplayRecording] {
        var found: [Sid: ReplayRecording] = [:]
        for recording in try read(rows.rows, on: session) { found[recording.sid] = recording }
        return found
    }

    /// The recording with this id.
    package func recording(id: Int64, on session: Session) throws -> ReplayRecording? {
        try read(session.query(recordings(bySid: false), [.integer(id)]), on: session).first
    }

    /// Which of these keys the replay does not manage: media that need them could not be played there.
    package func missingKeys(_ keyIDs: Set<String>, on session: Session) throws -> Set<String> {
        guard !keyIDs.isEmpty, columns.has(table: "managed_keys") else { return keyIDs }
        let rows = try session.query(
            """
            select wanted.uuid from unnest($1::text[]) as wanted(uuid)
            where not exists (select 1 from callrec.managed_keys k where lower(k.uuid::text) = lower(wanted.uuid))
            """, [.texts(keyIDs.sorted())])
        return Set(try rows.map { try $0.text("uuid") })
    }

    /// - Parameter bySid: `$1` are `sid`s, each with a look-up by its index, whatever the planner thinks of the whole
    ///   table; else it is an id.
    private func recordings(bySid: Bool) -> String {
        let optional =
            (["start_ts", "length", "problemstatus", "protected", "deleted", "archived", "mixed", "restored"]
            + ReplayCatalog.partyColumns).map {
                columns.has($0, in: "couples") ? "p.\($0)" : "null as \($0)"
            }
        let carried = columns.carriedOfRecording.map { "p.\($0) as carried_\($0)" }
        return "select p.id, p.callid, p.sid, p.stop_ts, p.state, " + (optional + carried).joined(separator: ", ")
            + (bySid
                ? """
                 from unnest($1::text[]) as wanted(sid)
                cross join lateral (select * from callrec.couples where sid = wanted.sid offset 0) p
                """ : " from callrec.couples p where p.id = $1")
    }

    private func read(_ rows: [Row], on session: Session) throws -> [ReplayRecording] {
        let ids = try rows.map { try $0.integer("id") }
        guard !ids.isEmpty else { return [] }
        let (media, data, legs) = try session.ask(
            media(of: ids), externalData(of: ids), legs(ofCalls: rows.map { try $0.integer("callid") }))
        return try rows.map { row in
            var recording = try ReplayCatalog.recording(row)
            recording.callLegs = legs[recording.callID] ?? []
            for name in columns.carriedOfRecording {
                recording.carried[name] = .some(try row.raw("carried_" + name).map(CatalogText.repaired))
            }
            recording.media = media[recording.id] ?? []
            recording.externalData = data[recording.id] ?? []
            return recording
        }
    }

    private func media(of ids: [Int64]) -> Question<[Int64: [ReplayMedia]]> {
        Question(mediaOf, [.integers(ids)]) { rows in
            var media: [Int64: [ReplayMedia]] = [:]
            for row in rows {
                // A kind that is not known here is none that we could copy, replace or keep.
                guard let kind = try row.optionalText("cftype").flatMap(MediaKind.init) else { continue }
                media[try row.integer("cplid"), default: []].append(try ReplayCatalog.media(row, kind))
            }
            return media
        }
    }

    private func externalData(of ids: [Int64]) -> Question<[Int64: Set<ExternalDatum>]> {
        Question(
            "select cplid, key, value from callrec.couple_extdata where cplid = any($1::bigint[])", [.integers(ids)]
        ) { rows in
            var data: [Int64: Set<ExternalDatum>] = [:]
            for row in rows {
                data[try row.integer("cplid"), default: []]
                    .insert(ExternalDatum(key: try row.text("key"), value: try row.text("value")))
            }
            return data
        }
    }

    /// Without an index on `callid` the legs would cost a scan, and are left unknown.
    private func legs(ofCalls calls: [Int64]) -> Question<[Int64: [Sid]]> {
        let wanted = columns.indexed.contains("callid") ? Array(Set(calls)) : []
        return Question(
            "select callid, sid from callrec.couples where callid = any($1::bigint[]) order by id", [.integers(wanted)]
        ) { rows in
            var legs: [Int64: [Sid]] = [:]
            for row in rows { legs[try row.integer("callid"), default: []].append(Sid(try row.text("sid"))) }
            return legs
        }
    }

    private static let partyColumns = ["callingnr", "originalcallednr", "finalcallednr"]

    private var mediaOf: String {
        let optional = ["enc_key_id", "start_ts", "stop_ts", "props"].map {
            columns.has($0, in: "cfiles") ? "f.\($0)" : "null as \($0)"
        }
        return "select f.cplid, f.id, f.cftype, f.cfpath, f.cfsize, " + optional.joined(separator: ", ")
            + " from callrec.cfiles f where f.cplid = any($1::bigint[]) order by f.id"
    }

    private static func media(_ row: Row, _ kind: MediaKind) throws -> ReplayMedia {
        ReplayMedia(
            id: try row.integer("id"), kind: kind, path: FilePath(bytes: try row.raw("cfpath") ?? []),
            size: try row.optionalInteger("cfsize").flatMap { $0 > 0 ? $0 : nil },
            keyID: try row.optionalText("enc_key_id").flatMap { $0.isEmpty ? nil : $0 },
            start: try row.raw("start_ts").flatMap(CatalogText.wallTime),
            stop: try row.raw("stop_ts").flatMap(CatalogText.wallTime),
            properties: try row.optionalText("props"))
    }

    private static func recording(_ row: Row) throws -> ReplayRecording {
        var recording = ReplayRecording(
            id: try row.integer("id"), callID: try row.integer("callid"), sid: Sid(try row.text("sid")),
            start: try row.raw("start_ts").flatMap(CatalogText.wallTime),
            stop: try row.raw("stop_ts").flatMap(CatalogText.wallTime),
            length: try row.optionalInteger("length").map { Int($0) }, state: try row.optionalText("state"),
            problemStatus: try row.optionalText("problemstatus"),
            isProtected: try row.optionalBoolean("protected") ?? false,
            isDeleted: try row.optionalText("deleted") == "D", isArchived: try row.optionalText("archived") == "A",
            isMixed: try row.optionalText("mixed") == "M",
            parties: try partyColumns.compactMap { try row.optionalText($0) })
        recording.isRestored = try row.optionalText("restored") == "R"
        return recording
    }
}
