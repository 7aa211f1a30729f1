internal import Vocabulary

/// The sound of a recording. It is the clock: everything else is placed on its timeline.
package struct SoundTrack: Hashable, Sendable {
    /// Measured from the packets, not taken from a header or a row.
    package var duration: Duration
    /// How long it took on the recorder's clock, where a row tells.
    package var claimed: ClaimedLength?
    /// Whether the file shows that it has all that was written of it.
    package var isWhole: Bool
    /// As ffprobe names it: "mp3", "aac".
    package var codec: String
    /// Hertz.
    package var sampleRate: Int

    package init(
        duration: Duration, claimed: ClaimedLength? = nil, isWhole: Bool = false, codec: String, sampleRate: Int
    ) {
        self.duration = duration
        self.claimed = claimed
        self.isWhole = isWhole
        self.codec = codec
        self.sampleRate = sampleRate
    }
}

/// What the pictures of a screen are like.
package struct PictureFormat: Hashable, Sendable {
    /// As ffprobe names them: "h264", "yuv420p".
    package var codec: String
    package var pixelFormat: String
    package var width: Int
    package var height: Int
    /// As ffprobe names it: "Main"; empty where unknown.
    package var profile: String
    package var isInterlaced: Bool
    /// Whether pictures are decoded in another order than they are shown: none may be cut from the others then.
    package var isReordered: Bool
    /// Pictures a second; 0 where unknown.
    package var frameRate: Double
    /// A digest of the codec's parameter sets. Only streams with equal ones can be joined without encoding.
    package var parameters: String?

    package init(
        codec: String, pixelFormat: String, profile: String = "", isInterlaced: Bool = false,
        isReordered: Bool = false, width: Int, height: Int, frameRate: Double, parameters: String? = nil
    ) {
        self.codec = codec
        self.pixelFormat = pixelFormat
        self.profile = profile
        self.isInterlaced = isInterlaced
        self.isReordered = isReordered
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.parameters = parameters
    }
}

/// One screen file of a recording.
package struct ScreenTrack: Hashable, Sendable {
    /// From the start of the sound to its own start; negative where the screen began first.
    package var offset: Duration
    /// How far `offset` may be off, either way.
    package var uncertainty: Duration
    /// Measured.
    package var duration: Duration
    /// How long it took on the recorder's clock, where a row tells.
    package var claimed: ClaimedLength?
    /// Whether the file shows that it has all that was written of it.
    package var isWhole: Bool
    /// How long one picture stands before the next at most.
    package var longestStill: Duration
    package var picture: PictureFormat

    package init(
        offset: Duration, uncertainty: Duration = .zero, duration: Duration, claimed: ClaimedLength? = nil,
        isWhole: Bool = false, longestStill: Duration = .zero, picture: PictureFormat
    ) {
        self.offset = offset
        self.uncertainty = uncertainty
        self.duration = duration
        self.claimed = claimed
        self.isWhole = isWhole
        self.longestStill = longestStill
        self.picture = picture
    }
}

package struct ArrangeRules: Hashable, Sendable {
    package enum Padding: String, CaseIterable, Hashable, Sendable {
        /// Black pictures.
        case black
        /// The first picture before a screen, the last one behind it until the next begins.
        case still
    }

    /// `max_overlap_allowed`: how much of an earlier screen the next may cut away.
    package var mostOverlap: Duration
    package var padding: Padding
    /// Keep mp3 where mp4 allows it, rather than encode to AAC, which plays everywhere.
    package var keepsMP3: Bool
    /// A start this near to the sound's is the same moment.
    package var startTolerance = Duration.milliseconds(20)
    /// A screen that began before the sound by no more than this, and by no more than is uncertain, is not cut for it: that
    /// would cost encoding, and may be wrong.
    package var mostUncutLead = Duration.milliseconds(500)
    /// A screen that ends at most this much before the sound keeps its last picture instead of padding.
    package var endTolerance = Duration.milliseconds(500)
    /// A gap between two screens that is no longer than this is not padded: the last picture stands.
    package var mostUnpaddedGap = Duration.milliseconds(100)
    /// The largest difference of two clocks, as a fraction of what the row says, that is taken for drift.
    package var mostDrift = 0.02
    /// What is short of its row by more than this, and by more than can drift, has lost a part.
    package var leastShortage = Duration.seconds(2)

    package init(mostOverlap: Duration = .seconds(1), padding: Padding = .black, keepsMP3: Bool = false) {
        self.mostOverlap = mostOverlap
        self.padding = padding
        self.keepsMP3 = keepsMP3
    }
}

