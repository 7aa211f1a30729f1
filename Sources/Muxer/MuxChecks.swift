internal import Files
internal import Media
internal import Planning
internal import Settings
internal import Vocabulary

/// Measuring and decoding of what is to be muxed.
struct MuxChecks: Sendable {
    let tools: MediaTools
    let pictureCheck: MuxSettings.PictureCheck
    /// For reading replicas: a volume can hang.
    let threads: FileThreads
    let patience: Duration

    /// Halves of one job that are opened, measured or decoded at a time: each may be a process.
    static let halvesAtOnce = 4
    /// What is no longer than this, all together, is decoded by one process.
    private static let mostAtOnce = Duration.seconds(60)

    /// A clear half, open, with what was measured of it.
    struct Half: Sendable {
        let file: HeldFile
        let role: String
        let input: MuxInput
        /// Whether it shows that it has all that was written of it.
        let isWhole: Bool

        fileprivate var length: Duration { input.facts.streams.map(\.duration).max() ?? .zero }
    }

    /// Measures a half without a tool where it is of the plain kind, and by ffprobe where it is not. Throws ``MuxFailure``
    /// where it has less than it says itself.
    func measure(
        _ file: HeldFile, format: MediaFormat, container: Wholeness, role: String
    ) async throws -> Half {
        let quick = try await threads.run(timeout: patience) { pulse in
            try QuickProbe.read(file.descriptor, format: format, role: role) { () throws(MediaError) in
                do {
                    try pulse.beat()
                } catch {
                    throw MediaError(.cancelled, doing: "probe \(role)", reason: "nobody waits for it any more")
                }
            }
        }
        let facts: MediaFacts
        if let quick {
            facts = quick.facts
        } else {
            facts = try await tools.probe(file.descriptor, format: format, role: role)
        }
        let proof = try await threads.run(timeout: patience) { _ in
            try LengthProof.of(file.descriptor, format: format, facts: facts, quick: quick, role: role)
        }
        let isWhole: Bool
        switch proof {
        case .whole: isWhole = true
        case .silent: isWhole = format == .wav && container == .whole
        case .fewer(let found, let announced):
            throw MuxFailure(
                what: "\(role) is damaged: it holds \(found) of the \(announced) frames that it announces",
                isTransient: false)
        }
        return Half(
            file: file, role: role,
            input: MuxInput(descriptor: file.descriptor, format: format, facts: facts, quick: quick), isWhole: isWhole)
    }

    /// Refuses a half whose end is missing: a decoder need not see that, and the result would hide it. What its container
    /// says of it. Throws ``MuxFailure``.
    func refuseCut(_ file: HeldFile, format: MediaFormat, role: String) async throws -> Wholeness {
        let name = FilePath("media.\(format.rawValue)")
        let wholeness = try await threads.run(timeout: patience) { _ in
            try Container.check(file.descriptor, name: name)
        }
        switch wholeness {
        case .whole, .unknown: return wholeness
        // What stands before or between is a decoder's to judge.
        case .broken(.otherFormat), .broken(.garbage): return wholeness
        case .broken(let fault): throw MuxFailure(what: "\(role) is damaged: \(fault)", isTransient: false)
        }
    }

    /// Damage that a decoder sees never becomes a result: of tampered CBC ciphertext nothing else shows.
    ///
    /// All of the sound is decoded, and of each screen what the setting says, some at once; all of one that nothing else
    /// vouches for. Throws ``MuxFailure``, of screens where the sound is sound.
    func refuseDamaged(sound: Half, screens: [(half: Half, isVouched: Bool)]) async throws {
        let all =
            [(sound, stretch(.sound, of: sound, .all))]
            + screens.map { ($0.half, stretch(.picture, of: $0.half, extent(of: $0.half, isVouched: $0.isVouched))) }
        // What is short takes less than the tool's start. Where something is wrong, each by itself says whose it is.
        let length = all.reduce(Duration.zero) { $0 + $1.0.length }
        var complaint: String?
        var isDamageSeen = false
        if length <= MuxChecks.mostAtOnce {
            do {
                let report = try await tools.decode(all.map(\.1), doing: "decode sound and screens")
                if report.isClean { return }
                (complaint, isDamageSeen) = (report.firstComplaint ?? "they do not decode", true)
            } catch {
                // All at once take more memory and time than each by itself, which is asked for now.
                if error.code != .toolStarved, error.isTransient { throw error }
            }
        }
        let isConfirmed = isDamageSeen
        let refused = try await atMost(MuxChecks.halvesAtOnce, of: all.enumerated()) { place, one -> (any Error)? in
            do {
                try await refuseDamaged(one.0, one.1, isConfirmed: isConfirmed)
                return nil
            } catch {
                guard place > 0, !MuxService.isCancellation(error) else { throw error }
                return error
            }
        }
        let ofScreens = zip(all, refused).compactMap { one, error in error.map { (one.0.role, $0) } }
        if !ofScreens.isEmpty {
            throw MuxFailure(ofScreens: Dictionary(ofScreens, uniquingKeysWith: { first, _ in first }))
        }
        if let complaint {
            throw MuxFailure(
                what: "decoded together, sound and screens showed what none shows by itself: \(complaint)",
                isTransient: true)
        }
    }

    /// - Parameter isConfirmed: damage was seen before: to be seen by itself once is enough. Else it is decoded again, as a
    ///   machine's fault passes, and a file's does not.
    private func refuseDamaged(_ half: Half, _ stretch: DecodeStretch, isConfirmed: Bool) async throws {
        let report = try await tools.decode([stretch], doing: "decode \(half.role)")
        if report.isClean { return }
        let complaint = report.firstComplaint ?? "it does not decode"
        if !isConfirmed, try await tools.decode([stretch], doing: "decode \(half.role) again").isClean {
            throw MuxFailure(
                what: "\(half.role) decoded with errors once, and without the next time: \(complaint)",
                isTransient: true)
        }
        throw MuxFailure(what: "\(half.role) is damaged: \(complaint)", isTransient: false)
    }

    /// Damage of a picture between key pictures shows only where it is decoded; where something vouches for the file there is
    /// none that was not there when that was made.
    func extent(of screen: Half, isVouched: Bool) -> DecodeStretch.Extent {
        // A short one is decoded in no time.
        let isShort = screen.input.facts.picture?.duration ?? .zero <= .seconds(8)
        switch pictureCheck {
        case .all: return .all
        case .unvouched: return isVouched && !isShort ? .keyPictures : .all
        case .joins: return isShort ? .all : .keyPictures
        }
    }

    private func stretch(
        _ kind: StreamFacts.Kind, of half: Half, _ extent: DecodeStretch.Extent
    ) -> DecodeStretch {
        let stream = kind == .picture ? half.input.facts.picture : half.input.facts.sound
        return DecodeStretch(
            kind, of: half.input.descriptor, format: half.input.format, stream: stream?.index, extent: extent)
    }
}
