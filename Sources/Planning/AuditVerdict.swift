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
    }
}

/// A medium that is marked and not held.
package struct LackingMedia: Hashable, Sendable {
    package var media: SourceMedia
    /// `cfiles.id` at the replay of the row whose place it takes.
    package var replaces: Int64?
    package init(_ media: SourceMedia, replaces: Int64?) {
        self.media = media
        self.replaces = replaces
    }
}

/// Judges a marked recording by what the replay has of it. That the recorder has deleted or archived its media since is no
/// excuse: the mark let it.
package func auditVerdict(
    on recording: SourceRecording, with holding: ReplayHolding, switches: SourceSwitches
) -> AuditVerdict {
    switch recording.mark {
    case .erroneous, .failed: return .givenUp
    case .synchronized, .notUsed, nil: break
    }
    var switches = switches
    switches.onlyFinished = false
    switches.withoutStreams = true
    switch reconcile(recording.asBeforeRetention, with: holding, switches: switches) {
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
        var media: [LackingMedia] = []
        var rows = holding.recording == nil || !plan.attach.isEmpty
        for step in plan.steps {
            switch step {
            case .copy(let lacking): media.append(LackingMedia(lacking, replaces: nil))
            case .replace(let lacking, let row): media.append(LackingMedia(lacking, replaces: row))
            case .point, .repoint: rows = true
            case .leave(let lacking, .pointsAtBetter) where !switches.allowMarkWithoutCopy:
                media.append(LackingMedia(lacking, replaces: nil))
            case .measure, .keep, .keepPointer, .leave: break
            }
        }
        return media.isEmpty && !rows ? .held : .lacking(.init(media: media, metadata: rows))
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
