package import Vocabulary

/// What of a source is synchronized: the source's switches in the settings.
package struct SourceSwitches: Hashable, Sendable {
    package var kinds: Set<MediaKind>
    package var copyFiles: Bool
    /// Screen recordings only where there is sound too.
    package var onlyMixed: Bool
    package var onlyFinished: Bool
    /// Leave captures that the recorder has not decoded.
    package var onlyProcessed: Bool
    package var allowMarkWithoutCopy: Bool
    /// Take recordings that have no media at all.
    package var withoutStreams: Bool
    /// Where index files may lie; empty where none are taken.
    package var indexFiles: [IndexPattern]

    package init(
        kinds: Set<MediaKind> = Set(MediaKind.allCases), copyFiles: Bool = true, onlyMixed: Bool = false,
        onlyFinished: Bool = true, onlyProcessed: Bool = true, allowMarkWithoutCopy: Bool = false,
        withoutStreams: Bool = false, indexFiles: [IndexPattern] = []
    ) {
        self.kinds = kinds
        self.copyFiles = copyFiles
        self.onlyMixed = onlyMixed
        self.onlyFinished = onlyFinished
        self.onlyProcessed = onlyProcessed
        self.allowMarkWithoutCopy = allowMarkWithoutCopy
        self.withoutStreams = withoutStreams
        self.indexFiles = indexFiles
    }
}

/// What the replay has of a recording: its rows, and which source files its replicas were made from.
package struct ReplayHolding: Hashable, Sendable {
    package var recording: ReplayRecording?
    /// Replay media row by the source media row it was copied from, where that still says what it said then.
    package var origins: [MediaOrigin: Int64]
    /// The same where the source's row says something else by now: its copy is of another file.
    package var outdated: [MediaOrigin: Int64]
    /// Rows that point at a source's own file, by the source media row they point at.
    package var pointers: [MediaOrigin: Pointer]
    /// Media rows at the replay that Takeup made by muxing: they never stand for a source's video.
    package var results: Set<Int64>
    /// Whether the replay's tools deleted the recording and left a tombstone.
    package var isRemoved: Bool
    /// Media rows that copies, pointers or tombstones name and that do not stand any more. Never a muxed result's.
    package var gone: [Int64: MediaKind] = [:]
    /// Those of them that the replay's tools removed on purpose: with a tombstone.
    package var removedMedia: Set<Int64> = []
    /// An operator wants back what the replay's tools took away. What was held before does not count then.
    package var isRestoring = false
    /// What the row of the recording claimed that a held copy came with, by the replay's media row.
    package var claims: [Int64: RecordingClaims] = [:]
    /// `calls.id` at the replay that the ledger has bound the source's call to.
    package var boundCall: Int64?
    /// Media rows at the replay that no copy of ours stands behind and that name a file in a recorder's own directory, as
    /// others made them: nothing of those is held here.
    package var strayPointers: Set<Int64> = []
    /// Rows whose copies an audit did not find as they were copied: nothing of those is held, for whichever source. Their
    /// origins are `outdated`.
    package var doubted: Set<Int64> = []
    /// What was measured of the replay's media, by media row.
    package var measures: [Int64: MediaMeasure] = [:]
    /// What was measured of the source's media as their rows are now, by media row.
    package var offers: [Int64: MediaMeasure] = [:]
    /// Nil where the replay can hold no voice tags, or none were asked for.
    package var voiceTags: VoiceTagHolding?
    package init(
        recording: ReplayRecording? = nil, origins: [MediaOrigin: Int64] = [:],
        outdated: [MediaOrigin: Int64] = [:], pointers: [MediaOrigin: Pointer] = [:], results: Set<Int64> = [],
        isRemoved: Bool = false
    ) {
        self.recording = recording
        self.origins = origins
        self.outdated = outdated
        self.pointers = pointers
        self.results = results
        self.isRemoved = isRemoved
    }
}

/// What a recording's row claims of its quality.
package struct RecordingClaims: Hashable, Sendable {
    package var problemStatus: String?
    package var isFinished: Bool
    /// Seconds.
    package var length: Int?
    package init(problemStatus: String?, isFinished: Bool, length: Int?) {
        self.problemStatus = problemStatus
        self.isFinished = isFinished
        self.length = length
    }
}

