package import Vocabulary

/// Names that are ours on a volume: hidden, and never those of a recording.
package enum StagedName {
    private static let prefix = Array(".takeup-".utf8)
    private static let suffix = Array(".part".utf8)

    /// `.takeup-<token>.part`: the staged file of an order on a volume that knows no unnamed files.
    package static func of(_ token: FencingToken) -> FilePath { FilePath(".takeup-\(token).part") }

    /// The token of a staged file's name; nil for other names.
    package static func token(in name: [UInt8]) -> FencingToken? {
        guard name.starts(with: prefix), name.suffix(suffix.count) == suffix[...] else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
        return Int64(String(decoding: digits, as: UTF8.self)).map(FencingToken.init(rawValue:))
    }

    static let quarantine = FilePath(".takeup-quarantine")

    /// Whether a path may be a copy's: relative, not climbing, every component at most 255 bytes and none of ours.
    static func isFit(_ path: FilePath) -> Bool {
        !path.isAbsolute && !path.climbs && path.bytes.last != UInt8(ascii: "/") && !path.components.isEmpty
            && path.components.allSatisfy { $0.count <= 255 && !$0.starts(with: prefix) }
    }
}
