internal import CLibcrypto
internal import Glibc

/// One input, read front to back through a window of fixed size. For one thread at a time.
final class ByteFeed {
    /// Fills the buffer from the front; zero at the end.
    typealias Source = (UnsafeMutableRawBufferPointer) throws(MediaError) -> Int

    private let source: Source
    private let doing: String
    private let window: UnsafeMutableRawBufferPointer
    private var head = 0
    private var tail = 0
    private var hasEnded = false
    /// Bytes taken so far.
    private(set) var position: Int64 = 0

    init(doing: String, windowBytes: Int = 256 << 10, source: @escaping Source) {
        self.doing = doing
        self.source = source
        window = .allocate(byteCount: windowBytes, alignment: 64)
    }

    deinit { window.deallocate() }

    private var truncated: MediaError {
        MediaError(.truncated, doing: doing, reason: "the input ends inside its structure, after \(position) bytes")
    }

    /// Makes `count` bytes visible, at most the window's size; false where the input ends before.
    private func fill(_ count: Int) throws(MediaError) -> Bool {
        guard tail - head < count else { return true }
        if head > 0 {
            window.copyMemory(from: UnsafeRawBufferPointer(rebasing: window[head..<tail]))
            tail -= head
            head = 0
        }
        while tail < count && !hasEnded {
            let got = try source(UnsafeMutableRawBufferPointer(rebasing: window[tail...]))
            if got == 0 { hasEnded = true }
            tail += got
        }
        return tail >= count
    }

    /// The next byte, left in place; nil at the end.
    func peek(ahead: Int = 0) throws(MediaError) -> UInt8? {
        try fill(ahead + 1) ? window[head + ahead] : nil
    }

    func takeByte() throws(MediaError) -> UInt8 {
        guard try fill(1) else { throw truncated }
        defer { advance(1) }
        return window[head]
    }

    /// The next `count` bytes, copied; for headers, so `count` is at most the window's size.
    func take(_ count: Int) throws(MediaError) -> [UInt8] {
        guard try fill(count) else { throw truncated }
        defer { advance(count) }
        return Array(window[head..<head + count])
    }

    /// Hands over between one and `most` bytes in place, up to a byte that is to be left, and takes them.
    /// Throws `truncated` at the end.
    func takeSome(
        most: Int64, before stop: UInt8? = nil, _ body: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) {
        guard try fill(1) else { throw truncated }
        var count = Int(min(Int64(tail - head), most))
        if let stop, let start = window.baseAddress, let found = memchr(start + head, CInt(stop), count) {
            count = UnsafeRawPointer(found) - UnsafeRawPointer(start + head)
        }
        try body(UnsafeRawBufferPointer(rebasing: window[head..<head + count]))
        advance(count)
    }

    private func advance(_ count: Int) {
        head += count
        position += Int64(count)
    }
}

extension ByteFeed {
    /// Reads a regular file from its start without moving the descriptor's position, anything else from where it stands.
    static func reading(
        _ descriptor: CInt, doing: String, isCancelled: @escaping () -> Bool
    ) throws(MediaError) -> ByteFeed {
        let isRegular = try regularSize(of: descriptor, doing: doing) != nil
        var offset = 0
        return ByteFeed(doing: doing) { buffer throws(MediaError) in
            if isCancelled() { throw MediaError(.cancelled, doing: doing, reason: "the task was cancelled") }
            var got: Int
            repeat {
                got =
                    isRegular
                    ? pread(descriptor, buffer.baseAddress, buffer.count, offset)
                    : read(descriptor, buffer.baseAddress, buffer.count)
            } while got < 0 && errno == EINTR
            guard got >= 0 else { throw .system("read", doing: doing) }
            offset += got
            return got
        }
    }

    /// The bytes of an array.
    static func bytes(_ bytes: [UInt8], doing: String) -> ByteFeed {
        var offset = 0
        return ByteFeed(doing: doing, windowBytes: 16 << 10) { buffer throws(MediaError) in
            let count = min(buffer.count, bytes.count - offset)
            buffer.copyBytes(from: bytes[offset..<offset + count])
            offset += count
            return count
        }
    }

