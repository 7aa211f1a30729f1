internal import Glibc

/// Where a file's envelope is.
package enum EnvelopePlace: Hashable, Sendable {
    /// The file is a CMS message that holds its ciphertext: DER, BER of indefinite lengths, or either in PEM.
    case attached
    /// The file is bare ciphertext; the envelope, in DER or PEM, came with the metadata.
    case detached(envelope: [UInt8])
}

/// What a decryption that went well can say of its result.
package struct Decrypted: Hashable, Sendable {
    /// Bytes of clear media.
    package let byteCount: Int64
    /// As libcrypto names it: "AES-256-CBC".
    package let cipher: String
    /// Whether an authentication code vouches for the bytes. CBC has none: of a changed ciphertext only a changed end
    /// shows, so what no digest or CRC vouches for otherwise has to be labelled *unauthenticated*.
    package let isAuthenticated: Bool
    /// The serial number, hexadecimal, of the certificate whose key opened the envelope.
    package let keySerial: String
}

/// Decrypts CMS/PKCS#7 media with local keys, streaming: memory does not depend on the file's size (about 1 MiB).
package struct Decryptor: Sendable {
    private let keys: KeyRing

    package init(keys: KeyRing) { self.keys = keys }

    /// Decrypts `input`, on a thread of its own, into `output` from its current position on.
    ///
    /// `input` may be a regular file (read from its start, position untouched) or a pipe. When it fails, `output`, if a
    /// regular file, is cut to no bytes: neither garbage nor half a recording stays. `role` names the input in errors
    /// ("the sound"). Throws ``MediaError``: `noKey`, `wrongKey`, `truncated`, `damaged`, `malformed`, `unsupported`,
    /// `cancelled`, `io`.
    package func decrypt(
        _ input: CInt, envelope: EnvelopePlace, to output: CInt, role: String
    ) async throws(MediaError) -> Decrypted {
        try await onOwnThread("decrypt") { isCancelled throws(MediaError) in
            do throws(MediaError) {
                return try decrypt(input, envelope: envelope, role: role, isCancelled: isCancelled) {
                    clear throws(MediaError) in
                    try writeFully(clear, to: output, doing: "decrypt \(role)")
                }
            } catch {
                // A pipe cannot be cut; its reader learns from the error.
                _ = ftruncate(output, 0)
                throw error
            }
        }
    }

    /// Decrypts `input` into a closure, on the calling thread, which it blocks.
    ///
    /// What was written counts only once this returns: a wrong padding or authentication code shows at the very end.
    package func decrypt(
        _ input: CInt, envelope: EnvelopePlace, role: String, isCancelled: @escaping () -> Bool = { false },
        write: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) -> Decrypted {
        let doing = "decrypt \(role)"
        let raw = try ByteFeed.reading(input, doing: doing, isCancelled: isCancelled)
        switch envelope {
        case .attached:
            let feed = try raw.unwrapped()
            let size = feed === raw ? try regularSize(of: input, doing: doing) : nil
            var reader = try EnvelopeReader(feed, size: size, doing: doing)
            guard try reader.hasContent() else {
                throw MediaError(
                    .malformed, doing: doing, reason: "an envelope without content: its ciphertext is in another file")
            }
            let cipher = try ContentCipher.open(reader.head, with: keys, doing: doing)
            let sink = ClearSink(doing: doing)
            try reader.forEachPart { part throws(MediaError) in try sink.decrypt(part, with: cipher, write) }
            return try sink.finish(cipher, code: reader.readTail(), write)
        case .detached(let envelope):
            let (head, code) = try Self.readDetached(envelope, doing: "\(doing), its envelope")
            let cipher = try ContentCipher.open(head, with: keys, doing: doing)
            let sink = ClearSink(doing: doing)
            while try raw.peek() != nil {
                try raw.takeSome(most: .max) { part throws(MediaError) in try sink.decrypt(part, with: cipher, write) }
            }
            return try sink.finish(cipher, code: code, write)
        }
    }

    private static func readDetached(
        _ envelope: [UInt8], doing: String
    ) throws(MediaError) -> (head: EnvelopeReader.Head, code: [UInt8]) {
        let feed = try ByteFeed.bytes(envelope, doing: doing).unwrapped()
        var reader = try EnvelopeReader(feed, size: nil, doing: doing)
        guard try !reader.hasContent() else {
            throw MediaError(.malformed, doing: doing, reason: "it holds a content of its own")
        }
        return (reader.head, try reader.readTail())
    }
}

/// Gathers clear bytes, so that small parts do not become small writes. For one thread.
private final class ClearSink {
    private let doing: String
    private let window: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var cipherBytes: Int64 = 0
    private var clearBytes: Int64 = 0
    private static let blockRoom = 64

    init(doing: String) {
        self.doing = doing
        window = .allocate(byteCount: (512 << 10) + Self.blockRoom, alignment: 64)
    }

    deinit {
        window.initializeMemory(as: UInt8.self, repeating: 0)
        window.deallocate()
    }

    func decrypt(
        _ part: UnsafeRawBufferPointer, with cipher: ContentCipher,
        _ write: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) {
        if filled + part.count + Self.blockRoom > window.count { try flush(write) }
        cipherBytes += Int64(part.count)
        filled += try cipher.decrypt(part, into: UnsafeMutableRawBufferPointer(rebasing: window[filled...]))
    }

    func finish(
        _ cipher: ContentCipher, code: [UInt8],
        _ write: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) -> Decrypted {
        let block = Int64(cipher.blockBytes)
        guard block == 1 || (cipherBytes > 0 && cipherBytes % block == 0) else {
            throw MediaError(
                .truncated, doing: doing, reason: "\(cipherBytes) bytes of ciphertext, no multiple of \(block)")
        }
        if filled + Self.blockRoom > window.count { try flush(write) }
        filled += try cipher.finish(code: code, into: UnsafeMutableRawBufferPointer(rebasing: window[filled...]))
        try flush(write)
        return Decrypted(
            byteCount: clearBytes, cipher: cipher.name, isAuthenticated: cipher.isAuthenticated,
            keySerial: cipher.keySerial)
    }

    private func flush(_ write: (UnsafeRawBufferPointer) throws(MediaError) -> Void) throws(MediaError) {
        guard filled > 0 else { return }
        try write(UnsafeRawBufferPointer(rebasing: window[..<filled]))
        clearBytes += Int64(filled)
        filled = 0
    }
}
