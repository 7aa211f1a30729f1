package import Planning
internal import Postgres
package import Vocabulary

/// A published, verified copy on a volume, or a result of muxing.
package struct Replica: Hashable, Identifiable, Sendable {
    package struct ID: RowNumber {
        package let rawValue: Int64
        package init(rawValue: Int64) { self.rawValue = rawValue }
    }

    package enum State: String, CaseIterable, Sendable {
        /// Serves the replay. Goes to `retired`.
        case held
        /// Replaced, and put aside until `removeAfter`. Goes to `removed`.
        case retired
        /// The file is gone; the row stays, as jobs and evidence name it.
        case removed
    }

    /// How thoroughly a copy was verified.
    package enum Level: String, CaseIterable, Sendable {
        /// Found under its name after the ledger had lost it: what it was copied from could not be compared.
        case adopted = "L0"
        /// The digest was taken while writing; the copy could not be read back from the disk.
        case streamed = "L1"
        /// Read back after its pages were proven to be gone from the cache.
        case readBack = "L2"
        /// Read back, and the source read again.
        case sourceAgain = "L3"
    }

    /// What besides our own digest speaks for the bytes being those that were recorded.
    package enum Authenticity: String, CaseIterable, Sendable {
        case unauthenticated
        /// The CRC-32 of the source's row agrees.
        case crc32
        /// An authenticated cipher or a signature agrees.
        case cipher
        /// A digest of the recorder's agrees.
        case digest
    }

    package var id: ID
    package var content: NewReplica
    package var state: State
    /// An audit did not find its file as it was copied: it counts for nobody until it is brought again.
    package var isDoubted: Bool
    /// Where a retired file lies, below the volume's root.
    package var quarantinePath: FilePath?
    package var removeAfter: Instant?
    package var committed: Instant
    /// When it was last read again and found as it was copied; nil where that never was.
    package var checked: Instant?

    static let columns = ColumnList(
        plain: [
            "id", "sid", "kind", "volume_id", "path", "size", "sha256", "xxh128", "level", "authenticity", "source",
            "source_media_id", "source_fingerprint", "transfer_id", "replay_media_id", "claimed_status",
            "claimed_finished", "claimed_length", "is_result", "is_muxable",
            "state", "quarantine_path", "is_doubted",
        ],
        times: ["remove_after", "committed_at", "checked_at"])

    init(_ row: Row) throws {
        id = try row.number("id")
        content = try NewReplica(row)
        state = try row.word("state")
        isDoubted = try row.boolean("is_doubted")
        quarantinePath = try row.optionalPath("quarantine_path")
        removeAfter = try row.optionalInstant("remove_after")
        committed = try row.instant("committed_at")
        checked = try row.optionalInstant("checked_at")
    }
}

/// What a replica is, from its commit on.
package struct NewReplica: Hashable, Sendable {
    package var sid: Sid
    package var kind: MediaKind
    package var volume: VolumeID
    /// Below the volume's root.
    package var path: FilePath
    /// Bytes.
    package var size: Int64
    package var digest: Digest
    package var checksum: Checksum128
    package var level: Replica.Level
    package var authenticity: Replica.Authenticity
    /// The source that it came from; nil for a result.
    package var source: SourceName?
    /// `cfiles.id` there.
    package var sourceMediaID: Int64?
    /// Of what the source's row said of the file when it was copied: while it still says so, this is its copy.
    package var sourceFingerprint: [UInt8]?
    package var transfer: Transfer.ID?
    /// `cfiles.id` at the replay.
    package var replayMediaID: Int64?
    /// What the row of the recording claimed that the file came with; nil for a result.
    package var claims: RecordingClaims?
    /// Made by muxing: never paired again.
    package var isResult: Bool
    /// Sound or an mp4 screen: can be one half of a pair.
    package var isMuxable: Bool

    package init(
        sid: Sid, kind: MediaKind, volume: VolumeID, path: FilePath, size: Int64, digest: Digest,
        checksum: Checksum128, level: Replica.Level, authenticity: Replica.Authenticity, source: SourceName? = nil,
        sourceMediaID: Int64? = nil, sourceFingerprint: [UInt8]? = nil, transfer: Transfer.ID? = nil,
        replayMediaID: Int64? = nil, claims: RecordingClaims? = nil, isResult: Bool = false, isMuxable: Bool = false
    ) {
        self.sid = sid
        self.kind = kind
        self.volume = volume
        self.path = path
        self.size = size
        self.digest = digest
        self.checksum = checksum
        self.level = level
        self.authenticity = authenticity
        self.source = source
        self.sourceMediaID = sourceMediaID
        self.sourceFingerprint = sourceFingerprint
        self.transfer = transfer
        self.replayMediaID = replayMediaID
        self.claims = claims
        self.isResult = isResult
        self.isMuxable = isMuxable
    }

    init(_ row: Row) throws {
        guard let digest = Digest(bytes: try row.bytes("sha256")),
            let checksum = Checksum128(bytes: try row.bytes("xxh128"))
        else {
            throw LedgerError(code: .unknownWord, sentence: "The ledger holds a digest of another length.")
        }
        self.init(
            sid: Sid(try row.text("sid")), kind: try row.word("kind"), volume: try row.name("volume_id"),
            path: try row.path("path"), size: try row.integer("size"), digest: digest, checksum: checksum,
            level: try row.word("level"), authenticity: try row.word("authenticity"),
            source: try row.optionalName("source"), sourceMediaID: try row.optionalInteger("source_media_id"),
            sourceFingerprint: try row.optionalBytes("source_fingerprint"),
            transfer: try row.optionalNumber("transfer_id"), replayMediaID: try row.optionalInteger("replay_media_id"),
            claims: try row.optionalBoolean("claimed_finished").map { isFinished in
                RecordingClaims(
                    problemStatus: try row.optionalText("claimed_status"), isFinished: isFinished,
                    length: try row.optionalInteger("claimed_length").map { Int($0) })
            },
            isResult: try row.boolean("is_result"), isMuxable: try row.boolean("is_muxable"))
    }
}

extension Checksum128 {
    /// Big-endian, high word first.
    var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) } }
    }
    init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        let words = [bytes[..<8], bytes[8...]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.init(high: words[0], low: words[1])
    }
}
