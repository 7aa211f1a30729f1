package import Postgres
package import Vocabulary

/// A recording to put into a catalog: what a recorder would know of it. Change what matters to a test.
package struct RecordingSample: Sendable {
    package var sid: Sid
    package var start: WallTime?
    package var stop: WallTime
    package var length: Int?
    /// The state it ends with; it begins with `EXT_DATA_SAVED`.
    package var state = "FINISHED"
    package var problemStatus: String? = "NO_PROBLEM"
    package var mark: Mark?
    package var isProtected = false
    package var media: [MediaSample] = []
    package var externalData: [(key: String, value: String)] = []
    /// More columns of `couples`; those that the generation lacks are left out.
    package var columns: [String: Value] = [:]

    /// A recording of some seconds that ended at `stop`, by default at noon on 2026-11-20.
    package init(_ sid: String, stop: WallTime = RecordingSample.noon, seconds: Int = 60) {
        self.sid = Sid(sid)
        self.stop = stop
        start = WallTime(microseconds: stop.microseconds - Int64(seconds) * 1_000_000)
        length = seconds
    }

    /// 2026-11-20 12:00:00.
    package static let noon = WallTime(microseconds: 1_795_176_000_000_000)

    package func media(_ media: MediaSample...) -> RecordingSample { changed { $0.media += media } }
    package func data(_ key: String, _ value: String) -> RecordingSample {
        changed { $0.externalData.append((key, value)) }
    }
    package func state(_ state: String) -> RecordingSample { changed { $0.state = state } }
    package func mark(_ mark: Mark?) -> RecordingSample { changed { $0.mark = mark } }
    package func protected() -> RecordingSample { changed { $0.isProtected = true } }
    package func column(_ name: String, _ value: Value) -> RecordingSample { changed { $0.columns[name] = value } }

    /// A copy with a change.
    package func changed(_ change: (inout RecordingSample) -> Void) -> RecordingSample {
        var copy = self
        change(&copy)
        return copy
    }
}

/// A media row to put into a catalog.
package struct MediaSample: Sendable {
    package var kind: MediaKind
    package var path: FilePath
    /// Written as it stands; 0 and -1 occur.
    package var size: Int64
    package var crc32: UInt32?
    package var keyID: String?
    package var start: WallTime?
    package var stop: WallTime?
    package var properties: String?
    package var columns: [String: Value] = [:]
    package var voiceTags: [SpokenPhrase] = []

    package init(
        _ kind: MediaKind, _ path: FilePath, size: Int64 = 1000, crc32: UInt32? = nil, keyID: String? = nil,
        properties: String? = nil
    ) {
        self.kind = kind
        self.path = path
        self.size = size
        self.crc32 = crc32
        self.keyID = keyID
        self.properties = properties
    }

    /// With a voice tag on it; the phrase is made where it is not there.
    package func tag(
        _ phrase: String, from: Int = 0, to: Int = 1, channel: String? = "L"
    ) -> MediaSample {
        var copy = self
        copy.voiceTags.append(
            SpokenPhrase(PhraseText(phrase), from: String(from), to: String(to), channel: channel))
        return copy
    }
}

/// What a sample became.
package struct BuiltRecording: Hashable, Sendable {
    package let id: Int64
    package let callID: Int64
    package let mediaIDs: [Int64]
}

