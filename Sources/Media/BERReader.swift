/// Reads ASN.1 of the basic encoding rules (X.690), definite and indefinite lengths, from a feed.
///
/// Lengths come from outside: every one is checked against the container around it and against a bound before it is used.
struct BERReader {
    struct Header: Hashable {
        /// Class, form and number. Numbers above 30, which CMS does not use, are refused.
        let identifier: UInt8
        /// nil: indefinite.
        let length: Int64?
        let bytes: [UInt8]
    }

    /// Where an open container ends.
    enum End: Hashable {
        case at(Int64)
        case marker
    }

    let feed: ByteFeed
    let doing: String

    func malformed(_ reason: String) -> MediaError {
        MediaError(.malformed, doing: doing, reason: "\(reason) (at byte \(feed.position))")
    }

    func readHeader() throws(MediaError) -> Header {
        let identifier = try feed.takeByte()
        guard identifier & 0x1f != 0x1f else { throw malformed("a tag number above 30") }
        var bytes = [identifier, try feed.takeByte()]
        let first = bytes[1]
        if first < 0x80 { return Header(identifier: identifier, length: Int64(first), bytes: bytes) }
        if first == 0x80 {
            guard identifier & 0x20 != 0 else { throw malformed("a primitive value of indefinite length") }
            return Header(identifier: identifier, length: nil, bytes: bytes)
        }
        guard first <= 0x87 else { throw malformed("a length of more than seven bytes") }
        var length: Int64 = 0
        for byte in try feed.take(Int(first & 0x7f)) {
            length = length << 8 | Int64(byte)
            bytes.append(byte)
        }
        return Header(identifier: identifier, length: length, bytes: bytes)
    }

    /// Opens a container with this identifier inside `outer`.
    func open(_ identifier: UInt8, in outer: End?, _ what: String) throws(MediaError) -> End {
        guard try feed.peek() == identifier else {
            if try feed.peek() == nil {
                throw MediaError(.truncated, doing: doing, reason: "the input ends before \(what)")
            }
            throw malformed("no \(what)")
        }
        return try end(of: readHeader(), in: outer)
    }

    func end(of header: Header, in outer: End?) throws(MediaError) -> End {
        guard let length = header.length else { return .marker }
        let end = feed.position + length
        if case .at(let limit) = outer, end > limit { throw malformed("a value reaches past the end of what holds it") }
        return .at(end)
    }

    /// Whether the container has nothing more. Its end marker, if it has one, is left in place.
    func isAtEnd(_ end: End) throws(MediaError) -> Bool {
        switch end {
        case .at(let limit):
            guard feed.position <= limit else { throw malformed("a value reaches past the end of what holds it") }
            return feed.position == limit
        case .marker:
            guard try feed.peek() == 0 else { return false }
            return try feed.peek(ahead: 1) == 0
        }
    }

    /// Leaves a container that has nothing more.
    func close(_ end: End) throws(MediaError) {
        switch end {
        case .at:
            guard try isAtEnd(end) else { throw malformed("unexpected values at the end of a container") }
        case .marker:
            guard try feed.take(2) == [0, 0] else { throw malformed("no end marker") }
        }
    }

    /// One whole value as it stands, header included, of at most `most` bytes.
    func readElement(in outer: End, most: Int, depth: Int = 0) throws(MediaError) -> [UInt8] {
        guard depth < 32 else { throw malformed("more than 32 values inside each other") }
        let header = try readHeader()
        let end = try end(of: header, in: outer)
        var bytes = header.bytes
        if let length = header.length {
            guard length <= Int64(most - bytes.count) else { throw malformed("a header of more than \(most) bytes") }
            var rest = Int(length)
            while rest > 0 {
                let part = min(rest, 8 << 10)
                bytes += try feed.take(part)
                rest -= part
            }
            return bytes
        }
        while try !isAtEnd(end) {
            guard bytes.count < most else { throw malformed("a header of more than \(most) bytes") }
            bytes += try readElement(in: end, most: most - bytes.count, depth: depth + 1)
        }
        try close(end)
        return bytes + [0, 0]
    }
}

/// What a whole value of definite form holds, its header taken off.
func content(of element: [UInt8]) -> [UInt8] {
    guard element.count >= 2 else { return [] }
    return Array(element.dropFirst(2 + (element[1] > 0x80 ? Int(element[1] & 0x7f) : 0)))
}

/// A value in definite form (DER) with its header.
func encoded(_ identifier: UInt8, _ content: [UInt8]) -> [UInt8] {
    if content.count < 0x80 { return [identifier, UInt8(content.count)] + content }
    var length: [UInt8] = []
    var rest = content.count
    while rest > 0 {
        length.insert(UInt8(rest & 0xff), at: 0)
        rest >>= 8
    }
    return [identifier, 0x80 | UInt8(length.count)] + length + content
}
