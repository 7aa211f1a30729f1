/// What was measured from a media file itself, so that no row has to be believed.
package struct MediaMeasure: Hashable, Sendable {
    package enum Integrity: String, CaseIterable, Hashable, Sendable {
        /// Its container is whole, and all of it decodes without complaint.
        case whole
        case damaged
        /// Nothing here can tell: an opaque container, ciphertext, or a file that is not on a volume of ours.
        case unknown
    }

    package var integrity: Integrity
    /// How long what decodes plays; nil where nothing could be decoded.
    package var length: Duration?
    /// Bytes; nil where the file was not reached.
    package var size: Int64?

    package init(integrity: Integrity, length: Duration? = nil, size: Int64? = nil) {
        self.integrity = integrity
        self.length = length
        self.size = size
    }

    package static let unknown = MediaMeasure(integrity: .unknown)
}