/// A media row of a source.
package struct MediaOrigin: Hashable, Sendable {
    package let source: SourceName
    package let mediaID: Int64
    package init(source: SourceName, mediaID: Int64) {
        self.source = source
        self.mediaID = mediaID
    }
}

/// What to do with one media row of a source.
package enum MediaStep: Hashable, Sendable {
    /// The replay has nothing like it.
    case copy(SourceMedia)
    /// The replay's is worse: the copy takes over its row.
    case replace(SourceMedia, replayMediaID: Int64)
    /// Both are there, and neither file was measured as it is now: only then can be told which is better.
    case measure(SourceMedia, replayMediaID: Int64)
    /// The replay's is the same file, or as good: nothing to copy.
    case keep(SourceMedia, isOwnCopy: Bool)
    /// Copying is off, and the replay has nothing like it: a new row points at the source's own file.
    case point(SourceMedia)
    /// The same, in the row of a pointer: to what is worse, or whose source row changed.
    case repoint(SourceMedia, replayMediaID: Int64)
    /// The replay's row points at this file, or at another source's that is as good. Nothing of it is held here.
    case keepPointer(SourceMedia, replayMediaID: Int64, isOwn: Bool)
    /// Not taken.
    case leave(SourceMedia, LeaveReason)

    package enum LeaveReason: String, Hashable, Sendable {
        case kindIsOff, screenWithoutSound
        /// Another Takeup muxed it of media that are rows of their own.
        case derived
        /// The replay's row points at a better file of another source; a copy of this one would take its place.
        case pointsAtBetter
        /// Copying is off, and what the replay holds is worse: no pointer takes its place.
        case betterThanHeld
        /// A capture that its recorder has not decoded.
        case notProcessed
        /// The replay's tools removed its row on purpose, and a copy of it as it is was held here.
        case removedAfterHeld
        /// The replay's tools removed the row that stood for its kind; no copy of it as it is was held here.
        case removedAtReplay
        /// The row of its copy is gone from the replay, and nothing says why.
        case lostAtReplay
    }
}

package struct ReconcilePlan: Hashable, Sendable {
    package var steps: [MediaStep]
    /// External data that the replay lacks.
    package var attach: [ExternalDatum]
    /// The mark that will be true once every step is durable; nil where the switches leave bytes uncopied and no
    /// mark is allowed.
    package var mark: Mark?
    /// The replay's recording may hang on another call than the source's shows: its commit brings them together.
    package var regroups = false
    package init(steps: [MediaStep], attach: [ExternalDatum], mark: Mark?) {
        self.steps = steps
        self.attach = attach
        self.mark = mark
    }

    /// Media to copy.
    package var copies: [SourceMedia] {
        steps.compactMap { step in
            switch step {
            case .copy(let media), .replace(let media, _): media
            case .measure, .keep, .point, .repoint, .keepPointer, .leave: nil
            }
        }
    }
}

/// Why a recording is not touched now.
package enum Hold: Hashable, Sendable {
    case notFinished
    /// Its recorder has decoded nothing of it.
    case notProcessed
    /// Without media, and `couples_without_streams` is off.
    case noStreams
    /// The replay's recording of this `sid` is another call: never replaced, never marked.
    case sidCollision
    /// Its rows are gone from the replay, and nothing says why.
    case removedAtReplay
    /// The source's tools already took its media away.
    case removedAtSource
}

package enum Reconciliation: Hashable, Sendable {
    case plan(ReconcilePlan)
    case hold(Hold)
    /// The replay's own tools took it away on purpose: nothing is brought, and nobody has to look. The mark is that of
    /// what was held here before; nil where that is not everything.
    case rest(mark: Mark?)
}

