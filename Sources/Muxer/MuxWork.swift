internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import FoundationEssentials
internal import Glibc
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
    var screens: [Half]

    struct Half: Sendable {
        let replica: Replica
        let media: ReplayMedia?
        /// Absolute, on this machine.
        let root: FilePath
        let role: String
        var isRECD: Bool { replica.content.kind == .recd }

        /// How the file is read. The row's kind decides, and for sound the ending of its name.
        var format: MediaFormat {
            // RECD is read when it was converted.
            if replica.content.kind == .video || isRECD { return .mp4 }
            let name = String(decoding: replica.content.path.lastComponent, as: UTF8.self).lowercased()
            let others: [(ending: String, format: MediaFormat)] = [
                (".wav", .wav), (".m4a", .mp4), (".mp4", .mp4), (".mka", .matroska), (".mkv", .matroska),
            ]
            return others.first { name.contains($0.ending) }?.format ?? .mp3
        }
    }

    var halves: [Half] { [sound] + screens }

    /// With the screens at these places alone.
    func keeping(_ places: [Int]) -> MuxPair {
        var pair = self
        pair.screens = places.map { screens[$0] }
        return pair
    }

    /// How long after the sound a screen began, by the rows and the measured lengths; zero where the rows say nothing.
    func offset(of screen: Half, lasting length: Duration, soundLength: Duration) -> Offset {
        Offset(
            from: Beginning(of: soundClaim, lasting: soundLength),
            to: Beginning(of: ClaimedTimes(start: screen.media?.start, stop: screen.media?.stop), lasting: length))
    }

    var soundClaim: ClaimedTimes {
        ClaimedTimes(
            start: sound.media?.start ?? recording.start, stop: sound.media?.start == nil ? nil : sound.media?.stop)
    }

    /// What text may name: the recording as the sound's source has it.
    let reference: RecordingReference

    /// How long its row says that a half lasts; nil where it says nothing of this very file.
    func claimedLength(of half: Half) -> ClaimedLength? {
        // Results are media rows of the replay, too, with the times of their sound.
        let others =
            half.replica.id == sound.replica.id
            ? recording.media.filter { $0.kind == half.media?.kind && $0.id != half.media?.id }
            : screens.filter { $0.replica.id != half.replica.id }.compactMap(\.media)
        let sound = half.replica.id == sound.replica.id ? nil : sound.media?.claimed
        return half.media.flatMap { ClaimedLength($0.claimed, among: others.map(\.claimed), sound: sound) }
    }
    /// Whether the rows' clock is UTC.
    var clockIsUTC = false
    /// Screens that a result shows which stands: none of them is left out.
    var shown: Set<Replica.ID> = []
}

/// Why a pair could not be muxed.
struct MuxFailure: Error, CustomStringConvertible {
    let what: String
    /// Whether it may go better by itself: then it is tried again with growing pauses.
    let isTransient: Bool
    /// Where single screens are the reason: each by its role, and what is wrong with it.
    private(set) var screens: [String: any Error] = [:]
    var description: String { what }

    init(what: String, isTransient: Bool) {
        self.what = what
        self.isTransient = isTransient
    }

    init(ofScreens screens: [String: any Error]) {
        what = screens.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }.map { String(describing: $0.value) }
            .joined(separator: "; ")
        isTransient = screens.values.contains {
            ($0 as? any Retryable)?.isTransient ?? ($0 as? MuxFailure)?.isTransient ?? true
        }
        self.screens = screens
    }
}

