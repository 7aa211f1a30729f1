internal import CLibcrypto
internal import Files
internal import Vocabulary

/// A private key that signs manifests, so that `openssl` can check them with the public one.
///
/// Ed25519 signs the bytes themselves; RSA (PKCS #1) and EC keys sign their SHA-256. One thread at a time.
package final class ManifestSigner: @unchecked Sendable {
    // Unchecked: libcrypto's keys may be used by several threads once they are made.
    private let key: OpaquePointer
    private let signsBytes: Bool
    /// SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal.
    package let keyID: String
    /// `Ed25519`, `RSA` or `EC`.
    package let kind: String

    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter pem: a private key without a passphrase.
    package init(pem: [UInt8]) throws(Refused) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let found: OpaquePointer? = pem.withUnsafeBytes { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count)) else { return nil }
            defer { BIO_free(memory) }
            // A passphrase is never asked for.
            return PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let found else {
            if ManifestSigner.isEncrypted(pem) {
                throw Refused(
                    description: "the key that signs manifests is encrypted, and nobody is there to type its passphrase"
                )
            }
            throw Refused(description: "the key that signs manifests cannot be read as an unencrypted PEM private key")
        }
        key = found
        switch EVP_PKEY_get_id(found) {
        case EVP_PKEY_ED25519: (signsBytes, kind) = (true, "Ed25519")
        case EVP_PKEY_RSA: (signsBytes, kind) = (false, "RSA")
        case EVP_PKEY_EC: (signsBytes, kind) = (false, "EC")
        default:
            EVP_PKEY_free(found)
            throw Refused(description: "the key that signs manifests is neither Ed25519 nor RSA nor EC")
        }
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(found, &encoded)
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        hash.add(UnsafeRawBufferPointer(start: encoded, count: Int(max(0, count))))
        CRYPTO_free(encoded, nil, 0)
        keyID = hash.finish().digest?.description ?? ""
    }

    deinit { EVP_PKEY_free(key) }

    /// PKCS #8 says so in its first line, older forms in a header below it.
    private static func isEncrypted(_ pem: [UInt8]) -> Bool {
        let text = String(decoding: pem, as: UTF8.self)
        return text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
    }

    package func sign(_ bytes: [UInt8]) throws(Refused) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw Refused(description: "there is no memory to sign") }
        defer { EVP_MD_CTX_free(context) }
        var count = 0
        let isReady = EVP_DigestSignInit(context, nil, signsBytes ? nil : EVP_sha256(), nil, key) == 1
        guard isReady, EVP_DigestSign(context, nil, &count, bytes, bytes.count) == 1 else {
            throw Refused(description: "libcrypto does not sign with this key")
        }
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1 else {
            throw Refused(description: "libcrypto could not sign")
        }
        return Array(signature.prefix(count))
    }
}
