package import Vocabulary

/// One fact of an event, typed by what it is, so that nothing that may not be told can be told: there is no fact for a
/// sid, a telephone number, the name of a media file or a secret.
package struct Fact: Hashable, Sendable {
    /// The names of all facts. In the journal `volume_path` is the field `TAKEUP_VOLUME_PATH`.
    package enum Name: String, CaseIterable, Sendable {
        case source, mount, volume, volumeID = "volume_uuid", volumePath = "volume_path", directory
        case recording, media, kind, mark, problem, job, attempt, count, size
        case state, previousState = "prev_state", previousVolume = "prev_volume", reason, resource, detail, errno
        case used = "used_pct", watermark = "watermark_pct", available = "avail_bytes", reserved = "reserved_bytes"
        case trigger = "trigger_bytes", clear = "clear_bytes", floor = "floor_bytes", waiting = "waiting_bytes"
        case timeToFull = "ttf_usec", oldest = "oldest_usec"
        case elapsed = "elapsed_usec", since = "since_usec", incident, level, sha256, xxh128, keyID = "key_id"
        case holder, service, database, version, settings, generation

        /// Upper case letters, digits and underscores, as journal fields are.
        package var journalField: String {
            self == .errno ? "ERRNO" : "TAKEUP_" + rawValue.uppercased()
        }
    }

    package let name: Name
    /// For programs: numbers are plain decimals without units.
    package let value: String
    /// For people, on one line.
    package let text: String

    private init(_ name: Name, _ value: String, text: String? = nil) {
        self.name = name
        self.value = value
        let text = text ?? value
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        self.text = isPlain ? text : FilePath(text).displayText
    }

    package static func source(_ name: SourceName) -> Fact { Fact(.source, name.rawValue) }
    package static func mount(_ path: MountPath) -> Fact { Fact(.mount, path.rawValue) }
    package static func volume(_ name: VolumeName) -> Fact { Fact(.volume, name.rawValue) }
    package static func volumeID(_ id: VolumeID) -> Fact { Fact(.volumeID, id.rawValue) }
    package static func volumePath(_ path: FilePath) -> Fact { Fact(.volumePath, path.displayText) }
    /// A directory below a mount; never a media file, whose name may hold telephone numbers.
    package static func directory(_ path: FilePath) -> Fact { Fact(.directory, path.displayText) }
    package static func recording(_ recording: RecordingReference) -> Fact { Fact(.recording, recording.description) }
    /// The id of a media row, at the source or on the replay as the event says.
    package static func media(_ id: Int64) -> Fact { Fact(.media, String(id)) }
    package static func kind(_ kind: MediaKind) -> Fact { Fact(.kind, kind.rawValue) }
    package static func state(_ word: String) -> Fact { Fact(.state, word) }
    package static func previousVolume(_ name: VolumeName) -> Fact { Fact(.previousVolume, name.rawValue) }
    package static func previousState(_ word: String) -> Fact { Fact(.previousState, word) }
    /// A short word for why, such as `identity`.
    package static func reason(_ word: String) -> Fact { Fact(.reason, word) }
    package static func resource(_ resource: Resource) -> Fact { Fact(.resource, resource.rawValue) }
    /// Percent of a volume in use.
    package static func used(percent: Double) -> Fact {
        Fact(.used, oneDecimal(percent), text: oneDecimal(percent) + "%")
    }
    package static func watermark(percent: Double) -> Fact {
        Fact(.watermark, oneDecimal(percent), text: oneDecimal(percent) + "%")
    }
    package static func available(bytes: Int64) -> Fact { Fact(.available, bytes: bytes) }
    package static func reserved(bytes: Int64) -> Fact { Fact(.reserved, bytes: bytes) }
    package static func trigger(bytes: Int64) -> Fact { Fact(.trigger, bytes: bytes) }
    package static func clear(bytes: Int64) -> Fact { Fact(.clear, bytes: bytes) }
    package static func floor(bytes: Int64) -> Fact { Fact(.floor, bytes: bytes) }
    package static func waiting(bytes: Int64) -> Fact { Fact(.waiting, bytes: bytes) }
    package static func size(bytes: Int64) -> Fact { Fact(.size, bytes: bytes) }
    package static func count(_ number: Int) -> Fact { Fact(.count, String(number)) }
    package static func attempt(_ number: Int) -> Fact { Fact(.attempt, String(number)) }
    /// In the journal in microseconds.
    package static func elapsed(_ span: Duration) -> Fact {
        Fact(.elapsed, String(span.wholeMicroseconds), text: readable(span))
    }
    /// Until a volume is full, in the journal in microseconds.
    package static func timeToFull(_ span: Duration) -> Fact {
        Fact(.timeToFull, String(span.wholeMicroseconds), text: readable(span))
    }
    /// How long the oldest of what waits has been waiting, in the journal in microseconds.
    package static func oldest(_ span: Duration) -> Fact {
        Fact(.oldest, String(span.wholeMicroseconds), text: readable(span))
    }
    /// In the journal in microseconds since 1970 UTC.
    package static func since(_ instant: Instant) -> Fact {
        Fact(.since, String(instant.microseconds), text: instant.text)
    }
    /// The same on the raise, the reminders and the clear of one alert.
    package static func incident(_ id: String) -> Fact { Fact(.incident, id) }
    /// How far a copy was verified.
    package static func level(_ word: String) -> Fact { Fact(.level, word) }
    package static func job(_ id: Int64) -> Fact { Fact(.job, String(id)) }
    package static func holder(_ holder: Holder) -> Fact { Fact(.holder, holder.rawValue) }
    /// The part of Takeup that speaks, such as `marking`.
    package static func service(_ name: String) -> Fact { Fact(.service, name) }
    /// The text of an error, which by rule names no secret, no telephone number and no media file.
    package static func detail(_ text: String) -> Fact { Fact(.detail, text) }
    package static func detail(_ error: any Error) -> Fact { Fact(.detail, String(describing: error)) }
    /// What kind of problem, such as `missing-file`.
    package static func problem(_ kind: String) -> Fact { Fact(.problem, kind) }
    package static func mark(_ mark: Mark) -> Fact { Fact(.mark, mark.rawValue) }
    package static func sha256(_ digest: Digest) -> Fact { Fact(.sha256, digest.description) }
    package static func xxh128(_ checksum: Checksum128) -> Fact { Fact(.xxh128, checksum.description) }
    /// Which key is meant: a key's id in the catalog, or issuer and serial of its certificate.
    package static func keyID(_ text: String) -> Fact { Fact(.keyID, text) }
    /// Name and address of a database, without user and password.
    package static func database(_ text: String) -> Fact { Fact(.database, text) }
    package static func version(_ text: String) -> Fact { Fact(.version, text) }
    package static func settings(_ file: FilePath) -> Fact { Fact(.settings, file.displayText) }
    /// Of a manifest: 1 for the first of its directory.
    package static func generation(_ number: Int64) -> Fact { Fact(.generation, String(number)) }
    package static func errno(_ number: CInt) -> Fact { Fact(.errno, String(number)) }

    private init(_ name: Name, bytes: Int64) { self.init(name, String(bytes), text: readable(bytes: bytes)) }
}

/// What a volume can run out of.
package enum Resource: String, Sendable {
    case bytes, inodes, quota
}

private func oneDecimal(_ number: Double) -> String {
    let tenths = Int((min(max(number, -1e12), 1e12) * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
}

/// `412 B`, `1.5 GiB`.
private func readable(bytes: Int64) -> String {
    var amount = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if abs(amount) < 1024 { return "\(oneDecimal(amount)) \(unit)" }
        amount /= 1024
    }
    return "\(oneDecimal(amount)) TiB"
}

/// `12 ms`, `3.5 s`, `2 h 5 min`.
private func readable(_ span: Duration) -> String {
    let seconds = span.inSeconds
    if abs(seconds) < 1 { return "\(span.wholeMilliseconds) ms" }
    if abs(seconds) < 60 { return "\(oneDecimal(seconds)) s" }
    let minutes = Int(seconds / 60)
    return abs(minutes) < 60 ? "\(minutes) min" : "\(minutes / 60) h \(abs(minutes) % 60) min"
}