/// How a sound and its screens become one file: what is shown when, and what is copied or encoded and why.
package struct MuxPlan: Hashable, Sendable {
    package struct Piece: Hashable, Sendable {
        package enum Content: Hashable, Sendable {
            case padding
            /// The screen given at this index, from this time of its own on, its times multiplied by `stretch`.
            case screen(Int, from: Duration, stretch: Double)
        }
        package var content: Content
        /// On the sound's timeline.
        package var start: Duration
        package var duration: Duration

        package init(_ content: Content, start: Duration, duration: Duration) {
            self.content = content
            self.start = start
            self.duration = duration
        }
        package var end: Duration { start + duration }
        package var isPadding: Bool { content == .padding }
    }

    package enum Treatment: Hashable, Sendable {
        case copy
        case encode(EncodeReason)
    }

    package enum EncodeReason: String, Hashable, Sendable {
        case soundNotLegal = "mp4 allows this sound codec not at this rate"
        case soundNotPortable = "not every player takes this sound codec in mp4"
        case pictureNotPortable = "not every player takes this picture codec in mp4"
        case headCut = "the screen began before the sound, and a picture stream can only be cut at its key pictures"
        case tailCut = "the next screen overlaps pictures that need later ones"
        case differentPictures = "the screens differ in size or codec parameters"
        /// Found out while muxing: what is joined behind it would be decoded by them.
        case changingParameters = "a screen changes its codec parameters on the way"
        /// Found out while muxing: padding that was encoded for the screen does not join with it.
        case paddingDiffers = "black padding with the codec parameters of the screen could not be made"
        /// Found out while verifying.
        case copyUnfit = "the copied pictures did not pass verification"
        case masked = "pictures are blanked while the sound was masked"
    }

    /// The screen at this index is not shown, and why.
    package struct NotShown: Hashable, Sendable {
        package enum Reason: String, Hashable, Sendable {
            case beforeSound = "it ended before the sound began"
            case afterSound = "it began after the sound ended"
            case covered = "the next screen covers it"
        }
        package let screen: Int
        package let reason: Reason
        package init(screen: Int, reason: Reason) {
            self.screen = screen
            self.reason = reason
        }
    }

    /// An overlap that was cut from the earlier screen.
    package struct Cut: Hashable, Sendable {
        package let earlier: Int
        package let later: Int
        package let overlap: Duration
        package init(earlier: Int, later: Int, overlap: Duration) {
            self.earlier = earlier
            self.later = later
            self.overlap = overlap
        }
    }

    /// A length that differs from its row's, and nothing tells why: times were left as they are.
    package struct Unexplained: Hashable, Sendable {
        /// Nil for the sound.
        package let screen: Int?
        package let measured: Duration
        package let claimed: Duration
        package init(screen: Int?, measured: Duration, claimed: Duration) {
            self.screen = screen
            self.measured = measured
            self.claimed = claimed
        }
    }

    /// Of the result; the sound's own.
    package var duration: Duration
    /// In order, without gap or overlap, from zero to at most ``ArrangeRules/endTolerance`` before the end.
    package var pieces: [Piece]
    package var padding: ArrangeRules.Padding
    package var sound: Treatment
    package var picture: Treatment
    /// Of the result's pictures where they are encoded; both even.
    package var width: Int
    package var height: Int
    /// Pictures a second where they are encoded.
    package var frameRate: Int
    package var notShown: [NotShown]
    package var cuts: [Cut]
    package var unexplained: [Unexplained] = []
    /// Halves whose times were stretched to their rows.
    package var stretched: [Unexplained] = []
    /// How the sound's clock ran against the recorder's, in which offsets are told.
    package var soundPace = 1.0
    /// In order, apart from each other: where nothing may be seen. Their pictures are encoded.
    package var blanked: [BlankedSpan] = []
}