/// Compares a recording at a source with the replay's of the same `sid`, and says what to do.
package func reconcile(
    _ recording: SourceRecording, with holding: ReplayHolding, switches: SourceSwitches
) -> Reconciliation {
    if switches.onlyFinished && !recording.isFinished { return .hold(.notFinished) }
    if recording.isDeleted || recording.isArchived { return .hold(.removedAtSource) }
    if switches.onlyProcessed && !recording.isProcessed { return .hold(.notProcessed) }
    if recording.media.isEmpty && !switches.withoutStreams { return .hold(.noStreams) }
    // Copies without a recording: the replay's tools took the rows away, with a tombstone or without.
    let hadCopies = !holding.origins.isEmpty || !holding.outdated.isEmpty || !holding.pointers.isEmpty
    if holding.recording == nil && holding.isRemoved {
        return .rest(mark: markOfHeldBefore(recording, holding, switches))
    }
    if holding.recording == nil && hadCopies { return .hold(.removedAtReplay) }
    if let held = holding.recording {
        if held.isTakenAway && !holding.isRestoring {
            return .rest(mark: markOfHeldBefore(recording, holding, switches))
        }
        // What was brought from this very recording stays its own, however its recorder corrects the row.
        if !holding.hasOwn(of: recording), contradiction(of: recording, with: held) != nil {
            return .hold(.sidCollision)
        }
    }
    var steps: [MediaStep] = []
    var taken: Set<Int64> = []
    for media in recording.media.sorted(by: { $0.id < $1.id }) {
        steps.append(step(for: media, of: recording, holding: holding, switches: switches, taken: &taken))
    }
    let attach = recording.externalData.filter { holding.recording?.externalData.contains($0) != true }
    var plan = ReconcilePlan(
        steps: steps, attach: attach,
        mark: recording.isFinished ? mark(after: steps, attach: attach, holding, switches) : nil)
    if let held = holding.recording {
        // A call of one leg that nobody asked about yet has nothing to be brought together with.
        plan.regroups = holding.boundCall.map { $0 != held.callID } ?? (recording.call.legs.count > 1)
    }
    return .plan(plan)
}

/// Whether a recording whose media take the place of others also says what the replay's row says from then on: not where
/// the row is of a better recording, of which only one kind of media was worse.
package func isRowAdopted(of recording: SourceRecording, with holding: ReplayHolding) -> Bool {
    guard let held = holding.recording else { return true }
    let offered = StatusRank.rank(of: recording.problemStatus)
    let standing = StatusRank.rank(of: held.problemStatus)
    return holding.hasOwn(of: recording) || offered <= standing
}

extension ReplayHolding {
    /// Whether media rows at the replay were made of media rows of this very recording.
    func hasOwn(of recording: SourceRecording) -> Bool {
        recording.media.contains { media in
            let origin = MediaOrigin(source: recording.source, mediaID: media.id)
            return origins[origin] != nil || outdated[origin] != nil || pointers[origin] != nil
        }
    }
}

private func step(
    for media: SourceMedia, of recording: SourceRecording, holding: ReplayHolding, switches: SourceSwitches,
    taken: inout Set<Int64>
) -> MediaStep {
    if let reason = switches.leavesKind(of: media, of: recording) { return .leave(media, reason) }
    if isDerived(media, of: recording) { return .leave(media, .derived) }
    if let step = stepOfGone(media, of: recording, holding: holding, taken: &taken) { return step }
    guard switches.copyFiles else {
        return stepWithoutCopy(for: media, of: recording, holding: holding, taken: &taken)
    }
    if let own = holding.pointers[MediaOrigin(source: recording.source, mediaID: media.id)]?.replayMediaID,
        holding.recording?.media.contains(where: { $0.id == own }) == true
    {
        taken.insert(own)
        return .replace(media, replayMediaID: own)
    }
    if let own = holding.outdated[MediaOrigin(source: recording.source, mediaID: media.id)] {
        taken.insert(own)
        return .replace(media, replayMediaID: own)
    }
    if let own = holding.origins[MediaOrigin(source: recording.source, mediaID: media.id)] {
        taken.insert(own)
        return .keep(media, isOwnCopy: true)
    }
    guard let held = holding.recording, let rival = rival(of: media, of: recording, holding: holding, taken: taken)
    else { return .copy(media) }
    taken.insert(rival.id)
    if holding.isEmptied(rival) { return .replace(media, replayMediaID: rival.id) }
    let (offered, standing) = grades(media, of: recording, against: rival, of: held, holding)
    if holding.pointedRows.contains(rival.id) {
        // Of a pointer nothing is held: a copy that is no worse takes its row.
        return standing.advantage(over: offered) == nil
            ? .replace(media, replayMediaID: rival.id) : .leave(media, .pointsAtBetter)
    }
    if media.isMeasurable, holding.offers[media.id] == nil || holding.measures[rival.id] == nil {
        return .measure(media, replayMediaID: rival.id)
    }
    return offered.advantage(over: standing) == nil
        ? .keep(media, isOwnCopy: false) : .replace(media, replayMediaID: rival.id)
}

