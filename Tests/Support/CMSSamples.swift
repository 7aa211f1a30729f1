internal import Glibc

/// Recipients with their keys, and files encrypted for them by the `openssl` program: another's work than the code that
/// decrypts, so that both cannot be wrong in the same way.
package struct CMSSamples: Sendable {
    package enum Recipient: String, CaseIterable, Sendable {
        case rsa, ec
        /// Names the same certificate as `rsa` by issuer and serial number, with another key.
        case rsaImpostor = "rsa-impostor"
        /// In nobody's key ring.
        case stranger
    }

    package enum Form: String, CaseIterable, Sendable {
        /// Definite lengths.
        case der
        /// Indefinite lengths, the content in parts.
        case ber
        case pem
    }

    package let samples: MediaSamples

    package init(in samples: MediaSamples) { self.samples = samples }

    /// PEM of the private key.
    package func key(of recipient: Recipient) throws -> String {
        try samples.made("\(recipient.rawValue).key") { path in
            switch recipient {
            case .rsa, .rsaImpostor, .stranger:
                try ChildProcess.run([
                    "/usr/bin/openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                    path,
                ])
            case .ec:
                try ChildProcess.run([
                    "/usr/bin/openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                    path,
                ])
            }
        }
    }

    /// PEM of the self-signed certificate.
    package func certificate(of recipient: Recipient) throws -> String {
        let key = try key(of: recipient)
        let name = recipient == .rsaImpostor ? Recipient.rsa : recipient
        return try samples.made("\(recipient.rawValue).pem") { path in
            try ChildProcess.run([
                "/usr/bin/openssl", "req", "-x509", "-key", key, "-subj", "/CN=sample \(name.rawValue)", "-days",
                "3650",
                "-set_serial", "\(100 + name.rawValue.utf8.count)", "-out", path,
            ])
        }
    }

    /// Encrypts a file, envelope and ciphertext in one.
    /// - Parameter options: more for `openssl cms -encrypt`, behind the recipients: `["-keyopt", "rsa_padding_mode:oaep"]`.
    package func encrypt(
        _ path: String, to output: String, for recipients: [Recipient], form: Form = .der,
        cipher: String = "aes-256-cbc", options: [String] = []
    ) throws {
        var command = ["/usr/bin/openssl", "cms", "-encrypt", "-binary", "-\(cipher)", "-in", path, "-out", output]
        command += ["-outform", form == .pem ? "PEM" : "DER"] + (form == .ber ? ["-stream"] : [])
        for recipient in recipients { command += ["-recip", try certificate(of: recipient)] }
        try ChildProcess.run(command + options)
    }

    /// Encrypts a file into bare ciphertext at `output`; returns the envelope in PEM, as metadata carry it.
    package func encryptDetached(
        _ path: String, to output: String, for recipients: [Recipient], cipher: String = "aes-256-cbc"
    ) throws -> String {
        let whole = output + ".whole"
        let apart = output + ".apart"
        defer {
            unlink(whole)
            unlink(apart)
            unlink(apart + ".pem")
        }
        try encrypt(path, to: whole, for: recipients, cipher: cipher)
        let (envelope, content) = try split(try readSample(whole))
        try writeSample(content, to: output)
        try writeSample(envelope, to: apart)
        try ChildProcess.run(["/usr/bin/openssl", "base64", "-in", apart, "-out", apart + ".pem"])
        let text = String(decoding: try readSample(apart + ".pem"), as: UTF8.self)
        return "-----BEGIN PKCS7-----\n\(text)-----END PKCS7-----\n"
    }

    /// Takes the content out of an EnvelopedData of definite lengths: the last value of the last value, as it stands.
    private func split(_ message: [UInt8]) throws -> (envelope: [UInt8], content: [UInt8]) {
        func value(_ bytes: ArraySlice<UInt8>) -> (tag: UInt8, content: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
            let start = bytes.startIndex
            let first = bytes[start + 1]
            let lengthBytes = first > 0x80 ? Int(first & 0x7f) : 0
            let length =
                lengthBytes == 0
                ? Int(first) : bytes[start + 2..<start + 2 + lengthBytes].reduce(0) { $0 << 8 | Int($1) }
            let content = start + 2 + lengthBytes
            return (bytes[start], bytes[content..<content + length], bytes[(content + length)...])
        }
        func values(_ bytes: ArraySlice<UInt8>) -> [(tag: UInt8, content: ArraySlice<UInt8>)] {
            var found: [(UInt8, ArraySlice<UInt8>)] = []
            var rest = bytes
            while !rest.isEmpty {
                let next = value(rest)
                found.append((next.tag, next.content))
                rest = next.rest
            }
            return found
        }
        func encoded(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            [tag, 0x84] + [24, 16, 8, 0].map { UInt8(content.count >> $0 & 0xff) } + content
        }
        let outer = values(value(message[...]).content)
        let envelope = values(value(outer[1].content).content)
        guard let last = envelope.last else { throw SampleFailure("an envelope of nothing") }
        let inner = values(last.content)
        guard let content = inner.last, content.tag == 0x80 else { throw SampleFailure("an envelope without content") }
        let before = (envelope.dropLast().map { encoded($0.tag, Array($0.content)) }).flatMap { $0 }
        let head = inner.dropLast().map { encoded($0.tag, Array($0.content)) }.flatMap { $0 }
        let rebuilt = encoded(0x30, before + encoded(0x30, head))
        return (encoded(0x30, encoded(0x06, Array(outer[0].content)) + encoded(0xA0, rebuilt)), Array(content.content))
    }
}

/// All bytes of a file.
package func readSample(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SampleFailure("open \(path): errno \(errno)") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
    guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count else { throw SampleFailure("read \(path)") }
    return bytes
}

/// Makes or replaces a file.
package func writeSample(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SampleFailure("create \(path): errno \(errno)") }
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw SampleFailure("write \(path)") }
}
