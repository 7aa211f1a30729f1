import Glibc
import Support
import Testing
import Vocabulary

@testable import Media

/// What is encrypted here with a certificate alone, openssl opens, and so do we.
@Suite struct DetachedEncryptTests {
    @Test(arguments: [1, 15, 16, 4096, 300_001]) func `bare ciphertext and its envelope give the clear bytes again`(
        count: Int
    ) async throws {
        let scratch = try Scratch()
        let certificate = try scratch.cms.certificate(of: .rsa)
        let encryptor = try DetachedEncryptor(
            certificate: String(decoding: try readSample(certificate), as: UTF8.self))
        let clear = noise(count)
        let input = try scratch.open(clear, "clear")
        let output = try OpenSample(scratch.file("sealed"), create: true)
        let sealed = try await encryptor.encrypt(input.descriptor, to: output.descriptor, role: "the result")
        // Whole blocks of ciphertext, and nothing else.
        #expect(sealed.byteCount == Int64((count / 16 + 1) * 16) && Int64(output.size) == sealed.byteCount)
        #expect(sealed.envelope.hasPrefix("-----BEGIN PKCS7-----\n"))
        #expect(sealed.envelope.split(separator: "\n").allSatisfy { $0.utf8.count <= 64 })

        let opened = try OpenSample(scratch.file("opened"), create: true)
        _ = try await Decryptor(keys: try scratch.keyRing()).decrypt(
            output.descriptor, envelope: .detached(envelope: Array(sealed.envelope.utf8)), to: opened.descriptor,
            role: "the result")
        #expect(try readSample(scratch.file("opened")) == clear)

        try writeSample(
            Array(sealed.envelope.replacing("PKCS7", with: "CMS").utf8), to: scratch.file("envelope"))
        try ChildProcess.run([
            "/usr/bin/openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", scratch.file("envelope"),
            "-content", scratch.file("sealed"), "-out", scratch.file("by-openssl"), "-inkey",
            try scratch.cms.key(of: .rsa), "-recip", certificate,
        ])
        #expect(try readSample(scratch.file("by-openssl")) == clear)
    }

    @Test func `no two files have one key`() async throws {
        let scratch = try Scratch()
        let certificate = String(decoding: try readSample(scratch.cms.certificate(of: .rsa)), as: UTF8.self)
        let encryptor = try DetachedEncryptor(certificate: certificate)
        let input = try scratch.open(noise(1000), "clear")
        var ciphertexts: Set<[UInt8]> = []
        for name in ["one", "two"] {
            let output = try OpenSample(scratch.file(name), create: true)
            _ = try await encryptor.encrypt(input.descriptor, to: output.descriptor, role: "the result")
            ciphertexts.insert(try readSample(scratch.file(name)))
        }
        #expect(ciphertexts.count == 2)
    }

    @Test func `what is no certificate is refused`() {
        #expect(throws: MediaError.self) { try DetachedEncryptor(certificate: "-----BEGIN NOTHING-----") }
    }
}
