package import Vocabulary

/// What a media row of the replay is to say.
package struct MediaRow: Hashable, Sendable {
    package var kind: MediaKind
    /// Absolute, on the replay.
    package var path: FilePath
    /// Bytes.
    package var size: Int64
    package var crc32: UInt32?
    package var keyID: String?
    package var start: WallTime?
    package var stop: WallTime?
    package var properties: String?
    /// Columns as they stand at the source, by name; those that the replay lacks are left out.
    package var carried: [String: String]

    package init(
        kind: MediaKind, path: FilePath, size: Int64, crc32: UInt32? = nil, keyID: String? = nil,
        start: WallTime? = nil, stop: WallTime? = nil, properties: String? = nil, carried: [String: String] = [:]
    ) {
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

    /// A verified copy of a source's media file: everything as at the source but where it is and how long.
    package init(copyOf media: SourceMedia, path: FilePath, size: Int64) {
        self.init(
            kind: media.kind, path: path, size: size, crc32: media.crc32, keyID: media.keyID, start: media.start,
            stop: media.stop, properties: media.properties, carried: media.carried)
    }

    /// `cfsize` is a 32-bit number: -1 says that the size is not in the row.
    var storedSize: Int64 { size <= Int64(Int32.max) ? size : -1 }
}
