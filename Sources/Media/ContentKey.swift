internal import CLibcrypto

/// A content cipher, ready to decrypt: the envelope opened with one of our keys. Owns libcrypto's objects. For one thread.
final class ContentCipher {
    private let message: OpaquePointer
    private let filter: OpaquePointer
    private let context: OpaquePointer
    private let doing: String
    /// As libcrypto names it: "AES-256-CBC".
    let name: String
    let isAuthenticated: Bool
    /// The serial number of the certificate whose key opened it.
    let keySerial: String
    /// A multiple of this many bytes, and at least one, is what a whole ciphertext has; 1 for a stream cipher.
    let blockBytes: Int

    /// Opens the envelope. Throws `noKey`, `wrongKey`, `malformed` or `unsupported`.
    static func open(_ head: EnvelopeReader.Head, with keys: KeyRing, doing: String) throws(MediaError) -> ContentCipher
    {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let message = try parse(head.withoutContent, doing: doing)
        do throws(MediaError) {
            let serial = try unlock(message, with: keys, doing: doing)
            guard let filter = cipherFilter(message) else {
                throw MediaError(.unsupported, doing: doing, reason: "its content cipher: \(cryptoReason())")
            }
            guard let context = usableContext(filter, isAuthenticated: head.isAuthenticated) else {
                BIO_free_all(filter)
                throw MediaError(.unsupported, doing: doing, reason: "a content cipher that is neither CBC nor GCM")
            }
            return ContentCipher(
                message: message, filter: filter, context: context, isAuthenticated: head.isAuthenticated,
                keySerial: serial, doing: doing)
        } catch {
            CMS_ContentInfo_free(message)
            throw error
        }
    }

    private static func usableContext(_ filter: OpaquePointer, isAuthenticated: Bool) -> OpaquePointer? {
        guard let context = takeup_bio_cipher_context(filter) else { return nil }
        let mode = EVP_CIPHER_get_mode(EVP_CIPHER_CTX_get0_cipher(context))
        return mode == (isAuthenticated ? EVP_CIPH_GCM_MODE : EVP_CIPH_CBC_MODE) ? context : nil
    }

    private init(
        message: OpaquePointer, filter: OpaquePointer, context: OpaquePointer, isAuthenticated: Bool,
        keySerial: String, doing: String
    ) {
        let cipher = EVP_CIPHER_CTX_get0_cipher(context)
        self.message = message
        self.filter = filter
        self.context = context
        self.isAuthenticated = isAuthenticated
        self.keySerial = keySerial
        self.doing = doing
        name = EVP_CIPHER_get0_name(cipher).map { String(cString: $0) } ?? "?"
        blockBytes = isAuthenticated ? 1 : Int(EVP_CIPHER_get_block_size(cipher))
    }

    deinit {
        BIO_free_all(filter)
        CMS_ContentInfo_free(message)
    }

    /// Decrypts `input` into the front of `output`, which has room for one block more; returns the bytes put there.
    func decrypt(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MediaError) -> Int {
        var count: CInt = 0
        let done = EVP_DecryptUpdate(
            context, output.assumingMemoryBound(to: UInt8.self).baseAddress, &count,
            input.assumingMemoryBound(to: UInt8.self).baseAddress, CInt(input.count))
        guard done == 1 else { throw MediaError(.damaged, doing: doing, reason: cryptoReason()) }
        return Int(count)
    }

