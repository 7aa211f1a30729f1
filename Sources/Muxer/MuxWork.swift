internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import FoundationEssentials
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// A pair of sound and screen with all that muxing needs of them.
struct MuxPair: Sendable {
    let job: MuxJob
    let recording: ReplayRecording
    let sound: Half
    let screen: Half

    struct Half: Sendable {
        let replica: Replica
        let media: ReplayMedia?
        /// Absolute, on this machine.
        let root: FilePath
        let role: String

        /// How the file is read. The row's kind decides, and for sound the ending of its name.
        var format: MediaFormat {
            if replica.content.kind == .video { return .mp4 }
            let name = String(decoding: replica.content.path.lastComponent, as: UTF8.self).lowercased()
            return name.contains(".wav") ? .wav : .mp3
        }
    }

    /// How long after the sound the screen began, as the rows say; zero where they say nothing.
    var offset: Duration {
        guard let sound = sound.media?.start ?? recording.start, let screen = screen.media?.start else { return .zero }
        return .microseconds(screen.microseconds - sound.microseconds)
    }

    /// What text may name: the recording as the sound's source has it.
    let reference: RecordingReference
}

/// Why a pair could not be muxed.
struct MuxFailure: Error, CustomStringConvertible {
    let what: String
    /// Whether it may go better by itself: then it is tried again with growing pauses.
    let isTransient: Bool
    var isKeyMissing = false
    var description: String { what }
}

/// Makes the muxed file of one pair, in a private directory: read and compare with the digest on record, decrypt, probe,
/// arrange, mux, verify.
struct MuxWork: Sendable {
    let tools: MediaTools
    let decryptor: Decryptor
    let rules: ArrangeRules
    let tolerance: Duration
    let madeBy: String
    /// For reading replicas: a volume can hang.
    let threads: FileThreads
    let patience: Duration

    struct Made: Sendable {
        let result: MuxResult
        /// Whether everything that was muxed is vouched for by more than our own digest.
        let isAuthenticated: Bool
    }

    func make(_ pair: MuxPair, in directory: FilePath) async throws -> Made {
        let sound = try await open(pair.sound, in: directory)
        let screen = try await open(pair.screen, in: directory)
        let soundFacts = try await tools.probe(sound.descriptor, format: pair.sound.format, role: pair.sound.role)
        let screenFacts = try await tools.probe(screen.descriptor, format: pair.screen.format, role: pair.screen.role)
        guard let track = soundFacts.soundTrack(claimed: pair.sound.claimed) else {
            throw MuxFailure(what: "the sound holds no sound", isTransient: false)
        }
        guard let picture = screenFacts.screenTrack(offset: pair.offset, claimed: pair.screen.claimed) else {
            throw MuxFailure(what: "the screen holds no pictures", isTransient: false)
        }
        try await refuseDamaged(.sound, of: sound.descriptor, pair.sound)
        try await refuseDamaged(.picture, of: screen.descriptor, pair.screen)
        let plan: MuxPlan
        switch arrange(track, screens: [picture], rules: rules) {
        case .mux(let made): plan = made
        case .refuse(let refusal): throw MuxFailure(what: String(describing: refusal), isTransient: false)
        }
        let labels = MuxLabels(
            recording: pair.reference.description,
            sources: [pair.sound, pair.screen].map {
                MuxLabels.Source(
                    mediaID: $0.replica.content.replayMediaID ?? 0, digest: $0.replica.content.digest)
            }, madeBy: madeBy)
        let result = try await tools.mux(
            plan, sound: MuxInput(descriptor: sound.descriptor, format: pair.sound.format, facts: soundFacts),
            screens: [MuxInput(descriptor: screen.descriptor, format: pair.screen.format, facts: screenFacts)],
            labels: labels, into: directory, name: "result.mp4", tolerance: tolerance)
        return Made(result: result, isAuthenticated: sound.isAuthenticated && screen.isAuthenticated)
    }

    /// A clear, readable half. It holds its descriptor open.
    private final class OpenHalf: Sendable {
        let file: HeldFile
        let isAuthenticated: Bool
        var descriptor: CInt { file.descriptor }
        init(file: HeldFile, isAuthenticated: Bool) {
            self.file = file
            self.isAuthenticated = isAuthenticated
        }
    }

