import Glibc
import Support
import Testing
import Vocabulary

@testable import Media

/// What is encrypted here, openssl opens: another's work than the code that encrypts.
@Suite struct EncryptTests {
    private func files(_ recipient: CMSSamples.Recipient, in scratch: Scratch) throws -> KeyRing.KeyFiles {
        KeyRing.KeyFiles(
            privateKey: FilePath(try scratch.cms.key(of: recipient)),
            certificates: FilePath(try scratch.cms.certificate(of: recipient)))
    }

    @Test(arguments: Encryptor.Cipher.allCases, [CMSSamples.Recipient.rsa, .ec])
    func `openssl and we ourselves open what was encrypted, byte for byte`(
        _ cipher: Encryptor.Cipher, _ recipient: CMSSamples.Recipient
    ) async throws {
        let scratch = try Scratch()
        let encryptor = try Encryptor(loading: files(recipient, in: scratch), cipher: cipher)
        for count in [1, 15, 16, 4096, 300_001, 1_500_000] {
            let clear = noise(count)
            let input = try scratch.open(clear, "clear")
            let output = try OpenSample(scratch.file("sealed"), create: true)
            let made = try await encryptor.encrypt(input.descriptor, to: output.descriptor, role: "the result")
            #expect(made.byteCount == Int64(output.size))
            #expect(made.byteCount > Int64(count))
            let opened = try OpenSample(scratch.file("opened"), create: true)
            let decrypted = try await Decryptor(keys: try scratch.keyRing()).decrypt(
                output.descriptor, envelope: .attached, to: opened.descriptor, role: "the result")
            #expect(decrypted.isAuthenticated == (cipher == .aes256GCM))
            #expect(decrypted.keySerial == made.keySerial)
            #expect(try readSample(scratch.file("opened")) == clear)
            try ChildProcess.run([
                "/usr/bin/openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", scratch.file("sealed"),
                "-out",
                scratch.file("by-openssl"), "-inkey", try scratch.cms.key(of: recipient), "-recip",
                try scratch.cms.certificate(of: recipient),
            ])
            #expect(try readSample(scratch.file("by-openssl")) == clear)
        }
    }

    @Test func `what cannot be opened again is an error`() async throws {
        let scratch = try Scratch()
        let encryptor = try Encryptor(loading: files(.rsa, in: scratch), cipher: .aes256CBC)
        let input = try scratch.open(noise(100_000), "clear")
        // Something stands in the file already: written behind it, the message is none.
        let output = try scratch.open(Array("before".utf8), "sealed")
        lseek(output.descriptor, 0, SEEK_END)
        await #expect(throws: MediaError.self) {
            try await encryptor.encrypt(input.descriptor, to: output.descriptor, role: "the result")
        }
    }

    @Test func `a certificate of another key is refused when it is loaded`() throws {
        let scratch = try Scratch()
        let files = KeyRing.KeyFiles(
            privateKey: FilePath(try scratch.cms.key(of: .rsaImpostor)),
            certificates: FilePath(try scratch.cms.certificate(of: .rsa)))
        let error = #expect(throws: MediaError.self) { try Encryptor(loading: files, cipher: .aes256CBC) }
        #expect(error?.code == .wrongKey)
    }

    @Test func `a full disk is an error, and not a short file`() async throws {
        let scratch = try Scratch()
        let encryptor = try Encryptor(loading: files(.rsa, in: scratch), cipher: .aes256GCM)
        let input = try scratch.open(noise(100_000), "clear")
        let full = try OpenSample("/dev/full")
        let error = await #expect(throws: MediaError.self) {
            try await encryptor.encrypt(input.descriptor, to: full.descriptor, role: "the result")
        }
        #expect(error?.code == .io)
    }
}
