internal import CLibcrypto
internal import Files
internal import Glibc
package import Vocabulary

/// The private keys that this process may decrypt with, each with the certificates made for it.
///
/// Old keys stay in the ring for as long as recordings made with them are kept: an envelope is bound to the certificate
/// of its day. Safe to share between threads: libcrypto's keys and certificates are only read after loading.
package struct KeyRing: Sendable {
    /// Where one key lies. Both paths may name the same file.
    package struct KeyFiles: Hashable, Sendable {
        /// PEM, PKCS#8 or traditional.
        package let privateKey: FilePath
        /// PEM, one certificate or several; those of other keys are passed over.
        package let certificates: FilePath
        package let passphrase: String?

        package init(privateKey: FilePath, certificates: FilePath, passphrase: String? = nil) {
            self.privateKey = privateKey
            self.certificates = certificates
            self.passphrase = passphrase
        }
    }

    let pairs: [KeyPair]

    package var isEmpty: Bool { pairs.isEmpty }

    /// How many pairs of certificate and key there are.
    package var count: Int { pairs.count }

    package init() { pairs = [] }

    init(pairs: [KeyPair]) { self.pairs = pairs }

    /// Loads every pair, or throws ``MediaError`` (`io`, `malformed`, `wrongKey`) for the first that is unusable.
    package init(loading files: [KeyFiles]) throws(MediaError) {
        var pairs: [KeyPair] = []
        for one in files { pairs += try KeyPair.load(one) }
        self.pairs = pairs
    }
}

/// A certificate and its private key. Owns both.
final class KeyPair: @unchecked Sendable {
    // Unchecked: the pointers never change, and libcrypto counts references to the objects atomically.
    let certificate: OpaquePointer
    let key: OpaquePointer
    /// The certificate's serial number, hexadecimal: how texts name the pair.
    let serial: String

    /// Takes over both.
    private init(certificate: OpaquePointer, key: OpaquePointer) {
        self.certificate = certificate
        self.key = key
        serial = hexadecimal(X509_get0_serialNumber(certificate))
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    static func load(_ files: KeyRing.KeyFiles) throws(MediaError) -> [KeyPair] {
        let doing = "load the key \(files.privateKey.displayText)"
        defer { ERR_clear_error() }
        let key = try readKey(files, doing: doing)
        defer { EVP_PKEY_free(key) }
        var pairs: [KeyPair] = []
        for certificate in try readCertificates(files.certificates, doing: doing) {
            if X509_check_private_key(certificate, key) == 1 {
                EVP_PKEY_up_ref(key)
                pairs.append(KeyPair(certificate: certificate, key: key))
            } else {
                X509_free(certificate)
            }
        }
        guard !pairs.isEmpty else {
            throw MediaError(
                .wrongKey, doing: doing,
                reason: "no certificate in \(files.certificates.displayText) is of this key; name the one it came with")
        }
        return pairs
    }

    private static func readKey(_ files: KeyRing.KeyFiles, doing: String) throws(MediaError) -> OpaquePointer {
        var text = try wholeFile(files.privateKey, doing: doing)
        defer { text.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        // Without a callback the last argument is the passphrase itself. An empty one, rather than none at all, keeps
        // libcrypto from asking for it on the terminal.
        let passphrase = files.passphrase ?? ""
        let key = text.withUnsafeBytes { bytes in
            passphrase.withCString { secret in
                withMemoryReader(bytes) {
                    PEM_read_bio_PrivateKey($0, nil, nil, UnsafeMutableRawPointer(mutating: secret))
                }
            }
        }
        guard let key else {
            throw MediaError(
                .malformed, doing: doing,
                reason: "no private key in PEM can be read from it: \(cryptoReason()); check file and passphrase")
        }
        return key
    }

    private static func readCertificates(_ path: FilePath, doing: String) throws(MediaError) -> [OpaquePointer] {
        let text = try wholeFile(path, doing: doing)
        return text.withUnsafeBytes { bytes in
            withMemoryReader(bytes) { reader in
                var found: [OpaquePointer] = []
                while let certificate = PEM_read_bio_X509(reader, nil, nil, nil) { found.append(certificate) }
                return found
            }
        }
    }
}

/// A file of less than 1 MiB.
private func wholeFile(_ path: FilePath, doing: String) throws(MediaError) -> [UInt8] {
    let most = 1 << 20
    let file = try openFile(path, O_RDONLY, doing: "\(doing) from \(path.displayText)")
    var bytes = [UInt8](repeating: 0, count: most)
    var failure: MediaError?
    let count = bytes.withUnsafeMutableBytes { buffer in
        do throws(MediaError) {
            return try readFully(file.descriptor, into: buffer, at: 0, doing: doing)
        } catch {
            failure = error
            return 0
        }
    }
    if let failure { throw failure }
    guard count < most else {
        throw MediaError(.malformed, doing: doing, reason: "\(path.displayText) is 1 MiB or more")
    }
    defer { bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    return Array(bytes[..<count])
}
