package import Files
package import Vocabulary

/// How a copy was proven to hold the source's bytes.
package enum VerificationLevel: String, Comparable, Hashable, Sendable {
    /// Size alone.
    case size = "L0"
    /// Digest of what was written, and a reading back that may have come from the cache: a volume in memory, behind a
    /// FUSE process, or whose pages would not leave the cache.
    case stream = "L1"
    /// Read back after its pages were proven gone from the cache, or past the cache.
    case readBack = "L2"
    /// The same, and the source read a second time.
    case sourceReread = "L3"

    package static func < (one: VerificationLevel, other: VerificationLevel) -> Bool { one.rawValue < other.rawValue }
}

/// A copy that is written and still without its final name: what is to be published, once it is durable and verified.
package struct ReadyCopy: Hashable, Sendable {
    package let token: FencingToken
    package let path: FilePath
    /// Bytes.
    package let size: Int64
    package let digest: Digest
}

/// A copy that has its final name, durably.
package struct Copied: Hashable, Sendable {
    package let token: FencingToken
    package let path: FilePath
    /// Bytes.
    package let size: Int64
    package let digest: Digest
    package let checksum: Checksum128
    /// nil where it was not asked for.
    package let crc32: UInt32?
    package let level: VerificationLevel
    /// The name was taken by a file with the same bytes, which was made durable and read back; nothing was published.
    package let alreadyThere: Bool
    /// The source before it was read; the same after.
    package let source: FileObservation
    /// See ``StreamDigests/hasBlankPages``; what was there already was not asked.
    package var hasBlankPages = false
}
