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

/// A sound and its screens with all that muxing needs of them.
struct MuxPair: Sendable {
    let job: MuxJob
    let recording: ReplayRecording
    let sound: Half
    /// In the order of the job.
    let screens: [Half]

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

    var halves: [Half] { [sound] + screens }

    /// How long after the sound a screen began, by the rows and the measured lengths; zero where the rows say nothing.
    func offset(of screen: Half, lasting length: Duration, soundLength: Duration) -> Offset {
        let soundClaim = ClaimedTimes(
            start: sound.media?.start ?? recording.start, stop: sound.media?.start == nil ? nil : sound.media?.stop)
        return Offset(
            from: Beginning(of: soundClaim, lasting: soundLength),
            to: Beginning(of: ClaimedTimes(start: screen.media?.start, stop: screen.media?.stop), lasting: length))
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
        /// What vouches for everything that was muxed, besides our own digests.
        let authenticity: Replica.Authenticity
    }

    func make(_ pair: MuxPair, in directory: FilePath) async throws -> Made {
        let sound = try await open(pair.sound, in: directory)
        let soundFacts = try await tools.probe(sound.descriptor, format: pair.sound.format, role: pair.sound.role)
        guard let track = soundFacts.soundTrack(claimed: pair.sound.claimed) else {
            throw MuxFailure(what: "the sound holds no sound", isTransient: false)
        }
        var opened = [sound]
        var inputs: [MuxInput] = []
        var tracks: [ScreenTrack] = []
        for half in pair.screens {
            let screen = try await open(half, in: directory)
            let facts = try await tools.probe(screen.descriptor, format: half.format, role: half.role)
            guard var picture = facts.screenTrack(offset: .zero, claimed: half.claimed) else {
                throw MuxFailure(what: "\(half.role) holds no pictures", isTransient: false)
            }
            let offset = pair.offset(of: half, lasting: picture.duration, soundLength: track.duration)
            picture.offset += offset.estimate
            picture.uncertainty = offset.uncertainty
            opened.append(screen)
            inputs.append(MuxInput(descriptor: screen.descriptor, format: half.format, facts: facts))
            tracks.append(picture)
        }
        let plan: MuxPlan
        switch arrange(track, screens: tracks, rules: rules) {
        case .mux(let made): plan = made
        case .refuse(let refusal):
            throw MuxFailure(what: refusal.text(screens: pair.screens.map(\.role)), isTransient: false)
        }
        try await refuseDamaged(.sound, of: sound.descriptor, pair.sound)
        for (half, input) in zip(pair.screens, inputs) {
            try await refuseDamaged(.picture, of: input.descriptor, half)
        }
        let labels = MuxLabels(
            recording: pair.reference.description,
            sources: pair.halves.map {
                MuxLabels.Source(
                    mediaID: $0.replica.content.replayMediaID ?? 0, digest: $0.replica.content.digest)
            }, madeBy: madeBy)
        let result = try await tools.mux(
            plan, sound: MuxInput(descriptor: sound.descriptor, format: pair.sound.format, facts: soundFacts),
            screens: inputs, labels: labels, into: directory, name: "result.mp4", tolerance: tolerance)
        return Made(
            result: result, authenticity: Replica.Authenticity.weakest(of: opened.map(\.authenticity)))
    }

    /// A clear, readable half. It holds its descriptor open.
    private final class OpenHalf: Sendable {
        let file: HeldFile
        let authenticity: Replica.Authenticity
        var descriptor: CInt { file.descriptor }
        init(file: HeldFile, authenticity: Replica.Authenticity) {
            self.file = file
            self.authenticity = authenticity
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
        guard let media = half.media, media.keyID != nil else {
            try await refuseCut(file, half)
            return OpenHalf(file: file, authenticity: content.authenticity)
        }
        let clear = HeldFile(
            try KernelFiles().createNamed(FilePath("clear-\(half.replica.id.rawValue)"), beneath: directory))
        let envelope = try MuxWork.envelope(of: media).map { EnvelopePlace.detached(envelope: $0) } ?? .attached
        let decrypted = try await decryptor.decrypt(
            file.descriptor, envelope: envelope, to: clear.descriptor, role: half.role)
        try await refuseCut(clear, half)
        return OpenHalf(file: clear, authenticity: decrypted.isAuthenticated ? .cipher : content.authenticity)
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

extension Replica.Authenticity {
    /// Of what is made of several files: nothing vouches for it where nothing vouches for one of them.
    static func weakest(of all: [Replica.Authenticity]) -> Replica.Authenticity {
        allCases.first(where: all.contains) ?? .unauthenticated
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

extension MuxPair {
    /// How texts name a screen: where there are several, by its place and its media row at the replay.
    static func role(ofScreen number: Int, of count: Int, media: Int64?) -> String {
        count == 1 ? "the screen" : "screen \(number + 1)" + (media.map { " (media \($0))" } ?? "")
    }
}
