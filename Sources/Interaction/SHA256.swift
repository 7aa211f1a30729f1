internal import CLibcrypto
internal import Synchronization
internal import Vocabulary

/// The digest of bytes that come piece by piece. One thread at a time.
final class SHA256Stream: @unchecked Sendable {
    private let context: OpaquePointer
    private(set) var byteCount: Int64 = 0

    init() {
        guard let context = EVP_MD_CTX_new() else {
            preconditionFailure("there is no memory for a digest")
        }
        self.context = context
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit { EVP_MD_CTX_free(context) }

    func take(_ piece: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, piece.baseAddress, piece.count)
        byteCount += Int64(piece.count)
    }

    /// Once.
    func end() -> Digest {
        var bytes = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &bytes, nil)
        guard let digest = Digest(bytes: bytes) else { preconditionFailure("a digest has 32 bytes") }
        return digest
    }
}

extension Digest {
    init(of bytes: [UInt8]) {
        let stream = SHA256Stream()
        bytes.withUnsafeBytes { stream.take($0) }
        self = stream.end()
    }
}
