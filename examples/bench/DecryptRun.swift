internal import ArgumentParser
internal import Glibc
internal import Media
internal import Support
internal import Vocabulary

/// The decryption of a worker, in a process of its own, so that its memory can be told from the benchmark's.
struct DecryptEngine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt-engine", abstract: "Decrypt a file as a worker decrypts it.", shouldDisplay: false)

    @Argument var input: String
    @Argument var output: String
    @Argument var key: String
    @Argument var certificate: String

    func run() async throws {
        let keys = try KeyRing(loading: [
            KeyRing.KeyFiles(privateKey: FilePath(key), certificates: FilePath(certificate))
        ])
        let from = open(input, O_RDONLY | O_CLOEXEC)
        let to = open(output, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard from >= 0, to >= 0 else { throw BenchFailure(description: "open: errno \(errno)") }
        _ = try await Decryptor(keys: keys).decrypt(from, envelope: .attached, to: to, role: "it")
        print(ProcessCost.of(getpid()).peakMemory)
    }
}

/// 50 MiB of CMS, for us and for openssl in turns.
struct DecryptRun {
    private let samples: MuxSamples
    init(_ samples: MuxSamples) { self.samples = samples }

    func figures() throws -> [Figure] {
        let clear = try samples.noise(bytes: 50 << 20)
        let media = try RecorderModelMedia.shared()
        let sealed = try samples.encrypted(clear, certificate: media.certificatePath)
        let output = "/tmp/takeup-bench-\(getpid()).clear"
        defer { unlink(output) }
        let own = [try CopyPeer.ownPath(), "decrypt-engine", sealed, output, media.keyPath, media.certificatePath]
        let peer = [
            "/usr/bin/openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", sealed, "-out", output, "-inkey",
            media.keyPath, "-recip", media.certificatePath,
        ]
        var times: (own: [Double], peer: [Double]) = ([], [])
        var memory = 0.0
        for _ in 0..<samples.rounds {
            times.peer.append(try samples.median(peer, rounds: 1))
            let begun = ContinuousClock.now
            let text = try ChildProcess.run(own)
            times.own.append((ContinuousClock.now - begun).inSeconds)
            memory = max(memory, Double(text.trimmed) ?? 0)
        }
        guard try readSample(output) == readSample(clear) else {
            throw BenchFailure(description: "what was decrypted is not what was encrypted")
        }
        let (mine, others) = (Distribution(times.own).percentile(50), Distribution(times.peer).percentile(50))
        // What the program takes before it decrypts anything: its libraries.
        let one = try samples.encrypted(try samples.noise(bytes: 1), certificate: media.certificatePath)
        let empty = try ChildProcess.run([own[0], own[1], one, output, own[4], own[5]])
        let growth = memory - (Double(empty.trimmed) ?? 0)
        return [
            Figure("decrypt 50 MiB of CMS, start of the program included", "s", mine, peer: others),
            Figure("decrypt 50 MiB of CMS: of openssl's time", "ratio", mine / others, bar: 1),
            Figure("decrypt 50 MiB of CMS: peak memory of the program", "MiB", memory),
            Figure("decrypt 50 MiB of CMS: memory beyond that for one byte", "MiB", growth, bar: 16),
        ]
    }
}
