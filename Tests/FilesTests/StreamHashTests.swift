import Files
import Testing
import Vocabulary

@Suite struct StreamHashTests {
    private func digests(_ parts: [[UInt8]], crc32: Bool = true) -> StreamDigests {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: crc32)
        for part in parts { part.withUnsafeBytes { hash.add($0) } }
        return hash.finish()
    }

    @Test func `the digests are those of the standards`() throws {
        let found = digests([Array("123456789".utf8)])
        #expect(found.crc32 == 0xCBF4_3926)
        let digest = try #require(found.digest)
        #expect(digest.description == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")
        #expect(digests([]).checksum.description == "99aa06d3014798d86001c324468d497f")
        #expect(digests([]).crc32 == 0)
    }

    @Test func `how the bytes are cut makes no difference`() {
        let bytes = (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        let whole = digests([bytes])
        #expect(digests([Array(bytes[..<1]), Array(bytes[1..<77]), Array(bytes[77...])]) == whole)
        #expect(whole.byteCount == 100_003)
    }

    @Test func `a hash begins anew`() {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: true)
        [UInt8](repeating: 7, count: 100).withUnsafeBytes { hash.add($0) }
        hash.begin(digest: true, crc32: false)
        Array("abc".utf8).withUnsafeBytes { hash.add($0) }
        #expect(hash.finish() == digests([Array("abc".utf8)], crc32: false))
    }
}