/// Puts recordings into a catalog in the order that a recorder does: call, recording, media, external data, and
/// the state at last.
package struct CatalogBuilder: Sendable {
    package let database: Database
    private let columns: [String: Set<String>]

    /// - Parameter database: one that has callrec tables of either generation.
    package init(_ database: Database) async throws {
        self.database = database
        columns = try await database.perform { session in
            var columns: [String: Set<String>] = [:]
            for row in try session.query(
                """
                select table_name::text as tab, column_name::text as col
                from information_schema.columns where table_schema = 'callrec'
                """)
            { columns[try row.text("tab"), default: []].insert(try row.text("col")) }
            return columns
        }
    }

    /// Adds a recording, with a call of its own unless one is given.
    @discardableResult
    package func add(_ sample: RecordingSample, callID: Int64? = nil) async throws -> BuiltRecording {
        try await database.transaction { session in try self.add(sample, callID: callID, on: session) }
    }

    /// The same inside a transaction of the caller's.
    @discardableResult
    package func add(
        _ sample: RecordingSample, callID: Int64? = nil, on session: Session
    ) throws -> BuiltRecording {
        let times: [(String, Value)] = [
            ("start_ts", Value(sample.start)), ("stop_ts", Value(sample.stop)), ("length", Value(sample.length)),
        ]
        let callID = try callID ?? insert("calls", times + [("cplcnt", 1)], session)
        let fixed: [(String, Value)] = [
            ("callid", .integer(callID)), ("sid", Value(sample.sid)), ("state", "EXT_DATA_SAVED"),
            ("problemstatus", Value(sample.problemStatus)), ("protected", .boolean(sample.isProtected)),
        ]
        let more = sample.columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let id = try insert("couples", fixed + times + more, session)
        let mediaIDs = try sample.media.map { try add($0, to: id, on: session) }
        for (key, value) in sample.externalData {
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value) values ($1, $2, $3)",
                [.integer(id), .text(key), .text(value)])
        }
        try session.execute(
            "update callrec.couples set state = $2, synchronized = $3 where id = $1",
            [.integer(id), .text(sample.state), Value(sample.mark?.rawValue)])
        return BuiltRecording(id: id, callID: callID, mediaIDs: mediaIDs)
    }

    /// Adds a media row to a recording that is there.
    @discardableResult
    package func add(_ media: MediaSample, to recordingID: Int64, on session: Session) throws -> Int64 {
        let fixed: [(String, Value)] = [
            ("cplid", .integer(recordingID)), ("cftype", .text(media.kind.rawValue)),
            ("cfpath", .rawText(media.path.bytes)), ("cfsize", .integer(media.size)),
            ("cktype", Value(media.crc32 == nil ? nil : "CRC32")), ("ckvalue", Value(media.crc32.map { Int64($0) })),
            ("enc_key_id", Value(media.keyID)), ("start_ts", Value(media.start)), ("stop_ts", Value(media.stop)),
            ("props", Value(media.properties)),
        ]
        let more = media.columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let id = try insert("cfiles", fixed + more, session)
        for tag in media.voiceTags { try add(tag, to: id, on: session) }
        return id
    }

    /// Adds a voice tag to a media row, and the phrase where it is not there.
    package func add(_ tag: SpokenPhrase, confidence: Int = 90, to mediaID: Int64, on session: Session) throws {
        try addPhrase(tag.phrase.text, on: session)
        try session.execute(
            """
            insert into callrec.voice_tags (cfileid, phraseid, from_time, to_time, confidence, channel)
            select $1, phraseid, $3, $4, $5, $6 from callrec.speech_phrases where phrase_text = $2
            """,
            [
                .integer(mediaID), .text(tag.phrase.text), Value(tag.from), Value(tag.to),
                .integer(Int64(confidence)), Value(tag.channel),
            ])
    }

    /// Adds a phrase where it is not there.
    package func addPhrase(_ text: String, on session: Session) throws {
        try session.execute(
            """
            insert into callrec.speech_phrases (phrase_text)
            select $1 where not exists (select 1 from callrec.speech_phrases where phrase_text = $1)
            """, [.text(text)])
    }

    private func insert(_ table: String, _ values: [(String, Value)], _ session: Session) throws -> Int64 {
        let known = values.filter { columns[table]?.contains($0.0) == true }
        let places = known.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let row = try session.first(
            "insert into callrec.\(table) (\(known.map(\.0).joined(separator: ", "))) values (\(places)) returning id",
            known.map(\.1))
        guard let row else { throw ChildProcess.Failure(description: "no row was inserted into callrec.\(table)") }
        return try row.integer("id")
    }
}
