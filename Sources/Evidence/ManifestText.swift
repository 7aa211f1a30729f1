internal import Vocabulary

/// A list of digests as `sha256sum` writes and checks it.
struct ManifestText: Hashable, Sendable {
    struct Line: Hashable, Sendable {
        let digest: Digest
        /// Below the directory that the list lies in.
        let path: FilePath
    }

    /// By path.
    let lines: [Line]

    init(_ lines: [Line]) { self.lines = lines.sorted { $0.path < $1.path } }

    /// Names with a line feed, a carriage return or a backslash are escaped as coreutils does, and their lines begin with
    /// a backslash.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for line in lines {
            let name = ManifestText.escaped(line.path.bytes)
            if name != line.path.bytes { bytes.append(backslash) }
            bytes += Array(line.digest.description.utf8) + Array("  ".utf8) + name + [lineFeed]
        }
        return bytes
    }

    /// Nil where a line is none of ours.
    init?(bytes: [UInt8]) {
        var lines: [Line] = []
        for line in bytes.split(separator: lineFeed) {
            let isEscaped = line.first == backslash
            let rest = isEscaped ? line.dropFirst() : line
            guard rest.count > 66, rest.dropFirst(64).prefix(2).elementsEqual("  ".utf8),
                let digest = Digest(hex: String(decoding: rest.prefix(64), as: UTF8.self)),
                let name = isEscaped ? ManifestText.unescaped(rest.dropFirst(66)) : Array(rest.dropFirst(66))
            else { return nil }
            lines.append(Line(digest: digest, path: FilePath(bytes: name)))
        }
        self.init(lines)
    }

    private static func escaped(_ name: [UInt8]) -> [UInt8] {
        name.flatMap { byte -> [UInt8] in
            switch byte {
            case backslash: [backslash, backslash]
            case lineFeed: [backslash, UInt8(ascii: "n")]
            case carriageReturn: [backslash, UInt8(ascii: "r")]
            default: [byte]
            }
        }
    }

    private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = name
        while let byte = rest.popFirst() {
            guard byte == backslash else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case backslash: bytes.append(backslash)
            case UInt8(ascii: "n"): bytes.append(lineFeed)
            case UInt8(ascii: "r"): bytes.append(carriageReturn)
            default: return nil
            }
        }
        return bytes
    }
}

private let backslash = UInt8(ascii: "\\")
private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
