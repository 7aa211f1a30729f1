/// Up to where a volume is chosen.
package enum Watermark: Hashable, Sendable, CustomStringConvertible {
    /// So much of it used.
    case used(Percent)
    /// So many bytes available.
    case free(Int64)

    /// `85%`, `free:200GiB`.
    package var description: String {
        switch self {
        case .used(let percent): percent.description
        case .free(let bytes): "free:" + ByteCountText.written(bytes)
        }
    }
}