extension MuxPlan {
    /// What who plays the result cannot see, and should know.
    ///
    /// - Parameter names: how each screen is called, by its index.
    package func notes(screens names: [String] = []) -> [String] {
        let absent = notShown.map { "\(halfName($0.screen, names)) is not shown: \($0.reason.rawValue)" }
        let cut = cuts.map {
            "\(halfName($0.earlier, names)) is cut by \($0.overlap.inSeconds) s, where \(halfName($0.later, names)) begins"
        }
        return absent + cut
            + unexplained.map {
                "\(halfName($0.screen, names)) lasts \($0.measured.inSeconds) s, and its row says \($0.claimed.inSeconds) s"
            }
            + stretched.map {
                "\(halfName($0.screen, names)) lasts \($0.measured.inSeconds) s, and its row says \($0.claimed.inSeconds) s: its "
                    + "clock is taken to have run wrong"
            }
    }
}

/// - Parameter screen: nil for the sound.
private func halfName(_ screen: Int?, _ names: [String]) -> String {
    screen.map { names.indices.contains($0) ? names[$0] : "screen \($0 + 1)" } ?? "the sound"
}

package enum ArrangeDecision: Hashable, Sendable {
    case mux(MuxPlan)
    case refuse(ArrangeRefusal)
}

package enum ArrangeRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case noSound
    case noScreen
    /// This screen shows nothing at all.
    case empty(Int)
    /// No screen shows anything of the time in which there is sound.
    case nothingToShow([MuxPlan.NotShown])
    /// Two screens, by their index, overlap by more than ``ArrangeRules/mostOverlap``.
    case overlap(earlier: Int, later: Int, by: Duration)
    /// A half, the sound where `screen` is nil, lacks more of what its row says than any clock explains.
    case short(screen: Int?, measured: Duration, claimed: Duration)

    package var description: String { text(screens: []) }

    /// - Parameter names: how each screen is called, by its index.
    package func text(screens names: [String]) -> String {
        func name(_ index: Int?) -> String { halfName(index, names) }
        return switch self {
        case .noSound: "the sound has no length"
        case .noScreen: "there is no screen"
        case .empty(let screen): "\(name(screen)) is damaged: it has no pictures, or none that last"
        case .nothingToShow(let screens):
            "no screen lies within the sound: "
                + screens.map { "\(name($0.screen)): \($0.reason.rawValue)" }.joined(separator: "; ")
        case .overlap(let earlier, let later, let overlap):
            "\(name(earlier)) and \(name(later)) overlap by \(overlap.inSeconds) s, more than max_overlap_allowed"
        case .short(let screen, let measured, let claimed):
            "\(name(screen)) lasts \(measured.inSeconds) s, and its row says \(claimed.inSeconds) s: a part of it is missing, or "
                + "the row is wrong (mux.compare_row_lengths = false, where a recorder's rows tell of the call)"
        }
    }
}

extension ArrangeRefusal {
    /// The screen without which the others may go: of two that overlap the one that shows less, and the later of two alike.
    /// Nil where it is not one screen's.
    package func screen(of screens: [ScreenTrack]) -> Int? {
        switch self {
        case .noSound, .noScreen, .nothingToShow: nil
        case .empty(let screen): screen
        case .short(let screen, measured: _, claimed: _): screen
        case .overlap(let earlier, let later, by: _):
            screens[later].duration <= screens[earlier].duration ? later : earlier
        }
    }
}

