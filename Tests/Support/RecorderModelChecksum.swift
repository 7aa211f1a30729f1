internal import CLibcrypto
internal import Vocabulary

/// Digests made apart from the program under test, so that both being wrong alike is out of the question.
package enum RecorderModelChecksum {
    package static func sha256(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let done = EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
        precondition(done == 1, "SHA-256 of bytes in memory cannot fail")
        return Hex.text(of: digest)
    }

    /// CRC-32 as in zip and gzip: polynomial 0xEDB88320, reflected.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBufferPointer { buffer in
            table.withUnsafeBufferPointer { table in
                var sum: UInt32 = ~0
                for byte in buffer { sum = table[Int((sum ^ UInt32(byte)) & 0xff)] ^ (sum >> 8) }
                return ~sum
            }
        }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
    }
}

/// SHA-256 in hexadecimal.
package func sha256(of bytes: [UInt8]) -> String { RecorderModelChecksum.sha256(bytes) }
package func sha256(ofFile path: String) throws -> String { sha256(of: try readSample(path)) }