/// The replay's row that competes with a source's media: of its kind, and no sibling, which is a row that stands for
/// another file of this very recording.
func rival(
    of media: SourceMedia, of recording: SourceRecording, holding: ReplayHolding, taken: Set<Int64>
) -> ReplayMedia? {
    let rivals = (holding.recording?.media ?? []).filter {
        $0.kind == media.kind && !holding.results.contains($0.id) && !taken.contains($0.id)
    }
    if rivals.isEmpty { return nil }
    let siblings = Set(
        recording.media.compactMap { media in
            let origin = MediaOrigin(source: recording.source, mediaID: media.id)
            return holding.origins[origin] ?? holding.outdated[origin] ?? holding.pointers[origin]?.replayMediaID
        })
    return rivals.first { !siblings.contains($0.id) }
}

/// What a source offers, and what stands in the replay's row, by what was measured and by what their rows claim.
func grades(
    _ media: SourceMedia, of recording: SourceRecording, against rival: ReplayMedia, of held: ReplayRecording,
    _ holding: ReplayHolding
) -> (offered: Grade, standing: Grade) {
    let claims =
        holding.claims[rival.id]
        ?? RecordingClaims(
            problemStatus: held.problemStatus, isFinished: held.state == "FINISHED", length: held.length)
    return (
        Grade(
            of: RecordingClaims(recording), measure: holding.offers[media.id] ?? .unknown, claimedSize: media.size),
        Grade(of: claims, measure: holding.measures[rival.id] ?? .unknown, claimedSize: rival.size)
    )
}

/// Whether another Takeup made it of media that the recording has as rows of their own: those are taken, and this
/// replay makes its own. Without them it is the only screen that there is.
func isDerived(_ media: SourceMedia, of recording: SourceRecording) -> Bool {
    guard recording.isMixed, media.kind == .video, ReplicaPath.isMuxed(media.path) else { return false }
    return recording.media.contains { $0.kind == .audio }
        && recording.media.contains { $0.kind == .video && !ReplicaPath.isMuxed($0.path) }
}

extension SourceMedia {
    /// Whether measuring its file can tell more than its row: sound and screens in the clear.
    var isMeasurable: Bool {
        switch kind {
        case .audio, .video, .phoneVideo: keyID == nil
        case .mag, .archive, .image, .recd, .phoneVideoMag, .phoneVideoStream, .index: false
        }
    }
}

extension RecordingClaims {
    package init(_ recording: SourceRecording) {
        self.init(
            problemStatus: recording.problemStatus, isFinished: recording.isFinished, length: recording.length)
    }
}

extension Grade {
    fileprivate init(of claims: RecordingClaims, measure: MediaMeasure, claimedSize: Int64?) {
        self.init(
            measure: measure, statusRank: StatusRank.rank(of: claims.problemStatus), isFinished: claims.isFinished,
            claimedLength: claims.length.flatMap { $0 > 0 ? .seconds($0) : nil }, claimedSize: claimedSize)
    }
}

private func mark(
    after steps: [MediaStep], attach: [ExternalDatum], _ holding: ReplayHolding, _ switches: SourceSwitches
) -> Mark? {
    var isUsed = holding.recording == nil || !attach.isEmpty
    for step in steps {
        switch step {
        case .copy, .replace: isUsed = true
        // Nothing is known yet: the recording is planned again with what was measured.
        case .measure: return nil
        case .keep(_, let isOwnCopy): isUsed = isUsed || isOwnCopy
        case .leave(_, .derived): break
        case .leave(_, .removedAfterHeld): isUsed = true
        case .leave(_, .removedAtReplay), .leave(_, .lostAtReplay): return nil
        case .point, .repoint:
            guard switches.allowMarkWithoutCopy else { return nil }
            isUsed = true
        case .keepPointer(_, replayMediaID: _, let isOwn):
            guard switches.allowMarkWithoutCopy else { return nil }
            isUsed = isUsed || isOwn
        case .leave(let media, .notProcessed) where media.kind.isDecoded(in: steps.map(\.media)): break
        case .leave(_, .screenWithoutSound), .leave(_, .kindIsOff), .leave(_, .pointsAtBetter),
            .leave(_, .betterThanHeld), .leave(_, .notProcessed):
            guard switches.allowMarkWithoutCopy else { return nil }
        }
    }
    return isUsed ? .synchronized : .notUsed
}