/// Places the screens on the sound's timeline.
package func arrange(
    _ sound: SoundTrack, screens: [ScreenTrack], rules: ArrangeRules = ArrangeRules()
) -> ArrangeDecision {
    guard sound.duration > .zero else { return .refuse(.noSound) }
    guard !screens.isEmpty else { return .refuse(.noScreen) }
    let lengths: Lengths
    switch compareLengths(sound, screens, rules: rules) {
    case .success(let found): lengths = found
    case .failure(let refusal): return .refuse(refusal)
    }
    var notShown: [MuxPlan.NotShown] = []
    let placed = place(screens, on: sound, lengths, rules: rules, notShown: &notShown)
    var shown: [MuxPlan.Piece] = []
    var cuts: [MuxPlan.Cut] = []
    for piece in placed {
        if let earlier = shown.last, let one = earlier.screen, let other = piece.screen, earlier.end > piece.start {
            let overlap = earlier.end - piece.start
            guard overlap <= rules.mostOverlap else {
                return .refuse(.overlap(earlier: one, later: other, by: overlap))
            }
            shown.removeLast()
            if earlier.start < piece.start {
                shown.append(
                    MuxPlan.Piece(earlier.content, start: earlier.start, duration: piece.start - earlier.start))
                cuts.append(MuxPlan.Cut(earlier: one, later: other, overlap: overlap))
            } else {
                notShown.append(MuxPlan.NotShown(screen: one, reason: .covered))
            }
        }
        shown.append(piece)
    }
    guard !shown.isEmpty else { return .refuse(.nothingToShow(notShown)) }
    let pictures = shown.compactMap { $0.screen.map { screens[$0].picture } }
    return .mux(
        MuxPlan(
            duration: sound.duration, pieces: padded(shown, to: sound.duration, rules: rules), padding: rules.padding,
            sound: soundTreatment(sound, rules: rules),
            picture: pictureTreatment(shown, pictures, cuts: cuts, of: screens),
            width: even(pictures.map(\.width).max() ?? 0), height: even(pictures.map(\.height).max() ?? 0),
            frameRate: frameRate(pictures), notShown: notShown.sorted { $0.screen < $1.screen }, cuts: cuts,
            unexplained: lengths.unexplained, stretched: lengths.stretched, soundPace: 1 / lengths.sound))
}

/// How the clocks of the files ran, as their lengths show.
private struct Lengths {
    /// Of the recorder's seconds for one of its own.
    var sound = 1.0
    /// The same of each screen.
    var screens: [Double] = []
    var unexplained: [MuxPlan.Unexplained] = []
    var stretched: [MuxPlan.Unexplained] = []
}

private func compareLengths(
    _ sound: SoundTrack, _ screens: [ScreenTrack], rules: ArrangeRules
) -> Result<Lengths, ArrangeRefusal> {
    var lengths = Lengths()
    func pace(
        _ finding: LengthFinding, _ screen: Int?, _ measured: Duration, _ claimed: ClaimedLength?
    ) throws(ArrangeRefusal) -> Double {
        let claimed = claimed?.length ?? .zero
        switch finding {
        case .agrees: return 1
        case .drift(let pace):
            lengths.stretched.append(MuxPlan.Unexplained(screen: screen, measured: measured, claimed: claimed))
            return pace
        case .unexplained:
            lengths.unexplained.append(MuxPlan.Unexplained(screen: screen, measured: measured, claimed: claimed))
            return 1
        case .short: throw .short(screen: screen, measured: measured, claimed: claimed)
        }
    }
    do throws(ArrangeRefusal) {
        let found = LengthFinding(
            claimed: sound.claimed, measured: sound.duration, isWhole: sound.isWhole, rules: rules)
        lengths.sound = try pace(found, nil, sound.duration, sound.claimed)
        for (index, screen) in screens.enumerated() {
            guard screen.duration > .zero else { throw .empty(index) }
            let found = LengthFinding(
                claimed: screen.claimed, measured: screen.duration, isWhole: screen.isWhole,
                longestStill: screen.longestStill, rules: rules)
            lengths.screens.append(try pace(found, index, screen.duration, screen.claimed))
        }
        return .success(lengths)
    } catch {
        return .failure(error)
    }
}

extension MuxPlan.Piece {
    package var screen: Int? {
        switch content {
        case .padding: nil
        case .screen(let index, from: _, stretch: _): index
        }
    }
}

