package import Vocabulary

/// What an audit makes of a recording that carries a mark at its source.
package enum AuditVerdict: Hashable, Sendable {
    /// Everything that the mark promises is here.
    case held
    /// The replay's own tools removed or archived it: what they did stands.
    case letGo
    /// Given up with mark E, which promises nothing.
    case givenUp
    /// Something that the mark promises is not here.
    case lacking(Lacking)
    /// Copies are on record, and the replay's rows are gone without a tombstone.
    case rowsGone
    /// The replay has another call under its `sid`.
    case collision

    package struct Lacking: Hashable, Sendable {
        package var media: [LackingMedia]
        /// Rows or external data are lacking.
        package var metadata: Bool
        package init(media: [LackingMedia], metadata: Bool) {
            self.media = media
            self.metadata = metadata
        }

        /// Whether all that it lacks are copies that came from others: these were better, and are to come first again.
        package func isOfOthers(than source: SourceName, with holding: ReplayHolding) -> Bool {
            !media.isEmpty
                && media.allSatisfy { lacking in
                    guard let row = lacking.replaces, holding.doubted.contains(row) else { return false }
                    return holding.outdated[MediaOrigin(source: source, mediaID: lacking.media.id)] != row
                }
        }
    }
}

/// A medium that is marked and not held.
package struct LackingMedia: Hashable, Sendable {
    package var media: SourceMedia
    /// `cfiles.id` at the replay of the row whose place it takes.
    package var replaces: Int64?
    /// Whether today's switches leave it: it may have been collected while they did not, or never.
    package var isLeft: Bool
    package init(_ media: SourceMedia, replaces: Int64?, isLeft: Bool = false) {
        self.media = media
        self.replaces = replaces
        self.isLeft = isLeft
    }
}

/// Judges a marked recording by what the replay has of it. That the recorder has deleted or archived its media since is no
/// excuse: the mark let it. Nor are today's switches, as others may have been in force when it was marked; only what they
/// leave counts for nothing where marks without copies are allowed. A capture that was decoded is represented by what was
/// made of it.
package func auditVerdict(
    on recording: SourceRecording, with holding: ReplayHolding, switches: SourceSwitches
) -> AuditVerdict {
    switch recording.mark {
    case .erroneous, .failed: return .givenUp
    case .synchronized, .notUsed, nil: break
    }
    switch reconcile(recording.asBeforeRetention, with: holding, switches: switches.promising) {
    case .hold(let hold):
        switch hold {
        case .removedAtReplay: return .rowsGone
        case .sidCollision: return .collision
        case .notFinished, .notProcessed, .noStreams, .removedAtSource: return .held
        }
    case .rest: return .letGo
    case .plan(let plan):
        let isLost = plan.steps.contains { step in
            if case .leave(_, .lostAtReplay) = step { true } else { false }
        }
        if isLost { return .rowsGone }
        return lacking(by: plan, of: recording, with: holding, switches: switches).map(AuditVerdict.lacking) ?? .held
    }
}

private func lacking(
    by plan: ReconcilePlan, of recording: SourceRecording, with holding: ReplayHolding, switches: SourceSwitches
) -> AuditVerdict.Lacking? {
    var media: [LackingMedia] = []
    func add(_ lacking: SourceMedia, replaces: Int64?) {
        let isLeft = switches.leaves(lacking, of: recording)
        if isLeft && lacking.kind.isDecoded(in: recording.media) { return }
        media.append(LackingMedia(lacking, replaces: replaces, isLeft: isLeft))
    }
    var rows = holding.recording == nil || !plan.attach.isEmpty
    for step in plan.steps {
        switch step {
        case .copy(let lacking): add(lacking, replaces: nil)
        case .replace(let lacking, let row): add(lacking, replaces: row)
        case .point, .repoint: rows = true
        case .leave(let lacking, .pointsAtBetter) where !switches.allowMarkWithoutCopy: add(lacking, replaces: nil)
        case .measure, .keep, .keepPointer, .leave: break
        }
    }
    return media.isEmpty && !rows ? nil : .init(media: media, metadata: rows)
}

extension SourceSwitches {
    /// What a mark promises, whatever is switched off by now; less only where marks without copies are allowed.
    fileprivate var promising: SourceSwitches {
        var promising =
            allowMarkWithoutCopy ? self : SourceSwitches(onlyProcessed: false, indexFiles: indexFiles)
        promising.onlyFinished = false
        promising.withoutStreams = true
        return promising
    }

    /// Whether they leave a medium at its source.
    fileprivate func leaves(_ media: SourceMedia, of recording: SourceRecording) -> Bool {
        !copyFiles || leavesKind(of: media, of: recording) != nil
    }

    /// Why they do not take it; nil where they do.
    func leavesKind(of media: SourceMedia, of recording: SourceRecording) -> MediaStep.LeaveReason? {
        guard kinds.contains(media.kind) else { return .kindIsOff }
        if onlyProcessed && media.kind.isRaw { return .notProcessed }
        let isScreen = media.kind == .video || media.kind == .recd
        if onlyMixed && isScreen && !recording.media.contains(where: { $0.kind == .audio }) {
            return .screenWithoutSound
        }
        return nil
    }
}

extension SourceRecording {
    /// As it was before the recorder's tools took its media away.
    package var asBeforeRetention: SourceRecording {
        var before = self
        before.isDeleted = false
        before.isArchived = false
        return before
    }
}