/// The screens are RECD, and this worker has no converter: no failure.
struct NotMuxable: Error {}

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

    var pictureCheck = MuxSettings.PictureCheck.unvouched
    var resultKey: ResultKey?
    /// Whether rows tell the lengths of files.
    var comparesRowLengths = true
    /// Nil: screens are shown whatever the sound was.
    var blanking: Blanking?
    /// Nil: there is none for RECD.
    var converter: ScreenConverter?

    /// What results of encrypted media are encrypted for.
    struct ResultKey: Sendable {
        let encryptor: Encryptor
        /// As rows call it.
        let id: String
    }

    struct Made: Sendable {
        /// Of the clear file.
        let result: MuxResult
        /// What is published.
        let path: FilePath
        let byteCount: Int64
        /// Of the key that it is encrypted for; nil: it is clear.
        let keyID: String?
        /// What vouches for everything that was muxed, besides our own digests.
        let authenticity: Replica.Authenticity
        /// What who plays it cannot see, and should know.
        let notes: [String]
        /// The screens that it lacks, as they were refused.
        let leftOut: [Replica.ID]
    }

    /// Makes the result of the sound and of those screens that are not refused, at least one. Throws what was refused where
    /// none is left.
    func make(_ pair: MuxPair, in directory: FilePath) async throws -> Made {
        var leftOut = LeftOut(of: pair)
        let opened = try await openAll(pair, in: directory, &leftOut)
        // By the rows of all of them: two with the same times tell of the call, also where one is left out.
        let claims = pair.halves.map { claimed(pair, $0) }
        while true {
            do {
                return try await make(pair, opened, claims, leftOut, in: directory)
            } catch let failure as MuxFailure where !failure.screens.isEmpty {
                guard try leftOut.add(failure.screens) else { throw failure }
                // It may have been muxed before a decoder had seen all.
                unlink(directory.appending(ClearMux.resultName).cPath)
            } catch let failure as MuxFailure where !leftOut.isEmpty {
                throw MuxFailure(
                    what: ([failure.what] + leftOut.notes).joined(separator: "; "), isTransient: failure.isTransient)
            }
        }
    }

    /// - Parameters:
    ///   - opened: the sound, then all screens; nil for those that could not be opened, which are left out.
    ///   - claims: of the same.
    private func make(
        _ whole: MuxPair, _ opened: [OpenHalf?], _ claims: [ClaimedLength?], _ leftOut: LeftOut, in directory: FilePath
    ) async throws -> Made {
        let pair = whole.keeping(leftOut.kept)
        let places = [0] + leftOut.kept.map { $0 + 1 }
        let opened = places.compactMap { opened[$0] }
        let parts = zip(places, opened).map { place, open in
            ClearMux.Part(
                half: open.measured, claimed: claims[place], isVouched: open.authenticity != .unauthenticated)
        }
        let mux = ClearMux(tools: tools, rules: rules, tolerance: tolerance, checks: checks)
        let (result, notes) = try await mux.make(parts, in: directory) { screen, length, soundLength in
            pair.offset(of: pair.screens[screen], lasting: length, soundLength: soundLength)
        } adjusted: { plan, track, tracks in
            try blanked(plan, pair, track, tracks)
        } labels: { shown in
            MuxLabels(
                recording: pair.reference.description,
                // What is not shown is no source.
                sources: ([pair.sound] + shown.map { pair.screens[$0] }).map {
                    MuxLabels.Source(
                        mediaID: $0.replica.content.replayMediaID ?? 0, digest: $0.replica.content.digest)
                }, madeBy: madeBy)
        }
        let sealed = try await encrypt(result, of: pair, in: directory)
        return Made(
            result: result, path: sealed?.path ?? result.path, byteCount: sealed?.byteCount ?? result.byteCount,
            keyID: sealed?.keyID, authenticity: Replica.Authenticity.weakest(of: opened.map(\.authenticity)),
            notes: leftOut.notes + notes, leftOut: leftOut.ids)
    }

    private func claimed(_ pair: MuxPair, _ half: MuxPair.Half) -> ClaimedLength? {
        comparesRowLengths ? pair.claimedLength(of: half) : nil
    }

    private func blanked(
        _ plan: MuxPlan, _ pair: MuxPair, _ sound: SoundTrack, _ screens: [ScreenTrack]
    ) throws -> MuxPlan {
        guard let blanking else { return plan }
        let masks = try pair.masks(blanking, soundLength: sound.duration)
        if masks.isEmpty { return plan }
        let names = pair.screens.map(\.role)
        func failure(_ refusal: MaskRefusal) -> MuxFailure {
            let failure = MuxFailure(what: refusal.text(screens: names), isTransient: false)
            return refusal.screen.map { MuxFailure(ofScreens: [names[$0]: failure]) } ?? failure
        }
        if let unplaced = pair.screens.firstIndex(where: { $0.media?.start == nil }) {
            throw failure(.unplaced(screen: unplaced))
        }
        do {
            return try plan.blanking(masks, sound: sound, screens: screens)
        } catch {
            throw failure(error.refusal)
        }
    }

    /// Encrypts a result again where a half was encrypted and the site wants that; nil otherwise.
    private func encrypt(
        _ result: MuxResult, of pair: MuxPair, in directory: FilePath
    ) async throws -> (path: FilePath, byteCount: Int64, keyID: String)? {
        guard let resultKey, pair.halves.contains(where: { $0.media?.keyID != nil }) else { return nil }
        let clear = try KernelFiles().openRegularFile(absolute: result.path).held().0
        let name = FilePath("result.mp4.p7m")
        let sealed = HeldFile(try KernelFiles().createNamed(name, beneath: directory))
        let made = try await resultKey.encryptor.encrypt(
            clear.descriptor, to: sealed.descriptor, role: "the muxed file")
        return (directory.appending("result.mp4.p7m"), made.byteCount, resultKey.id)
    }

    /// Opens and measures some at once: the sound, then the screens; nil for those that are left out.
    private func openAll(
        _ pair: MuxPair, in directory: FilePath, _ leftOut: inout LeftOut
    ) async throws -> [OpenHalf?] {
        let rule = leftOut
        let opened = try await atMost(MuxChecks.halvesAtOnce, of: pair.halves.enumerated()) {
            place, half -> Result<OpenHalf, any Error> in
            do {
                return .success(try await open(half, in: directory))
            } catch {
                guard place > 0 else { throw error }
                guard rule.takes(error, of: place - 1) else { throw rule.refusal(error, of: place - 1) }
                return .failure(error)
            }
        }
        for (place, one) in opened.enumerated() {
            if case .failure(let error) = one { try leftOut.add(place - 1, error) }
        }
        return opened.map { try? $0.get() }
    }

    private var checks: MuxChecks {
        MuxChecks(tools: tools, pictureCheck: pictureCheck, threads: threads, patience: patience)
    }

    /// A clear, readable half. It holds its descriptor open.
    private final class OpenHalf: Sendable {
        let measured: MuxChecks.Half
        let authenticity: Replica.Authenticity
        init(_ measured: MuxChecks.Half, authenticity: Replica.Authenticity) {
            self.measured = measured
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
            return try await measured(file, half, in: directory, authenticity: content.authenticity)
        }
        let clear = HeldFile(
            try KernelFiles().createNamed(FilePath("clear-\(half.replica.id.rawValue)"), beneath: directory))
        let envelope = try MuxWork.envelope(of: media).map { EnvelopePlace.detached(envelope: $0) } ?? .attached
        let decrypted = try await decryptor.decrypt(
            file.descriptor, envelope: envelope, to: clear.descriptor, role: half.role)
        return try await measured(
            clear, half, in: directory, authenticity: decrypted.isAuthenticated ? .cipher : content.authenticity)
    }

    /// - Parameter authenticity: what vouches for these clear bytes.
    private func measured(
        _ clear: HeldFile, _ half: MuxPair.Half, in directory: FilePath, authenticity: Replica.Authenticity
    ) async throws -> OpenHalf {
        let file = half.isRECD ? try await converted(clear, half, in: directory) : clear
        let container = try await checks.refuseCut(file, format: half.format, role: half.role)
        return OpenHalf(
            try await checks.measure(file, format: half.format, container: container, role: half.role),
            // Nothing vouches for what a converter wrote: all of it is decoded.
            authenticity: half.isRECD ? .unauthenticated : authenticity)
    }

    private func converted(
        _ clear: HeldFile, _ half: MuxPair.Half, in directory: FilePath
    ) async throws -> HeldFile {
        guard let converter else { throw NotMuxable() }
        let name = FilePath("converted-\(half.replica.id.rawValue)")
        let file = HeldFile(try KernelFiles().createNamed(name, beneath: directory))
        try await converter.convert(clear.descriptor, to: file.descriptor, role: half.role)
        return file
    }

    static func digest(_ descriptor: CInt, pulse: Pulse) throws -> Digest? {
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
}

extension Replica.Authenticity {
    /// Of what is made of several files: nothing vouches for it where nothing vouches for one of them.
    static func weakest(of all: [Replica.Authenticity]) -> Replica.Authenticity {
        allCases.first(where: all.contains) ?? .unauthenticated
    }
}

extension ReplayMedia {
    fileprivate var claimed: ClaimedTimes { ClaimedTimes(start: start, stop: stop) }
}

extension KernelFiles {
    /// A new file of our own, readable by nobody else.
    func createNamed(_ name: FilePath, beneath directory: FilePath) throws(FileError) -> OpenFile {
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
