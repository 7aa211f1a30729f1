internal import Postgres
package import Vocabulary

/// The work of bringing one media file of a source.
package struct Transfer: Hashable, Identifiable, Sendable {
    package struct ID: RowNumber {
        package let rawValue: Int64
        package init(rawValue: Int64) { self.rawValue = rawValue }
    }

    package enum Purpose: String, CaseIterable, Hashable, Sendable {
        case copy
        /// Its file competes with one that the replay holds: both are measured, and the recording is planned anew.
        case measure
    }

    package enum State: String, CaseIterable, Sendable {
        /// To be claimed from `notBefore` on. Goes to `claimed`, `dropped`.
        case waiting
        /// Someone works on it until the lease ends; then another may claim it. Goes to `done`, `waiting`, `dropped`.
        case claimed
        /// Its replica is committed, or what it was to measure is on record. Opened again only when that replica is no
        /// longer held and a plan wants it.
        case done
        /// No plan promises it any more. Opened again when one does.
        case dropped
    }

    package var id: ID
    package var recording: RecordingReference
    package var sid: Sid
    /// `cfiles.id` at the source.
    package var mediaID: Int64
    /// Of what the source's row said of this file.
    package var fingerprint: [UInt8]
    package var mount: MountPath
    package var kind: MediaKind
    /// The recorder's own absolute path.
    package var path: FilePath
    package var expectedSize: Int64?
    package var crc32: UInt32?
    package var keyID: String?
    package var properties: String?
    package var recordingStart: WallTime?
    /// `cfiles.id` at the replay of the row to update in place, or to be measured against.
    package var replacesMediaID: Int64?
    package var purpose: Purpose
    package var state: State
    /// Claims so far, this one included.
    package var attempts: Int
    /// Attempts that failed; a look at a file that had not settled is none.
    package var failures: Int
    /// Those of the failed attempts that the recording itself is to blame for, and no outage.
    package var faults: Int
    package var notBefore: Instant
    package var holder: Holder?
    package var leaseUntil: Instant?
    package var lastLook: LastLook?
    /// Since when the file is absent on a mount that was proven to be there.
    package var missingSince: Instant?
    package var lastError: String?
    /// When it was first planned.
    package var planned: Instant

    /// What to show when acting on it; nil unless it is claimed.
    package var claim: Claim<ID>? { holder.map { Claim(id: id, holder: $0, attempt: attempts) } }

    static let columns = ColumnList(
        plain: [
            "id", "source", "source_id", "source_media_id", "fingerprint", "sid", "mount", "kind", "source_path",
            "expected_size", "crc32", "key_id", "properties", "replaces_media_id", "purpose", "state", "attempts",
            "failures", "faults", "holder", "seen_size", "seen_modified", "last_error",
        ],
        times: ["recording_start", "not_before", "lease_until", "seen_at", "missing_since", "planned_at"])

    init(_ row: Row) throws {
        id = try row.number("id")
        recording = RecordingReference(source: try row.name("source"), id: try row.integer("source_id"))
        sid = Sid(try row.text("sid"))
        mediaID = try row.integer("source_media_id")
        fingerprint = try row.bytes("fingerprint")
        mount = try row.name("mount")
        kind = try row.word("kind")
        path = try row.path("source_path")
        expectedSize = try row.optionalInteger("expected_size")
        crc32 = try row.optionalInteger("crc32").map { UInt32(truncatingIfNeeded: $0) }
        keyID = try row.optionalText("key_id")
        properties = try row.optionalText("properties")
        recordingStart = try row.optionalWallTime("recording_start")
        replacesMediaID = try row.optionalInteger("replaces_media_id")
        purpose = try row.word("purpose")
        state = try row.word("state")
        attempts = try row.count("attempts")
        failures = try row.count("failures")
        faults = try row.count("faults")
        notBefore = try row.instant("not_before")
        holder = try row.optionalName("holder")
        leaseUntil = try row.optionalInstant("lease_until")
        lastLook = try LastLook(row)
        missingSince = try row.optionalInstant("missing_since")
        lastError = try row.optionalText("last_error")
        planned = try row.instant("planned_at")
    }
}

/// What the last look at a file showed, for the next one to agree with.
package struct LastLook: Hashable, Sendable {
    /// Bytes.
    package var size: Int64
    /// Nanoseconds since 1970, by the file system's clock.
    package var modified: Int64
    /// By the database's clock; set when it is written down.
    package var at: Instant
    package init(size: Int64, modified: Int64, at: Instant) {
        self.size = size
        self.modified = modified
        self.at = at
    }

    init?(_ row: Row) throws {
        guard let size = try row.optionalInteger("seen_size"), let modified = try row.optionalInteger("seen_modified"),
            let at = try row.optionalInstant("seen_at")
        else { return nil }
        self.init(size: size, modified: modified, at: at)
    }
}
