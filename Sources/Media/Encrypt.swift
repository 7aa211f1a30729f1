internal import CLibcrypto
internal import Glibc
internal import Vocabulary

/// Encrypts results for one certificate, as CMS messages (RFC 5652, RFC 5083), streaming: memory does not depend on the
/// file's size. What it wrote is opened again before anyone may rely on it.
package struct Encryptor: Sendable {
    package enum Cipher: String, CaseIterable, Sendable {
        /// EnvelopedData, as recorders write it.
        case aes256CBC = "aes-256-cbc"
        /// AuthEnvelopedData: every change of it shows. Older players can't read it.
        case aes256GCM = "aes-256-gcm"

        var ofLibcrypto: OpaquePointer? {
            switch self {
            case .aes256CBC: EVP_aes_256_cbc()
            case .aes256GCM: EVP_aes_256_gcm()
            }
        }
    }

    /// What became of a file.
    package struct Encrypted: Hashable, Sendable {
        package let byteCount: Int64
        /// The serial number, hexadecimal, of the certificate.
        package let keySerial: String
    }

    private let pair: KeyPair
    private let cipher: Cipher

    /// The private key is needed, too: what can't be opened again is no proof. Throws ``MediaError`` as
    /// ``KeyRing/init(loading:)`` does.
    package init(loading files: KeyRing.KeyFiles, cipher: Cipher) throws(MediaError) {
        let pairs = try KeyPair.load(files)
        guard let pair = pairs.first, pairs.count == 1 else {
            throw MediaError(
                .malformed, doing: "load the key of results",
                reason: "\(files.certificates.displayText) holds \(pairs.count) certificates of this key; name one")
        }
        self.pair = pair
        self.cipher = cipher
    }

    /// Encrypts `input`, a regular file, into the empty file `output`, opens that with the private key, and compares:
    /// it returns only where what comes out is what went in.
    ///
    /// On a thread of its own. Throws ``MediaError``: `mismatch`, `unsupported`, `cancelled`, `io`.
    package func encrypt(_ input: CInt, to output: CInt, role: String) async throws(MediaError) -> Encrypted {
        try await onOwnThread("encrypt") { isCancelled throws(MediaError) in
            let clear = try write(input, to: output, doing: "encrypt \(role)", isCancelled: isCancelled)
            let opened = ClearDigest()
            let decrypted = try Decryptor(keys: KeyRing(pairs: [pair])).decrypt(
                output, envelope: .attached, role: role, isCancelled: isCancelled
            ) { bytes throws(MediaError) in opened.add(bytes) }
            guard opened.value == clear.digest, decrypted.byteCount == clear.byteCount else {
                throw MediaError(
                    .mismatch, doing: "encrypt \(role)", reason: "opened again it is not what was encrypted")
            }
            let size = try regularSize(of: output, doing: "encrypt \(role)") ?? 0
            return Encrypted(byteCount: size, keySerial: pair.serial)
        }
    }

    private func write(
        _ input: CInt, to output: CInt, doing: String, isCancelled: @escaping () -> Bool
    ) throws(MediaError) -> (byteCount: Int64, digest: [UInt8]) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let recipients = takeup_certificate_list(pair.certificate)
        defer { takeup_free_certificate_list(recipients) }
        let flags = UInt32(CMS_BINARY | CMS_STREAM | CMS_PARTIAL)
        guard let message = CMS_encrypt(recipients, nil, cipher.ofLibcrypto, flags) else {
            throw MediaError(.unsupported, doing: doing, reason: "the certificate: \(cryptoReason())")
        }
        defer { CMS_ContentInfo_free(message) }
        let sink = BIO_new_fd(output, CInt(BIO_NOCLOSE))
        defer { BIO_free(sink) }
        guard let chain = BIO_new_CMS(sink, message) else {
            throw MediaError(.unsupported, doing: doing, reason: cryptoReason())
        }
        defer { takeup_free_chain(chain, sink) }
        let feed = try ByteFeed.reading(input, doing: doing, isCancelled: isCancelled)
        let digest = ClearDigest()
        while try feed.peek() != nil {
            try feed.takeSome(most: .max) { bytes throws(MediaError) in
                digest.add(bytes)
                let written = BIO_write(chain, bytes.baseAddress, CInt(bytes.count))
                guard written == CInt(bytes.count) else {
                    throw MediaError(.io, doing: doing, reason: "write: \(cryptoReason())")
                }
            }
        }
        guard takeup_flush(chain) == 1 else { throw MediaError(.io, doing: doing, reason: "write: \(cryptoReason())") }
        return (feed.position, digest.value)
    }
}

/// SHA-256 of clear bytes. For one thread.
private final class ClearDigest {
    private let context = EVP_MD_CTX_new()

    init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }
    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// Of what was added so far; only once.
    lazy var value: [UInt8] = {
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }()
}
