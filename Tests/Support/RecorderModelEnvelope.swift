internal import CLibcrypto

/// CMS EnvelopedData (RFC 5652) as a recorder's encoder writes it: AES-256-CBC for one recipient.
enum RecorderModelEnvelope {
    /// Envelope and ciphertext in one file, DER.
    static func attached(_ clear: [UInt8], for certificate: [UInt8]) throws -> [UInt8] {
        try encrypt(clear, for: certificate, flags: 0) { cms, _ in
            try written { i2d_CMS_bio($0, cms) }
        }
    }

    /// The ciphertext alone, and the envelope apart in PEM.
    static func detached(_ clear: [UInt8], for certificate: [UInt8]) throws -> (cipher: [UInt8], envelope: String) {
        try encrypt(clear, for: certificate, flags: CMS_DETACHED) { cms, cipher in
            (cipher, String(decoding: try written { PEM_write_bio_CMS($0, cms) }, as: UTF8.self))
        }
    }

    private static func encrypt<Outcome>(
        _ clear: [UInt8], for certificate: [UInt8], flags: Int32,
        _ body: (_ cms: OpaquePointer?, _ detached: [UInt8]) throws -> Outcome
    ) throws -> Outcome {
        let flags = UInt32(flags | CMS_BINARY | CMS_PARTIAL)
        let pem = BIO_new_mem_buf(certificate, Int32(certificate.count))
        defer { BIO_free(pem) }
        let recipient = PEM_read_bio_X509(pem, nil, nil, nil)
        defer { X509_free(recipient) }
        let cms = CMS_encrypt(nil, nil, EVP_aes_256_cbc(), flags)
        defer { CMS_ContentInfo_free(cms) }
        guard CMS_add1_recipient_cert(cms, recipient, 0) != nil else {
            throw RecorderModelFailure("encrypt: the certificate cannot be used")
        }
        let input = BIO_new_mem_buf(clear, Int32(clear.count))
        defer { BIO_free(input) }
        guard flags & UInt32(CMS_DETACHED) != 0 else {
            guard CMS_final(cms, input, nil, flags) == 1 else { throw RecorderModelFailure("encrypt") }
            return try body(cms, [])
        }
        return try body(cms, try written { CMS_final(cms, input, $0, flags) })
    }

    /// What `write` wrote to a BIO in memory.
    private static func written(_ write: (OpaquePointer?) -> Int32) throws -> [UInt8] {
        let output = BIO_new(BIO_s_mem())
        defer { BIO_free(output) }
        guard write(output) == 1 else { throw RecorderModelFailure("write a CMS message") }
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(output))
        guard BIO_read(output, &bytes, Int32(bytes.count)) == bytes.count else {
            throw RecorderModelFailure("read a CMS message back")
        }
        return bytes
    }
}