    /// The last bytes: takes the padding off, or compares the authentication code.
    func finish(code: [UInt8], into output: UnsafeMutableRawBufferPointer) throws(MediaError) -> Int {
        defer { ERR_clear_error() }
        if isAuthenticated {
            var code = code
            guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CInt(code.count), &code) == 1 else {
                throw MediaError(.malformed, doing: doing, reason: "an authentication code of wrong length")
            }
        }
        var count: CInt = 0
        let done = EVP_DecryptFinal_ex(context, output.assumingMemoryBound(to: UInt8.self).baseAddress, &count)
        guard done == 1 else {
            throw MediaError(
                .damaged, doing: doing,
                reason: isAuthenticated
                    ? "the authentication code does not fit: the content was changed"
                    : "the padding is wrong: the content was changed or is cut short")
        }
        return Int(count)
    }

    private static func parse(_ envelope: [UInt8], doing: String) throws(MediaError) -> OpaquePointer {
        let message = envelope.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_CMS_ContentInfo(nil, &start, bytes.count)
        }
        guard let message else {
            throw MediaError(.malformed, doing: doing, reason: "the envelope: \(cryptoReason())")
        }
        // Alone, the flag only sets libcrypto to report a content key of wrong length. Without it a random key takes
        // its place against those who can ask often and watch; here nobody asks, and garbage must not pass for media.
        CMS_decrypt(message, nil, nil, nil, nil, UInt32(CMS_DEBUG_DECRYPT))
        ERR_clear_error()
        return message
    }

    /// libcrypto's chain that decrypts on reading; only its cipher context is used.
    private static func cipherFilter(_ message: OpaquePointer) -> OpaquePointer? {
        let nothing = BIO_new(BIO_s_null())
        guard let chain = CMS_dataInit(message, nothing) else {
            BIO_free(nothing)
            return nil
        }
        return chain
    }

    /// Tries every recipient that is one of ours. Returns the serial of the certificate that opened it.
    private static func unlock(_ message: OpaquePointer, with keys: KeyRing, doing: String) throws(MediaError) -> String
    {
        var refused: [String] = []
        var others: [String] = []
        for index in 0..<takeup_cms_recipient_count(message) {
            guard let recipient = takeup_cms_recipient(message, index) else { continue }
            switch CMS_RecipientInfo_type(recipient) {
            case CMS_RECIPINFO_TRANS:
                for pair in keys.pairs where CMS_RecipientInfo_ktri_cert_cmp(recipient, pair.certificate) == 0 {
                    if transported(message, recipient, pair) { return pair.serial }
                    refused.append(pair.serial)
                }
                others.append(serial(ofTransport: recipient))
            case CMS_RECIPINFO_AGREE:
                for position in 0..<takeup_cms_agreed_key_count(recipient) {
                    guard let sealed = takeup_cms_agreed_key(recipient, position) else { continue }
                    for pair in keys.pairs where CMS_RecipientEncryptedKey_cert_cmp(sealed, pair.certificate) == 0 {
                        if agreed(message, recipient, sealed, pair) { return pair.serial }
                        refused.append(pair.serial)
                    }
                    others.append(serial(ofAgreed: sealed))
                }
            default:
                others.append("of a kind that takes no certificate")
            }
        }
        throw failure(refused: refused, others: others, doing: doing)
    }

    private static func failure(refused: [String], others: [String], doing: String) -> MediaError {
        if let serial = refused.first {
            return MediaError(
                .wrongKey, doing: doing,
                reason: "it names our certificate \(serial), whose private key does not open it: \(cryptoReason())")
        }
        let names = others.prefix(4).joined(separator: ", ")
        return MediaError(
            .noKey, doing: doing,
            reason: others.isEmpty
                ? "it has no recipient" : "it is for certificate \(names); add its key to the key ring")
    }

    /// Key transport (RSA): the key is lent to the recipient for the attempt.
    private static func transported(_ message: OpaquePointer, _ recipient: OpaquePointer, _ pair: KeyPair) -> Bool {
        EVP_PKEY_up_ref(pair.key)
        guard CMS_RecipientInfo_set0_pkey(recipient, pair.key) == 1 else {
            EVP_PKEY_free(pair.key)
            return false
        }
        defer { CMS_RecipientInfo_set0_pkey(recipient, nil) }
        return CMS_RecipientInfo_decrypt(message, recipient) == 1
    }

    /// Key agreement (ECDH).
    private static func agreed(
        _ message: OpaquePointer, _ recipient: OpaquePointer, _ sealed: OpaquePointer, _ pair: KeyPair
    ) -> Bool {
        guard CMS_RecipientInfo_kari_set0_pkey(recipient, pair.key) == 1 else { return false }
        defer { CMS_RecipientInfo_kari_set0_pkey(recipient, nil) }
        return CMS_RecipientInfo_kari_decrypt(message, recipient, sealed) == 1
    }

    private static func serial(ofTransport recipient: OpaquePointer) -> String {
        var number: UnsafeMutablePointer<ASN1_INTEGER>?
        guard CMS_RecipientInfo_ktri_get0_signer_id(recipient, nil, nil, &number) == 1, let number else {
            return "(named by its key)"
        }
        return hexadecimal(number)
    }

    private static func serial(ofAgreed sealed: OpaquePointer) -> String {
        var number: UnsafeMutablePointer<ASN1_INTEGER>?
        guard CMS_RecipientEncryptedKey_get0_id(sealed, nil, nil, nil, nil, &number) == 1, let number else {
            return "(named by its key)"
        }
        return hexadecimal(number)
    }
}
