internal import CLibcrypto
internal import Glibc
internal import Vocabulary

/// Encrypts results for one certificate as GIR keeps media: bare AES-256-CBC ciphertext, beside a PKCS#7 envelope without
/// content. Streaming: memory does not depend on the file's size.
package struct DetachedEncryptor: Sendable {
    // Unchecked: it is never changed once it is read, and libcrypto counts references atomically.
    private final class Certificate: @unchecked Sendable {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { self.pointer = pointer }
        deinit { X509_free(pointer) }
    }

    package struct Sealed: Hashable, Sendable {
        package let byteCount: Int64
        /// PEM.
        package let envelope: String
    }

    private let certificate: Certificate

    /// - Parameter certificate: X.509 with an RSA key, PEM.
    /// - Throws: ``MediaError`` `malformed`.
    package init(certificate: String) throws(MediaError) {
        let bytes = Array(certificate.utf8)
        let read = bytes.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let source = BIO_new_mem_buf(bytes.baseAddress, CInt(bytes.count)) else { return nil }
            defer { BIO_free(source) }
            return PEM_read_bio_X509(source, nil, nil, nil)
        }
        guard let read else {
            throw MediaError(
                .malformed, doing: "read the certificate of results", reason: "it is no certificate in PEM form")
        }
        self.certificate = Certificate(read)
    }

    /// Encrypts `input`, a regular file, into the empty file `output`, on a thread of its own.
    ///
    /// Throws ``MediaError``: `unsupported`, `cancelled`, `io`.
    package func encrypt(_ input: CInt, to output: CInt, role: String) async throws(MediaError) -> Sealed {
        let certificate = certificate
        return try await onOwnThread("encrypt") { isCancelled throws(MediaError) in
            try DetachedEncryptor.write(
                input, to: output, for: certificate.pointer, doing: "encrypt \(role)", isCancelled: isCancelled)
        }
    }

    private static func write(
        _ input: CInt, to output: CInt, for certificate: OpaquePointer, doing: String,
        isCancelled: @escaping () -> Bool
    ) throws(MediaError) -> Sealed {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let recipients = takeup_certificate_list(certificate)
        defer { takeup_free_certificate_list(recipients) }
        let flags = UInt32(CMS_BINARY | CMS_STREAM | CMS_PARTIAL | CMS_DETACHED)
        guard let message = CMS_encrypt(recipients, nil, EVP_aes_256_cbc(), flags) else {
            throw MediaError(.unsupported, doing: doing, reason: "the certificate: \(cryptoReason())")
        }
        defer { CMS_ContentInfo_free(message) }
        guard CMS_set_detached(message, 1) == 1, let sink = BIO_new_fd(output, CInt(BIO_NOCLOSE)) else {
            throw MediaError(.io, doing: doing, reason: cryptoReason())
        }
        defer { BIO_free(sink) }
        guard let chain = CMS_dataInit(message, sink) else {
            throw MediaError(.unsupported, doing: doing, reason: cryptoReason())
        }
        defer { takeup_free_chain(chain, sink) }
        let feed = try ByteFeed.reading(input, doing: doing, isCancelled: isCancelled)
        while try feed.peek() != nil {
            try feed.takeSome(most: .max) { bytes throws(MediaError) in
                guard BIO_write(chain, bytes.baseAddress, CInt(bytes.count)) == CInt(bytes.count) else {
                    throw MediaError(.io, doing: doing, reason: "write: \(cryptoReason())")
                }
            }
        }
        guard takeup_flush(chain) == 1, CMS_dataFinal(message, chain) == 1 else {
            throw MediaError(.io, doing: doing, reason: "write: \(cryptoReason())")
        }
        return Sealed(
            byteCount: try regularSize(of: output, doing: doing) ?? 0, envelope: try pem(message, doing: doing))
    }

    private static func pem(_ message: OpaquePointer, doing: String) throws(MediaError) -> String {
        var start: UnsafeMutablePointer<UInt8>?
        let count = i2d_CMS_ContentInfo(message, &start)
        guard count > 0, let start else { throw MediaError(.io, doing: doing, reason: cryptoReason()) }
        defer { CRYPTO_free(start, nil, 0) }
        // Three bytes become four characters, and a zero stands at the end.
        var text = [UInt8](repeating: 0, count: (Int(count) + 2) / 3 * 4 + 1)
        let length = Int(EVP_EncodeBlock(&text, start, count))
        var lines: [String] = []
        for place in stride(from: 0, to: length, by: 64) {
            lines.append(String(decoding: text[place..<min(place + 64, length)], as: UTF8.self))
        }
        return "-----BEGIN PKCS7-----\n" + lines.joined(separator: "\n") + "\n-----END PKCS7-----\n"
    }
}