/// Each screen's part of the sound's timeline, by start; overlaps are left in.
private func place(
    _ screens: [ScreenTrack], on sound: SoundTrack, _ lengths: Lengths, rules: ArrangeRules,
    notShown: inout [MuxPlan.NotShown]
) -> [MuxPlan.Piece] {
    // How the sound's clock runs against the recorder's, in which the offsets are told.
    let soundPace = 1 / lengths.sound
    var pieces: [MuxPlan.Piece] = []
    for (index, screen) in screens.enumerated() {
        let stretch = lengths.screens[index] * soundPace
        var start = scaled(screen.offset, by: soundPace)
        if abs(start) <= rules.startTolerance { start = .zero }
        if start < .zero, .zero - start <= min(screen.uncertainty, rules.mostUncutLead) { start = .zero }
        let end = start + scaled(screen.duration, by: stretch)
        if end <= .zero {
            notShown.append(MuxPlan.NotShown(screen: index, reason: .beforeSound))
        } else if start >= sound.duration {
            notShown.append(MuxPlan.NotShown(screen: index, reason: .afterSound))
        } else {
            let from = start < .zero ? scaled(.zero - start, by: 1 / stretch) : .zero
            let visible = max(start, .zero)
            pieces.append(
                MuxPlan.Piece(
                    .screen(index, from: from, stretch: stretch), start: visible,
                    duration: min(end, sound.duration) - visible))
        }
    }
    return pieces.sorted { ($0.start, $0.screen ?? 0) < ($1.start, $1.screen ?? 0) }
}

private func padded(_ shown: [MuxPlan.Piece], to end: Duration, rules: ArrangeRules) -> [MuxPlan.Piece] {
    var pieces: [MuxPlan.Piece] = []
    var cursor = Duration.zero
    for piece in shown {
        if let last = pieces.last, piece.start - cursor <= rules.mostUnpaddedGap {
            pieces[pieces.count - 1].duration = piece.start - last.start
        } else if piece.start > cursor {
            pieces.append(MuxPlan.Piece(.padding, start: cursor, duration: piece.start - cursor))
        }
        pieces.append(piece)
        cursor = piece.end
    }
    if end - cursor > rules.endTolerance {
        pieces.append(MuxPlan.Piece(.padding, start: cursor, duration: end - cursor))
    }
    return pieces
}

private func soundTreatment(_ sound: SoundTrack, rules: ArrangeRules) -> MuxPlan.Treatment {
    if sound.codec == "aac" { return .copy }
    guard sound.codec == "mp3", rules.keepsMP3 else { return .encode(.soundNotPortable) }
    // ISO/IEC 14496-3 registers MPEG-1 and MPEG-2 audio for mp4; 8, 11.025 and 12 kHz are MPEG-2.5, which is neither.
    return sound.sampleRate >= 16_000 ? .copy : .encode(.soundNotLegal)
}

private func pictureTreatment(
    _ shown: [MuxPlan.Piece], _ pictures: [PictureFormat], cuts: [MuxPlan.Cut], of screens: [ScreenTrack]
) -> MuxPlan.Treatment {
    guard pictures.allSatisfy(\.playsEverywhere) else { return .encode(.pictureNotPortable) }
    for piece in shown {
        if case .screen(_, let from, _) = piece.content, from > .zero { return .encode(.headCut) }
    }
    if cuts.contains(where: { screens[$0.earlier].picture.isReordered }) { return .encode(.tailCut) }
    guard let first = pictures.first else { return .copy }
    let areAlike = pictures.allSatisfy {
        $0.width == first.width && $0.height == first.height && $0.parameters == first.parameters
    }
    guard areAlike, pictures.count == 1 || first.parameters != nil else { return .encode(.differentPictures) }
    return .copy
}

extension PictureFormat {
    /// Whether common players and browsers take it in an mp4.
    fileprivate var playsEverywhere: Bool {
        let profiles = ["Constrained Baseline", "Baseline", "Main", "Constrained High", "Progressive High", "High", ""]
        return codec == "h264" && ["yuv420p", "yuvj420p"].contains(pixelFormat) && profiles.contains(profile)
            && !isInterlaced
    }
}

/// At least 25, so that a start falls within 20 ms of a picture; at most 60.
private func frameRate(_ pictures: [PictureFormat]) -> Int {
    let fastest = pictures.map(\.frameRate).filter(\.isFinite).max() ?? 0
    return Int(min(60, max(25, fastest.rounded(.up))))
}

private func even(_ number: Int) -> Int { number + number % 2 }

private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }

func scaled(_ duration: Duration, by factor: Double) -> Duration {
    factor == 1 ? duration : .microseconds(Int64((Double(duration.wholeMicroseconds) * factor).rounded()))
}
