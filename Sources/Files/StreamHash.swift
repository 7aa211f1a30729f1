internal import CLibcrypto
internal import CXXHash
package import Vocabulary

/// Digests of a stream of bytes, taken in one pass.
package struct StreamDigests: Hashable, Sendable {
    package let byteCount: Int64
    /// nil where only the checksum was asked for.
    package let digest: Digest?
    package let checksum: Checksum128
    /// nil where it was not asked for.
    package let crc32: UInt32?
    /// A page of it, or all of its last one, is nothing but zeros: space that was set aside and not yet written looks so.
    package let hasBlankPages: Bool
}

/// Takes SHA-256, XXH3-128 and, where asked, CRC-32 of the same bytes. Reusable: `begin` forgets what was before.
/// One thread at a time.
package final class StreamHash {
    private let digestContext: OpaquePointer
    private let checksumState: OpaquePointer
    private var crc: CRC32?
    private var takesDigest = false
    private var byteCount: Int64 = 0
    private var hasBlankPages = false

    package init() {
        guard let context = EVP_MD_CTX_new(), let state = XXH3_createState() else {
            preconditionFailure("there is no memory for a hash state")
        }
        digestContext = context
        checksumState = state
    }

    deinit {
        EVP_MD_CTX_free(digestContext)
        XXH3_freeState(checksumState)
    }

    package func begin(digest: Bool, crc32: Bool) {
        takesDigest = digest
        crc = crc32 ? CRC32() : nil
        byteCount = 0
        hasBlankPages = false
        XXH3_128bits_reset(checksumState)
        if digest {
            let started = EVP_DigestInit_ex(digestContext, StreamHash.sha256, nil)
            precondition(started == 1, "libcrypto has no SHA-256")
        }
    }

    package func add(_ bytes: UnsafeRawBufferPointer) {
        byteCount += Int64(bytes.count)
        hasBlankPages = hasBlankPages || BlankPages.areIn(bytes)
        XXH3_128bits_update(checksumState, bytes.baseAddress, bytes.count)
        crc?.add(bytes)
        if takesDigest {
            let added = EVP_DigestUpdate(digestContext, bytes.baseAddress, bytes.count)
            precondition(added == 1, "SHA-256 refused bytes")
        }
    }

    package func finish() -> StreamDigests {
        let checksum = XXH3_128bits_digest(checksumState)
        return StreamDigests(
            byteCount: byteCount, digest: takesDigest ? finishDigest() : nil,
            checksum: Checksum128(high: checksum.high64, low: checksum.low64), crc32: crc?.value,
            hasBlankPages: hasBlankPages)
    }

    private func finishDigest() -> Digest? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let finished = EVP_DigestFinal_ex(digestContext, &bytes, nil)
        precondition(finished == 1, "SHA-256 did not finish")
        return Digest(bytes: bytes)
    }

    // Fetched once: an implicit fetch takes a lock for every file. libcrypto's method objects are shared by design.
    private nonisolated(unsafe) static let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
}