    private func open(_ half: MuxPair.Half, in directory: FilePath) async throws -> OpenHalf {
        let content = half.replica.content
        let root = half.root
        // Read whole and compared first: a replica that changed on its volume must not become a result.
        let (file, found) = try await threads.run(timeout: patience) { pulse in
            let calls = KernelFiles()
            let volume = try calls.openRoot(root)
            let opened = try calls.openRegularFile(content.path, beneath: volume.descriptor).held()
            return (opened.0, try MuxWork.digest(opened.0.descriptor, pulse: pulse))
        }
        guard found == content.digest else {
            throw MuxFailure(what: "\(half.role) on its volume is not what was copied there", isTransient: true)
        }
        let isVouched = content.authenticity != .unauthenticated
        guard let media = half.media, media.keyID != nil else {
            try await refuseCut(file, half)
            return OpenHalf(file: file, isAuthenticated: isVouched)
        }
        let clear = HeldFile(
            try KernelFiles().createNamed(FilePath("clear-\(content.kind.rawValue)"), beneath: directory))
        let envelope = try MuxWork.envelope(of: media).map { EnvelopePlace.detached(envelope: $0) } ?? .attached
        let decrypted = try await decryptor.decrypt(
            file.descriptor, envelope: envelope, to: clear.descriptor, role: half.role)
        try await refuseCut(clear, half)
        return OpenHalf(file: clear, isAuthenticated: isVouched || decrypted.isAuthenticated)
    }

    /// A half whose end is missing: a decoder need not see that, and the result would hide it.
    private func refuseCut(_ file: HeldFile, _ half: MuxPair.Half) async throws {
        let name = FilePath("media.\(half.format.rawValue)")
        let wholeness = try await threads.run(timeout: patience) { _ in
            try Container.check(file.descriptor, name: name)
        }
        switch wholeness {
        case .whole, .unknown: return
        // What stands before or between is a decoder's to judge.
        case .broken(.otherFormat), .broken(.garbage): return
        case .broken(let fault):
            throw MuxFailure(what: "\(half.role) is damaged: \(fault)", isTransient: false)
        }
    }

    private static func digest(_ descriptor: CInt, pulse: Pulse) throws -> Digest? {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        let calls = KernelFiles()
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { block.deallocate() }
        var offset: Int64 = 0
        while true {
            try pulse.beat()
            let count = try calls.read(descriptor, into: block, at: offset)
            if count == 0 { return hash.finish().digest }
            hash.add(UnsafeRawBufferPointer(rebasing: block[..<count]))
            offset += Int64(count)
        }
    }

    private struct Properties: Decodable {
        let pkcs7: String?
    }

    /// The envelope that came with the metadata of detached ciphertext.
    private static func envelope(of media: ReplayMedia) throws -> [UInt8]? {
        guard let text = media.properties, !text.isEmpty else { return nil }
        guard let properties = try? JSONDecoder().decode(Properties.self, from: Data(text.utf8)) else { return nil }
        return properties.pkcs7.map { Array($0.utf8) }
    }

    /// Damage that a decoder sees never becomes a result: of tampered CBC ciphertext nothing else shows.
    private func refuseDamaged(_ kind: StreamFacts.Kind, of input: CInt, _ half: MuxPair.Half) async throws {
        let report = try await tools.decode(kind, of: input, format: half.format, role: half.role)
        guard report.isClean else {
            throw MuxFailure(
                what: "\(half.role) is damaged: \(report.firstComplaint ?? "it does not decode")", isTransient: false)
        }
    }
}

extension MuxPair.Half {
    /// How long the row says that it lasts.
    var claimed: Duration? {
        guard let start = media?.start, let stop = media?.stop, stop > start else { return nil }
        return .microseconds(stop.microseconds - start.microseconds)
    }
}

extension KernelFiles {
    /// A new file of our own, readable by nobody else.
    fileprivate func createNamed(_ name: FilePath, beneath directory: FilePath) throws(FileError) -> OpenFile {
        let opened = try openRoot(directory)
        return try createNamed(name, in: opened.descriptor, mode: 0o600)
    }
}
