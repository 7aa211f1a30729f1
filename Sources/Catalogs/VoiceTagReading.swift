internal import Postgres
internal import Vocabulary

/// Whether and how a source's voice tags are read.
package enum VoiceTagReading: Hashable, Sendable {
    /// The settings leave them at the source.
    case off
    /// The source has no tables of them.
    case absent
    /// The role can't read these tables; all else goes on without voice tags.
    case denied([String])
    /// - Parameter isIndexed: whether an index finds the tags of a media row; without one each look reads the table.
    case on(isIndexed: Bool)

    init(of columns: CatalogColumns, on session: Session) throws {
        let needed = ["voice_tags": ["cfileid", "phraseid"], "speech_phrases": ["phraseid", "phrase_text"]]
        let isThere = needed.allSatisfy { table, names in names.allSatisfy { columns.has($0, in: table) } }
        guard isThere else {
            self = .absent
            return
        }
        let denied = try CatalogRights.lacking(["select"], of: needed.keys.sorted(), on: session)
        guard denied.isEmpty else {
            self = .denied(denied)
            return
        }
        let index = try session.first(
            """
            select 1 as one from pg_index i
            join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
            where n.nspname = 'callrec' and c.relname = 'voice_tags' and a.attname = 'cfileid'
                and i.indisvalid and i.indpred is null
            """)
        self = .on(isIndexed: index != nil)
    }
}

extension SourceCatalog {
    /// The voice tags of media rows, by the recording's id: one statement for any number. A tag whose phrase has no row
    /// says nothing, and is none.
    func voiceTagRows(of media: [Int64: [Row]], on session: Session) throws -> [Int64: [Row]] {
        guard case .on = voiceTags else { return [:] }
        var recordings: [Int64: Int64] = [:]
        for (recording, rows) in media {
            for row in rows { recordings[try row.integer("id")] = recording }
        }
        if recordings.isEmpty { return [:] }
        let optional = VoiceTagColumns.carried.map { name in
            columns.has(name, in: "voice_tags") ? "v.\(name)" : "null as \(name)"
        }
        var found: [Int64: [Row]] = [:]
        for row in try session.query(
            """
            select v.cfileid, s.phrase_text, \(optional.joined(separator: ", "))
            from callrec.voice_tags v join callrec.speech_phrases s on s.phraseid = v.phraseid
            where v.cfileid = any($1::bigint[])
            """, [.integers(recordings.keys.sorted())])
        {
            guard let recording = recordings[try row.integer("cfileid")] else { continue }
            found[recording, default: []].append(row)
        }
        return found
    }
}

/// Columns of `voice_tags` beside its keys.
enum VoiceTagColumns {
    static let place = ["from_time", "to_time", "channel"]
    static let carried = place + ["confidence"]
}
