/// One recording as a source's catalog has it, with its media rows and external data: what one look showed.
package struct SourceRecording: Hashable, Codable, Sendable {
    package var source: SourceName
    /// `couples.id` at the source.
    package var id: Int64
    package var sid: Sid
    package var call: SourceCall
    package var start: WallTime?
    package var stop: WallTime?
    /// `stop` by the source's time zone.
    package var stopInstant: Instant?
    /// Seconds, as the row claims.
    package var length: Int?
    /// `couples.state`: `EXT_DATA_SAVED`, `DECODED`, `FINISHED`.
    package var state: String?
    package var problemStatus: String?
    package var mark: Mark?
    package var isProtected: Bool
    /// Whether the source's lifecycle tools took the media away (`deleted`, `archived`).
    package var isDeleted: Bool
    package var isArchived: Bool
    /// `mixed` is `M`: one of the media is already sound and screen in one.
    package var isMixed: Bool
    /// Columns that are carried to the replay as they stand, as PostgreSQL's text, by column name.
    package var carried: [String: String]
    package var media: [SourceMedia]
    package var externalData: [ExternalDatum]
    /// Of any of the media, where they are collected from this source.
    package var voiceTags: [VoiceTag]

    package init(
        source: SourceName, id: Int64, sid: Sid, call: SourceCall, start: WallTime? = nil, stop: WallTime? = nil,
        stopInstant: Instant? = nil, length: Int? = nil, state: String? = nil, problemStatus: String? = nil,
        mark: Mark? = nil, isProtected: Bool = false, isDeleted: Bool = false, isArchived: Bool = false,
        isMixed: Bool = false, carried: [String: String] = [:], media: [SourceMedia] = [],
        externalData: [ExternalDatum] = [], voiceTags: [VoiceTag] = []
    ) {
        self.source = source
        self.id = id
        self.sid = sid
        self.call = call
        self.start = start
        self.stop = stop
        self.stopInstant = stopInstant
        self.length = length
        self.state = state
        self.problemStatus = problemStatus
        self.mark = mark
        self.isProtected = isProtected
        self.isDeleted = isDeleted
        self.isArchived = isArchived
        self.isMixed = isMixed
        self.carried = carried
        self.media = media
        self.externalData = externalData
        self.voiceTags = voiceTags
    }

    package var reference: RecordingReference { RecordingReference(source: source, id: id) }
    package var isFinished: Bool { state == "FINISHED" }
}

/// The call that a recording belongs to at its source.
package struct SourceCall: Hashable, Codable, Sendable {
    /// `calls.id` at the source.
    package var id: Int64
    package var start: WallTime?
    package var stop: WallTime?
    /// Seconds.
    package var length: Int?
    /// The recordings of the call, where the source can say them cheaply; this one among them.
    package var legs: [Sid]
    package init(
        id: Int64, start: WallTime? = nil, stop: WallTime? = nil, length: Int? = nil, legs: [Sid] = []
    ) {
        self.id = id
        self.start = start
        self.stop = stop
        self.length = length
        self.legs = legs
    }
}

/// One media row of a recording at its source (`cfiles`).
package struct SourceMedia: Hashable, Codable, Sendable {
    /// `cfiles.id` at the source.
    package var id: Int64
    package var kind: MediaKind
    /// The recorder's own absolute path.
    package var path: FilePath
    /// Bytes; nil where the row claims none (NULL, 0 and -1 occur, and 32 bits cannot hold 2 GiB).
    package var size: Int64?
    /// CRC-32 of the file where the row gives one. Of encrypted media it may mean clear or cipher bytes.
    package var crc32: UInt32?
    /// The key that the media are encrypted with (`enc_key_id`).
    package var keyID: String?
    package var start: WallTime?
    package var stop: WallTime?
    /// Media properties, JSON text as it stands. `pkcs7` in it is a detached CMS envelope in PEM.
    package var properties: String?
    /// Columns that are carried to the replay as they stand, as PostgreSQL's text, by column name.
    package var carried: [String: String]

    package init(
        id: Int64, kind: MediaKind, path: FilePath, size: Int64? = nil, crc32: UInt32? = nil, keyID: String? = nil,
        start: WallTime? = nil, stop: WallTime? = nil, properties: String? = nil, carried: [String: String] = [:]
    ) {
        self.id = id
        self.kind = kind
        self.path = path
        self.size = size
        self.crc32 = crc32
        self.keyID = keyID
        self.start = start
        self.stop = stop
        self.properties = properties
        self.carried = carried
    }
}

/// One key and value of a recording's external data. A key may hold several values.
package struct ExternalDatum: Hashable, Comparable, Codable, Sendable {
    package let key: String
    package let value: String
    /// `couple_extdata.created_ts`; not part of what makes two the same.
    package let created: WallTime?
    package init(key: String, value: String, created: WallTime? = nil) {
        self.key = key
        self.value = value
        self.created = created
    }
    package static func == (one: ExternalDatum, other: ExternalDatum) -> Bool {
        ByteOrder.areSame(one.key, other.key) && ByteOrder.areSame(one.value, other.value)
    }
    package func hash(into hasher: inout Hasher) {
        ByteOrder.hash(key, into: &hasher)
        ByteOrder.hash(value, into: &hasher)
    }
    package static func < (one: ExternalDatum, other: ExternalDatum) -> Bool {
        ByteOrder.areSame(one.key, other.key)
            ? ByteOrder.precedes(one.value, other.value) : ByteOrder.precedes(one.key, other.key)
    }
}
