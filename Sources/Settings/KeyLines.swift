/// The line of every key, table header and list element of a TOML text, by path: `replay.volumes[1].watermark`.
///
/// The parser gives lines for syntax errors alone. This reads the text a second time, only as far as it takes to know
/// where keys begin, and trusts that it is valid TOML (toml.io, version 1.0.0); on another text it ends early.
struct KeyLines {
    private var lines: [String: Int] = [:]
    private var bytes: [UInt8]
    private var position = 0
    private var line = 1
    /// How many elements each array of tables has so far, by its path.
    private var tableCounts: [String: Int] = [:]

    init(of bytes: [UInt8]) {
        self.bytes = bytes
        var section = ""
        skipBlank(newlines: true)
        while let byte = current {
            if byte == UInt8(ascii: "[") {
                section = readHeader()
            } else {
                readPair(in: section)
            }
            skipBlank(newlines: true)
        }
    }

    subscript(path: String) -> Int? { lines[path] }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }
    }

    private mutating func skipBlank(newlines: Bool) {
        while let byte = current {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): advance()
            case UInt8(ascii: "\n") where newlines: advance()
            case UInt8(ascii: "#"): while let byte = current, byte != UInt8(ascii: "\n") { advance() }
            default: return
            }
        }
    }

    /// `[a.b]` or `[[a.b]]`; gives the path of what follows.
    private mutating func readHeader() -> String {
        let start = line
        advance()
        let isArray = current == UInt8(ascii: "[")
        if isArray { advance() }
        let keys = readKeys()
        advance(isArray ? 2 : 1)
        var path = ""
        for (index, key) in keys.enumerated() {
            path = path.isEmpty ? key : path + "." + key
            if isArray && index == keys.count - 1 {
                note(path, start)
                tableCounts[path, default: 0] += 1
            }
            if let count = tableCounts[path] { path += "[\(count - 1)]" }
        }
        note(path, start)
        return path
    }

    /// `a.b = value`
    private mutating func readPair(in section: String) {
        let start = line
        let before = position
        var path = section
        for key in readKeys() {
            path = path.isEmpty ? key : path + "." + key
            note(path, start)
        }
        if current == UInt8(ascii: "=") { advance() }
        skipBlank(newlines: false)
        readValue(at: path)
        if position == before { position = bytes.count }
    }

    private mutating func note(_ path: String, _ line: Int) {
        if lines[path] == nil { lines[path] = line }
    }

    /// Dotted keys, up to the `=` or `]` behind them.
    private mutating func readKeys() -> [String] {
        var keys: [String] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "."): advance()
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let start = position + 1
                skipString()
                keys.append(String(decoding: bytes[start..<max(start, position - 1)], as: UTF8.self))
            case UInt8(ascii: "="), UInt8(ascii: "]"), UInt8(ascii: "\n"), UInt8(ascii: "}"): return keys
            default:
                let start = position
                while let byte = current, !Self.endsBareKey.contains(byte) { advance() }
                keys.append(String(decoding: bytes[start..<position], as: UTF8.self))
            }
        }
        return keys
    }

    private static let endsBareKey = Set(" \t.=]\n\"'}".utf8)
    private static let endsScalar = Set(",]}\n#".utf8)

    private mutating func readValue(at path: String) {
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): skipString()
        case UInt8(ascii: "["): readArray(at: path)
        case UInt8(ascii: "{"): readInlineTable(at: path)
        default: while let byte = current, !Self.endsScalar.contains(byte) { advance() }
        }
    }

    private mutating func readArray(at path: String) {
        advance()
        var index = 0
        skipBlank(newlines: true)
        while let byte = current, byte != UInt8(ascii: "]") {
            let before = position
            note("\(path)[\(index)]", line)
            readValue(at: "\(path)[\(index)]")
            if position == before { position = bytes.count }
            skipBlank(newlines: true)
            if current == UInt8(ascii: ",") { advance() }
            skipBlank(newlines: true)
            index += 1
        }
        advance()
    }

    private mutating func readInlineTable(at path: String) {
        advance()
        skipBlank(newlines: true)
        while let byte = current, byte != UInt8(ascii: "}") {
            readPair(in: path)
            skipBlank(newlines: true)
            if current == UInt8(ascii: ",") { advance() }
            skipBlank(newlines: true)
        }
        advance()
    }

    /// Any of the four kinds of text; leaves the position behind its closing quotes.
    private mutating func skipString() {
        guard let quote = current else { return }
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        let closing = [UInt8](repeating: quote, count: isLong ? 3 : 1)
        advance(closing.count)
        while let byte = current {
            if byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") {
                advance(2)
            } else if bytes[position...].starts(with: closing) {
                advance(closing.count)
                // A long text may end with up to two quotes of its own before the closing three.
                while isLong, current == quote { advance() }
                return
            } else {
                advance()
            }
        }
    }
}
