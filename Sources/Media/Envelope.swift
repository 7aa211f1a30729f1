/// A CMS envelope (RFC 5652 EnvelopedData, RFC 5083 AuthEnvelopedData) as far as its content, and after it.
///
/// The content may be gigabytes and is never held: the reader hands it on in pieces. What stands before it, the
/// recipients and the cipher's parameters, is rebuilt without the content for libcrypto to open.
struct EnvelopeReader {
    private enum Tag {
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31
        static let octets: UInt8 = 0x04
        static let octetsInParts: UInt8 = 0x24
        static let identifier: UInt8 = 0x06
        static let integer: UInt8 = 0x02
        /// [0], [1], [2] that hold other values.
        static let zero: UInt8 = 0xA0
        static let one: UInt8 = 0xA1
        static let two: UInt8 = 0xA2
        /// [0] as bytes.
        static let zeroOctets: UInt8 = 0x80
    }

    /// 1.2.840.113549.1.7.3
    static let enveloped: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03]
    /// 1.2.840.113549.1.9.16.1.23
    static let authEnveloped: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17]

    /// Most bytes of recipients and attributes that are taken in.
    static let mostHeaderBytes = 1 << 20

    /// What stands before the content.
    struct Head: Hashable {
        let isAuthenticated: Bool
        /// Version, originator and recipients, as they stand.
        let recipients: [UInt8]
        /// Content type and cipher with its parameters, as they stand.
        let cipher: [UInt8]

        /// How long the authentication code is by the parameters of GCM (RFC 5084, 3.2); nil where they are of another form.
        var codeBytes: Int? {
            /// The values of definite length one behind the other.
            func values(_ bytes: [UInt8]) -> [[UInt8]]? {
                var found: [[UInt8]] = []
                var rest = bytes[...]
                while !rest.isEmpty {
                    let value = Array(rest.prefix(258))
                    guard value.count >= 2, value[1] < 0x80 || value[1] == 0x81 && value.count >= 3 else { return nil }
                    let count = value[1] < 0x80 ? 2 + Int(value[1]) : 3 + Int(value[2])
                    guard count <= rest.count else { return nil }
                    found.append(Array(rest.prefix(count)))
                    rest = rest.dropFirst(count)
                }
                return found
            }
            guard let outer = values(cipher), outer.count == 2, let inner = values(content(of: outer[1])),
                inner.count == 2,
                inner[1].first == Tag.sequence, let parameters = values(content(of: inner[1])),
                (1...2).contains(parameters.count), parameters[0].first == Tag.octets
            else { return nil }
            guard parameters.count == 2 else { return 12 }
            return parameters[1].first == Tag.integer && parameters[1].count == 3 ? Int(parameters[1][2]) : nil
        }

        /// The envelope in definite form with an empty content, and an authentication code of zeros where it has one.
        var withoutContent: [UInt8] {
            let content = encoded(Tag.sequence, cipher + encoded(Tag.zeroOctets, []))
            let code = isAuthenticated ? encoded(Tag.octets, [UInt8](repeating: 0, count: 16)) : []
            let envelope = encoded(Tag.sequence, recipients + content + code)
            let type = isAuthenticated ? EnvelopeReader.authEnveloped : EnvelopeReader.enveloped
            return encoded(Tag.sequence, encoded(Tag.identifier, type) + encoded(Tag.zero, envelope))
        }
    }

    private let reader: BERReader
    private var outer: [BERReader.End] = []
    private(set) var head: Head

    /// Reads the head. The feed then stands before the content, if there is any.
    init(_ feed: ByteFeed, size: Int64?, doing: String) throws(MediaError) {
        let reader = BERReader(feed: feed, doing: doing)
        self.reader = reader
        let message = try reader.open(Tag.sequence, in: nil, "CMS message")
        if case .at(let end) = message, let size, end > size {
            throw MediaError(.truncated, doing: doing, reason: "\(size) bytes of \(end)")
        }
        let isAuthenticated = try Self.readType(reader, in: message)
        let wrapper = try reader.open(Tag.zero, in: message, "content of the message")
        let envelope = try reader.open(Tag.sequence, in: wrapper, "envelope")
        var recipients = try Self.element(reader, Tag.integer, in: envelope, "version")
        if try reader.feed.peek() == Tag.zero {
            recipients += try reader.readElement(in: envelope, most: Self.mostHeaderBytes)
        }
        recipients += try Self.element(reader, Tag.set, in: envelope, "recipients")
        let content = try reader.open(Tag.sequence, in: envelope, "encrypted content")
        let type = try Self.element(reader, Tag.identifier, in: content, "content type")
        let cipher = try Self.element(reader, Tag.sequence, in: content, "cipher")
        head = Head(isAuthenticated: isAuthenticated, recipients: recipients, cipher: type + cipher)
        outer = [message, wrapper, envelope, content]
    }

    private static func element(
        _ reader: BERReader, _ tag: UInt8, in outer: BERReader.End, _ what: String
    ) throws(MediaError) -> [UInt8] {
        guard let next = try reader.feed.peek() else {
            throw MediaError(.truncated, doing: reader.doing, reason: "the input ends before the \(what)")
        }
        guard next == tag else { throw reader.malformed("no \(what)") }
        return try reader.readElement(in: outer, most: mostHeaderBytes)
    }

    private static func readType(_ reader: BERReader, in message: BERReader.End) throws(MediaError) -> Bool {
        let type = content(of: try element(reader, Tag.identifier, in: message, "message type"))
        if type == enveloped { return false }
        if type == authEnveloped { return true }
        throw MediaError(
            .unsupported, doing: reader.doing, reason: "a CMS message that is no envelope (signed or compressed, say)")
    }

    /// Whether content follows, rather than lying in a file of its own.
    func hasContent() throws(MediaError) -> Bool {
        guard let inner = outer.last else { return false }
        return try !reader.isAtEnd(inner)
    }

    /// Hands on every byte of the content, in order.
    func forEachPart(_ body: (UnsafeRawBufferPointer) throws(MediaError) -> Void) throws(MediaError) {
        let header = try reader.readHeader()
        let end = try reader.end(of: header, in: outer.last)
        switch header.identifier {
        case Tag.zeroOctets: try octets(header.length ?? 0, body)
        case Tag.zero: try parts(in: end, depth: 0, body)
        default: throw reader.malformed("no content")
        }
    }

    private func parts(
        in end: BERReader.End, depth: Int, _ body: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) {
        guard depth < 8 else { throw reader.malformed("parts inside parts") }
        while try !reader.isAtEnd(end) {
            let header = try reader.readHeader()
            let inner = try reader.end(of: header, in: end)
            switch header.identifier {
            case Tag.octets: try octets(header.length ?? 0, body)
            case Tag.octetsInParts: try parts(in: inner, depth: depth + 1, body)
            default: throw reader.malformed("something else among the parts of the content")
            }
        }
        try reader.close(end)
    }

    private func octets(
        _ length: Int64, _ body: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) {
        let end = reader.feed.position + length
        while reader.feed.position < end {
            try reader.feed.takeSome(most: end - reader.feed.position, body)
        }
    }

    /// Reads what stands behind the content, to the end of the input; returns the authentication code.
    mutating func readTail() throws(MediaError) -> [UInt8] {
        guard outer.count == 4 else { throw reader.malformed("the end was read before") }
        let envelope = outer[2]
        try reader.close(outer[3])
        var code: [UInt8] = []
        if head.isAuthenticated {
            if try reader.feed.peek() == Tag.one {
                throw MediaError(
                    .unsupported, doing: reader.doing, reason: "an envelope with authenticated attributes")
            }
            code = content(of: try Self.element(reader, Tag.octets, in: envelope, "authentication code"))
            // RFC 5084, 3.2: shorter ones can be guessed.
            guard (12...16).contains(code.count), code.count == head.codeBytes ?? code.count else {
                throw reader.malformed("an authentication code of \(code.count) bytes")
            }
        }
        while try !reader.isAtEnd(envelope) {
            _ = try reader.readElement(in: envelope, most: Self.mostHeaderBytes)
        }
        for end in outer.dropLast().reversed() { try reader.close(end) }
        outer = []
        guard try reader.feed.peek() == nil else { throw reader.malformed("bytes behind the end of the message") }
        return code
    }
}