    /// The DER inside: of itself, or of the wrapper in PEM or S/MIME that it starts with.
    func unwrapped() throws(MediaError) -> ByteFeed {
        guard let first = try peek() else { return self }
        if first == UInt8(ascii: "-") { return try PEMReader(of: self, doing: doing).feed() }
        // No letter begins a message in DER.
        let isLetter = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first & 0xdf
        return isLetter ? try PEMReader(of: self, doing: doing).mailFeed() : self
    }
}

/// Takes the base64 out of a wrapper in PEM (RFC 7468) or S/MIME (RFC 8551), as it comes.
private final class PEMReader {
    private let text: ByteFeed
    private let doing: String
    private let decoder: OpaquePointer?
    private var hasEnded = false
    /// Whether a line tells the end; else it is that of the input.
    private var hasEndLine = true

    init(of text: ByteFeed, doing: String) {
        self.text = text
        self.doing = doing
        decoder = EVP_ENCODE_CTX_new()
        EVP_DecodeInit(decoder)
    }

    deinit { EVP_ENCODE_CTX_free(decoder) }

    func feed() throws(MediaError) -> ByteFeed {
        let first = try line()
        guard first.starts(with: Array("-----BEGIN ".utf8)) else {
            throw MediaError(.malformed, doing: doing, reason: "neither DER nor PEM")
        }
        return ByteFeed(doing: doing) { [self] buffer throws(MediaError) in try decode(into: buffer) }
    }

    /// Behind the header of a mail that says that base64 of a CMS message follows.
    func mailFeed() throws(MediaError) -> ByteFeed {
        let notMail = MediaError(.malformed, doing: doing, reason: "neither DER nor PEM nor S/MIME")
        var header = ""
        for _ in 0..<64 {
            let line = String(decoding: try line(), as: UTF8.self).lowercased()
            if line.allSatisfy(\.isWhitespace) {
                guard header.contains("pkcs7-mime"), header.contains("content-transfer-encoding: base64") else {
                    throw notMail
                }
                hasEndLine = false
                return ByteFeed(doing: doing) { [self] buffer throws(MediaError) in try decode(into: buffer) }
            }
            guard line.first?.isWhitespace == true || line.contains(":") else { throw notMail }
            header += line + "\n"
        }
        throw notMail
    }

    private func line() throws(MediaError) -> [UInt8] {
        var line: [UInt8] = []
        while try text.peek() != nil, line.count < 1024 {
            let byte = try text.takeByte()
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return line
    }

    private func decode(into buffer: UnsafeMutableRawBufferPointer) throws(MediaError) -> Int {
        guard let output = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return 0 }
        var count: CInt = 0
        // The decoder may give nothing for some input: it collects 64 characters.
        while count == 0 && !hasEnded {
            let next = try text.peek()
            if next == nil && hasEndLine { throw withoutEndLine }
            if next == nil || next == UInt8(ascii: "-") {
                hasEnded = true
                if hasEndLine { try readEndLine() }
                if EVP_DecodeFinal(decoder, output, &count) < 0 { throw hasEndLine ? noBase64 : cutShort }
                break
            }
            // Four characters make three bytes; 80 more than fit may still wait in the decoder.
            let most = Int64(max(1, (buffer.count - 80) / 4 * 3))
            try text.takeSome(most: most, before: UInt8(ascii: "-")) { bytes throws(MediaError) in
                let characters = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
                if EVP_DecodeUpdate(decoder, output, &count, characters, CInt(bytes.count)) < 0 { throw noBase64 }
            }
        }
        return Int(count)
    }

    private func readEndLine() throws(MediaError) {
        var line = try line()
        while line.last.map({ $0 <= UInt8(ascii: " ") }) == true { line.removeLast() }
        guard line.starts(with: Array("-----END ".utf8)), line.suffix(5) == Array("-----".utf8)[...] else {
            throw withoutEndLine
        }
    }

    private var withoutEndLine: MediaError {
        MediaError(.truncated, doing: doing, reason: "the PEM text has no end line")
    }
    private var cutShort: MediaError {
        MediaError(.truncated, doing: doing, reason: "the base64 of the mail ends inside a group")
    }
    private var noBase64: MediaError { MediaError(.malformed, doing: doing, reason: "the PEM text is no base64") }
}
