/// What x264 wrote about itself into the first picture of a stream (a user data message that begins `x264 - core`).
///
/// The parameter sets of a stream follow from its encoder's options, so that with the same options padding can be encoded
/// that joins with it. Whether it does is still compared; a stream may say of itself what it likes.
struct EncoderTraits: Hashable, Sendable {
    /// For `-x264-params`.
    let parameters: String

    /// Bytes of the first picture that are looked at; the message comes first.
    static let bytesToRead = 4096

    /// Options that show in the parameter sets, or on which those depend.
    private static let telling: Set<String> = [
        "cabac", "ref", "8x8dct", "bframes", "b_pyramid", "weightb", "weightp", "open_gop", "constrained_intra",
        "keyint", "keyint_min", "subme", "psy", "psy_rd", "trellis", "intra_refresh", "crf", "qp", "bitrate",
    ]

    /// nil where the picture holds no such message.
    init?(firstPicture: [UInt8]) {
        // Text up to a zero, somewhere among bytes that are none.
        let mark = Array("x264 - core ".utf8)
        guard let start = firstPicture.indices.first(where: { firstPicture[$0...].starts(with: mark) }) else {
            return nil
        }
        let text = String(decoding: firstPicture[start...].prefix { $0 >= 0x20 && $0 < 0x7f }, as: UTF8.self)
        let words = text.split(separator: " ")
        guard let first = words.firstIndex(of: "options:") else { return nil }
        let options = words[(first + 1)...].compactMap { word -> String? in
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, Self.telling.contains(String(parts[0])), Self.isPlain(parts[1]) else { return nil }
            return "\(parts[0])=\(parts[1].map { $0 == ":" ? "," : String($0) }.joined())"
        }
        guard !options.isEmpty else { return nil }
        parameters = options.joined(separator: ":")
    }

    /// It goes onto a command line, as part of a list.
    private static func isPlain(_ value: Substring) -> Bool {
        value.utf8.count <= 16 && value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".,:-".contains($0)) }
    }
}
