// The coding of a `SourceRecording` for the ledger, where a commit by another process reads what one look showed.

extension MediaKind: Codable {}
extension Mark: Codable {}
extension Sid: Codable {}
extension SourceName: Codable {}

extension WallTime: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(microseconds: try decoder.singleValueContainer().decode(Int64.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }
}

extension Instant: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(microseconds: try decoder.singleValueContainer().decode(Int64.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }
}

/// As text where the bytes are UTF-8; else, and where the text would look like it, `\x` and hexadecimal digits.
extension FilePath: Codable {
    private static let mark = "\\x"

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard text.hasPrefix(FilePath.mark) else {
            self.init(text)
            return
        }
        guard let bytes = Hex.bytes(of: String(text.dropFirst(FilePath.mark.count))) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not pairs of hexadecimal digits")
        }
        self.init(bytes: bytes)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let text = utf8Text, !text.hasPrefix(FilePath.mark) {
            try container.encode(text)
        } else {
            try container.encode(FilePath.mark + Hex.text(of: bytes))
        }
    }
}
