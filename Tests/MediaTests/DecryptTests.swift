import Glibc
import Media
import Support
import Testing
import Vocabulary

@Suite struct DecryptTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var form = CMSSamples.Form.der
        var cipher = "aes-256-cbc"
        var recipients: [CMSSamples.Recipient] = [.rsa]
        var options: [String] = []
        var testDescription: String { "\(form) \(cipher) \(recipients.map(\.rawValue)) \(options)" }
    }

    static let cases =
        CMSSamples.Form.allCases.flatMap { form in
            ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc"].map { Case(form: form, cipher: $0) }
                + [
                    Case(form: form, recipients: [.ec]), Case(form: form, recipients: [.stranger, .ec]),
                    Case(form: form, recipients: [.stranger, .rsa, .ec]),
                    Case(form: form, options: ["-keyopt", "rsa_padding_mode:oaep"]),
                    Case(form: form, options: ["-keyid"]), Case(form: form, recipients: [.ec], options: ["-keyid"]),
                    Case(form: form, cipher: "aes-256-gcm"), Case(form: form, cipher: "aes-128-gcm", recipients: [.ec]),
                ]
        } + [Case(cipher: "des3")]

    @Test(arguments: cases)
    func `what openssl encrypts comes back byte for byte`(_ one: Case) async throws {
        let scratch = try Scratch()
        let decryptor = Decryptor(keys: try scratch.keyRing())
        // openssl itself fails to stream an empty input through GCM.
        let counts = one.cipher.hasSuffix("gcm") && one.form == .ber ? [] : [0]
        for count in counts + [1, 15, 16, 4096, 300_000] {
            let clear = noise(count)
            try writeSample(clear, to: scratch.file("clear"))
            try scratch.cms.encrypt(
                scratch.file("clear"), to: scratch.file("cipher"), for: one.recipients, form: one.form,
                cipher: one.cipher, options: one.options)
            let output = try OpenSample(scratch.file("out"), create: true)
            let input = try OpenSample(scratch.file("cipher"))
            let result = try await decryptor.decrypt(
                input.descriptor, envelope: .attached, to: output.descriptor, role: "the sound")
            #expect(result.byteCount == Int64(count))
            #expect(result.isAuthenticated == one.cipher.hasSuffix("gcm"))
            #expect(try readSample(scratch.file("out")) == clear)
        }
    }

    @Test(arguments: [CMSSamples.Recipient.rsa, .ec], [0, 16, 5000, 700_001])
    func `bare ciphertext is opened by the envelope of its metadata`(
        _ recipient: CMSSamples.Recipient, _ count: Int
    ) async throws {
        let scratch = try Scratch()
        let clear = noise(count)
        try writeSample(clear, to: scratch.file("clear"))
        let envelope = try scratch.cms.encryptDetached(
            scratch.file("clear"), to: scratch.file("cipher"), for: [recipient])
        let output = try OpenSample(scratch.file("out"), create: true)
        let input = try OpenSample(scratch.file("cipher"))
        let result = try await Decryptor(keys: try scratch.keyRing()).decrypt(
            input.descriptor, envelope: .detached(envelope: Array(envelope.utf8)), to: output.descriptor,
            role: "the sound")
        #expect(result.cipher == "AES-256-CBC")
        #expect(!result.isAuthenticated)
        #expect(try readSample(scratch.file("out")) == clear)
    }

    /// Decrypts bytes into a file that held something; returns the error, and what the file holds then.
    private func failure(
        _ cipher: [UInt8], envelope: EnvelopePlace = .attached, keys: KeyRing, in scratch: Scratch
    ) async throws -> (MediaError?, size: Int) {
        let input = try scratch.open(cipher)
        let output = try OpenSample(scratch.file("out"), create: true)
        do throws(MediaError) {
            _ = try await Decryptor(keys: keys).decrypt(
                input.descriptor, envelope: envelope, to: output.descriptor, role: "the sound")
            return (nil, output.size)
        } catch {
            return (error, output.size)
        }
    }

    private func encrypted(
        _ count: Int, for recipients: [CMSSamples.Recipient], form: CMSSamples.Form = .der,
        cipher: String = "aes-256-cbc", in scratch: Scratch
    ) throws -> [UInt8] {
        try writeSample(noise(count), to: scratch.file("clear"))
        try scratch.cms.encrypt(
            scratch.file("clear"), to: scratch.file("cipher"), for: recipients, form: form, cipher: cipher)
        return try readSample(scratch.file("cipher"))
    }

    @Test func `an envelope for others names the certificate that is missing`() async throws {
        let scratch = try Scratch()
        let cipher = try encrypted(100_000, for: [.stranger], in: scratch)
        let (error, size) = try await failure(cipher, keys: try scratch.keyRing(), in: scratch)
        #expect(error?.code == .noKey)
        // 108 in hexadecimal.
        #expect(error?.reason.contains("certificate 6C;") == true)
        #expect(size == 0)
    }

    @Test(arguments: [CMSSamples.Form.der, .ber])
    func `a key that does not open its own envelope is a wrong key, not garbage`(_ form: CMSSamples.Form) async throws {
        let scratch = try Scratch()
        let cipher = try encrypted(100_000, for: [.rsaImpostor], form: form, in: scratch)
        let (error, size) = try await failure(cipher, keys: try scratch.keyRing(), in: scratch)
        #expect(error?.code == .wrongKey)
        #expect(size == 0)
        let (none, _) = try await failure(cipher, keys: try scratch.keyRing([.rsa, .rsaImpostor]), in: scratch)
        #expect(none == nil)
    }

    @Test func `a certificate of another key is refused when it is loaded`() throws {
        let scratch = try Scratch()
        let files = KeyRing.KeyFiles(
            privateKey: FilePath(try scratch.cms.key(of: .rsa)),
            certificates: FilePath(try scratch.cms.certificate(of: .ec)))
        let error = #expect(throws: MediaError.self) { try KeyRing(loading: [files]) }
        #expect(error?.code == .wrongKey)
    }

    @Test func `a key with a passphrase is loaded with it and only with it`() async throws {
        let scratch = try Scratch()
        let cipher = try encrypted(1000, for: [.rsa], in: scratch)
        let locked = scratch.file("locked.key")
        let key = try scratch.cms.key(of: .rsa)
        try ChildProcess.run([
            "/usr/bin/openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:open sesame",
        ])
        let certificate = FilePath(try scratch.cms.certificate(of: .rsa))
        for wrong in [nil, "", "close sesame"] {
            let error = #expect(throws: MediaError.self) {
                try KeyRing(
                    loading: [.init(privateKey: FilePath(locked), certificates: certificate, passphrase: wrong)])
            }
            #expect(error?.code == .malformed)
            #expect(error?.description.contains("sesame") == false)
        }
        let keys = try KeyRing(
            loading: [.init(privateKey: FilePath(locked), certificates: certificate, passphrase: "open sesame")])
        let (none, size) = try await failure(cipher, keys: keys, in: scratch)
        #expect(none == nil)
        #expect(size == 1000)
    }

    @Test(arguments: CMSSamples.Form.allCases, ["aes-256-cbc", "aes-256-gcm"])
    func `a message that ends early is truncated wherever it ends`(
        _ form: CMSSamples.Form, _ cipher: String
    ) async throws {
        let scratch = try Scratch()
        let keys = try scratch.keyRing()
        let whole = try encrypted(20_000, for: [.rsa], form: form, cipher: cipher, in: scratch)
        for length in [1, 2, 10, 60, 300, 500, 5000, whole.count - 40, whole.count - 3] {
            let (error, size) = try await failure(Array(whole[..<length]), keys: keys, in: scratch)
            #expect(error?.code == .truncated || (form == .pem && length < 300), "\(length) bytes: \(error as Any)")
            #expect(error != nil)
            #expect(size == 0)
        }
    }

    @Test func `bare ciphertext that ends inside a block is truncated, and between blocks damaged`() async throws {
        let scratch = try Scratch()
        try writeSample(noise(50_000), to: scratch.file("clear"))
        let envelope = try scratch.cms.encryptDetached(
            scratch.file("clear"), to: scratch.file("cipher"), for: [.rsa])
        let place = EnvelopePlace.detached(envelope: Array(envelope.utf8))
        let whole = try readSample(scratch.file("cipher"))
        for (length, code) in [(0, MediaError.Code.truncated), (16 * 1000 + 7, .truncated), (16 * 1000, .damaged)] {
            let (error, size) = try await failure(
                Array(whole[..<length]), envelope: place, keys: try scratch.keyRing(), in: scratch)
            #expect(error?.code == code)
            #expect(size == 0)
        }
    }

    @Test func `a change at the end of CBC is found, one in the middle is labelled unauthenticated`() async throws {
        let scratch = try Scratch()
        var cipher = try encrypted(50_000, for: [.rsa], in: scratch)
        // The byte that decides the last padding byte is in the block before the last.
        cipher[cipher.count - 17] ^= 0x40
        let (error, size) = try await failure(cipher, keys: try scratch.keyRing(), in: scratch)
        #expect(error?.code == .damaged)
        #expect(size == 0)
        cipher[cipher.count - 17] ^= 0x40
        cipher[cipher.count - 20_000] ^= 1
        let input = try scratch.open(cipher)
        let output = try OpenSample(scratch.file("out"), create: true)
        let result = try await Decryptor(keys: try scratch.keyRing()).decrypt(
            input.descriptor, envelope: .attached, to: output.descriptor, role: "the sound")
        #expect(!result.isAuthenticated)
        #expect(try readSample(scratch.file("out")) != noise(50_000))
    }

    @Test(arguments: [CMSSamples.Form.der, .ber])
    func `any change of GCM is found`(_ form: CMSSamples.Form) async throws {
        let scratch = try Scratch()
        let keys = try scratch.keyRing()
        let whole = try encrypted(20_000, for: [.rsa], form: form, cipher: "aes-256-gcm", in: scratch)
        for index in Array(stride(from: 700, to: whole.count, by: 1009)) + [whole.count - 17, whole.count - 30] {
            var cipher = whole
            cipher[index] ^= 4
            let (error, size) = try await failure(cipher, keys: keys, in: scratch)
            #expect(error != nil, "byte \(index)")
            #expect(size == 0)
        }
    }

    @Test(arguments: [4, 8, 11, 12, 15])
    func `an authentication code that is shorter than its envelope says opens nothing`(_ count: Int) async throws {
        let scratch = try Scratch()
        let whole = try encrypted(20_000, for: [.rsa], form: .ber, cipher: "aes-256-gcm", in: scratch)
        // 16 bytes, behind which all that is open ends.
        let code = try #require(whole.indices.last { whole[$0] == 4 && whole[$0...].count > 17 && whole[$0 + 1] == 16 })
        #expect(whole[(code + 18)...].allSatisfy { $0 == 0 })
        let cut = whole[..<code] + [4, UInt8(count)] + whole[(code + 2)..<(code + 2 + count)] + whole[(code + 18)...]
        let (error, size) = try await failure(Array(cut), keys: try scratch.keyRing(), in: scratch)
        #expect(error?.code == .malformed, "\(String(describing: error))")
        #expect(size == 0)
    }

    @Test(arguments: [CMSSamples.Form.der, .ber, .pem])
    func `no flipped bit crashes, hangs or leaves a file behind an error`(_ form: CMSSamples.Form) async throws {
        let scratch = try Scratch()
        let keys = try scratch.keyRing()
        let whole = try encrypted(3000, for: [.ec, .rsa], form: form, in: scratch)
        for index in Array(stride(from: 0, to: 1400, by: 3)) + Array(whole.count - 60..<whole.count) {
            guard index < whole.count else { continue }
            var cipher = whole
            cipher[index] ^= 1 << UInt8(index % 8)
            let (error, size) = try await failure(cipher, keys: keys, in: scratch)
            #expect(error == nil || size == 0, "byte \(index)")
        }
    }

    @Test(arguments: ["aes-256-cbc", "aes-256-gcm"])
    func `a message in a mail's wrapper is opened, and one that was cut is not`(_ cipher: String) async throws {
        let scratch = try Scratch()
        let clear = noise(200_000)
        try writeSample(clear, to: scratch.file("clear"))
        try ChildProcess.run([
            "/usr/bin/openssl", "cms", "-encrypt", "-binary", "-\(cipher)", "-in", scratch.file("clear"), "-out",
            scratch.file("mail"), "-outform", "SMIME", "-recip", try scratch.cms.certificate(of: .rsa),
        ])
        let mail = try readSample(scratch.file("mail"))
        #expect(String(decoding: mail.prefix(5), as: UTF8.self) == "MIME-")
        let keys = try scratch.keyRing()
        #expect(try await failure(mail, keys: keys, in: scratch).0 == nil)
        #expect(try readSample(scratch.file("out")) == clear)
        let cut = try await failure(Array(mail.prefix(mail.count / 2)), keys: keys, in: scratch)
        #expect(cut.0?.code == .truncated)
        #expect(cut.size == 0)
    }

    @Test func `what is no envelope is told apart`() async throws {
        let scratch = try Scratch()
        let keys = try scratch.keyRing()
        func code(_ bytes: [UInt8], _ place: EnvelopePlace = .attached) async throws -> MediaError.Code? {
            try await failure(bytes, envelope: place, keys: keys, in: scratch).0?.code
        }
        #expect(try await code([]) == .truncated)
        #expect(try await code(Array("no envelope at all".utf8)) == .malformed)
        #expect(try await code(Array("-----BEGIN CMS-----\nMIIB".utf8)) == .truncated)
        #expect(try await code(Array("-----BEGIN CMS-----\n????\n-----END CMS-----\n".utf8)) == .malformed)
        // A message of signed data (1.2.840.113549.1.7.2).
        let signed: [UInt8] = [0x30, 0x80, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2, 0xA0, 0x80, 0, 0, 0, 0]
        #expect(try await code(signed) == .unsupported)
        // A length of 2^55 bytes, and parts inside parts for ever.
        #expect(try await code([0x30, 0x87, 0x7f] + [UInt8](repeating: 0xff, count: 60)) == .truncated)
        #expect(try await code([UInt8](repeating: 0x30, count: 2) + [UInt8](repeating: 0x80, count: 4000)) != nil)
        let whole = try encrypted(100, for: [.rsa], in: scratch)
        #expect(try await code(whole + [0]) == .malformed)
        #expect(try await code(whole, .detached(envelope: whole)) == .malformed)
        #expect(try await code(whole, .detached(envelope: [])) == .truncated)
    }

    @Test func `a pipe is decrypted as it comes`() async throws {
        let scratch = try Scratch()
        let cipher = try encrypted(40_000, for: [.rsa], form: .ber, in: scratch)
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        try #require(write(ends[1], cipher, cipher.count) == cipher.count)
        close(ends[1])
        defer { close(ends[0]) }
        let output = try OpenSample(scratch.file("out"), create: true)
        _ = try await Decryptor(keys: try scratch.keyRing()).decrypt(
            ends[0], envelope: .attached, to: output.descriptor, role: "the sound")
        #expect(try readSample(scratch.file("out")) == noise(40_000))
    }

    @Test func `a cancelled task stops decrypting and leaves nothing`() async throws {
        let scratch = try Scratch()
        let cipher = try encrypted(200_000, for: [.rsa], in: scratch)
        let input = try scratch.open(cipher)
        let output = try OpenSample(scratch.file("out"), create: true)
        let keys = try scratch.keyRing()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await Decryptor(keys: keys).decrypt(
                input.descriptor, envelope: .attached, to: output.descriptor, role: "the sound")
        }
        let error = await #expect(throws: MediaError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(output.size == 0)
    }

    @Test(arguments: [CMSSamples.Form.der, .ber, .pem])
    func `memory does not grow with the file`(_ form: CMSSamples.Form) async throws {
        let scratch = try Scratch()
        try writeSample(noise(64 << 20), to: scratch.file("clear"))
        try scratch.cms.encrypt(scratch.file("clear"), to: scratch.file("cipher"), for: [.rsa], form: form)
        let paths = [scratch.file("cipher"), try scratch.cms.key(of: .rsa), try scratch.cms.certificate(of: .rsa)]
        // In a process of its own, whose memory nothing else uses.
        await #expect(processExitsWith: .success) { [paths = paths as [String]] in
            let keys = try KeyRing(
                loading: [.init(privateKey: FilePath(paths[1]), certificates: FilePath(paths[2]))])
            let input = try OpenSample(paths[0])
            let output = try OpenSample("/dev/null")
            let before = try residentKilobytes("VmRSS:")
            let result = try await Decryptor(keys: keys).decrypt(
                input.descriptor, envelope: .attached, to: output.descriptor, role: "the sound")
            let growth = try residentKilobytes("VmHWM:") - before
            guard result.byteCount == 64 << 20, growth < 16 << 10 else {
                throw SampleFailure("\(result.byteCount) bytes, \(growth) KiB more")
            }
        }
    }
}

/// A line of `/proc/self/status` that counts kilobytes.
func residentKilobytes(_ name: String) throws -> Int {
    let descriptor = open("/proc/self/status", O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = read(descriptor, &bytes, bytes.count)
    let lines = String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix(name) }) else { throw SampleFailure("no \(name)") }
    return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
}
