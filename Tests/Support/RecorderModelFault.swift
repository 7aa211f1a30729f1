/// What can be wrong with a recording at its recorder. The raw value is what a person types.
///
/// Faulted recordings come on top of the healthy ones, so that what must arrive stays countable.
package enum RecorderModelFault: String, CaseIterable, Sendable, Codable {
    /// The row is there, its file never comes.
    case missingFile = "missing-file"
    /// The file comes some seconds after the row is FINISHED.
    case lateFile = "late-file"
    /// The file ends before the size that its row claims.
    case shortFile = "short-file"
    /// The mp3 ends in the middle; its row claims the size it has.
    case truncatedSound = "truncated-sound"
    /// The mp4 lacks its `moov` box, as when a recorder died before it closed the file.
    case screenWithoutIndex = "screen-without-index"
    /// The CRC-32 in the row is not the file's.
    case wrongChecksum = "wrong-checksum"
    /// The row gives no size, and the file grows after FINISHED.
    case growing
    /// A file without any row.
    case orphan
    /// `cfpath` of the sound climbs out of the recorder's directories with `..`.
    case climbingPath = "climbing-path"
    /// `cfpath` of the sound names a symbolic link that leads out of the mount.
    case leadingOut = "leading-out"
    /// Encrypted for a recipient whose key nobody here holds.
    case wrongKey = "wrong-key"
    /// A byte of each ciphertext was changed after it was written.
    case tampered
    /// `enc_key_id` names a key that the replay does not know.
    case unknownKey = "unknown-key"
    /// A line break in the file's name.
    case lineBreakName = "line-break-name"
    /// Bytes in the file's name that are not UTF-8: only a database with `SQL_ASCII` can hold the row.
    case notUnicodeName = "not-unicode-name"

    /// Whether a faithful copy of every file can and should arrive all the same, now or later. Damaged media of which
    /// there is no more than this is evidence as it stands.
    package var arrives: Bool {
        switch self {
        case .lateFile, .truncatedSound, .screenWithoutIndex, .growing, .wrongKey, .tampered, .lineBreakName,
            .notUnicodeName:
            true
        case .missingFile, .shortFile, .wrongChecksum, .orphan, .climbingPath, .leadingOut, .unknownKey: false
        }
    }

    /// Whether a sound and a screen with this fault can be muxed, once both have arrived.
    var makesPair: Bool {
        switch self {
        case .truncatedSound, .screenWithoutIndex, .wrongKey, .tampered, .orphan: false
        case .missingFile, .lateFile, .shortFile, .wrongChecksum, .growing, .climbingPath, .leadingOut, .unknownKey,
            .lineBreakName, .notUnicodeName:
            true
        }
    }

    /// Faults of one file of a pair, and those that muxing has to meet.
    var needsScreen: Bool {
        switch self {
        case .truncatedSound, .screenWithoutIndex, .climbingPath, .leadingOut, .wrongKey, .tampered: true
        case .missingFile, .lateFile, .shortFile, .wrongChecksum, .growing, .orphan, .unknownKey, .lineBreakName,
            .notUnicodeName:
            false
        }
    }

    var needsEncryption: Bool { self == .wrongKey || self == .tampered || self == .unknownKey }
}
