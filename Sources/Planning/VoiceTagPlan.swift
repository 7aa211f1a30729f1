package import Vocabulary

/// What the replay has to do with voice tags: where it can hold any.
package struct VoiceTagHolding: Hashable, Sendable {
    /// By the replay's media row.
    package var standing: [Int64: Set<SpokenPhrase>]
    /// Phrases that the replay has, of those that were asked for.
    package var phrases: Set<PhraseText>
    /// Phrases that the replay had and has no more, of those that were asked for: what it removed stays removed.
    package var removed: Set<PhraseText>
    package init(
        standing: [Int64: Set<SpokenPhrase>] = [:], phrases: Set<PhraseText> = [], removed: Set<PhraseText> = []
    ) {
        self.standing = standing
        self.phrases = phrases
        self.removed = removed
    }
}

/// What becomes of the voice tags of a recording.
package struct VoiceTagPlan: Hashable, Sendable {
    /// Tags that the replay lacks, on media rows that stand there.
    package var attach: [Attached]
    /// Phrases that the replay does not know, and that tags wait for: definitions are made at the replay only.
    package var awaited: Set<PhraseText>

    package struct Attached: Hashable, Sendable {
        /// `cfiles.id` at the replay.
        package let replayMediaID: Int64
        package let tag: VoiceTag
        package init(replayMediaID: Int64, tag: VoiceTag) {
            self.replayMediaID = replayMediaID
            self.tag = tag
        }
    }

    package init(attach: [Attached] = [], awaited: Set<PhraseText> = []) {
        self.attach = attach
        self.awaited = awaited
    }
}

/// Translates the voice tags of a recording: each hangs on the replay's row of its media file, and on the phrase of the same
/// text. Tags of media without a row there come with the row.
/// - Parameter kinds: the kinds of media that are taken from this source; tags of others wait for nothing.
package func voiceTagPlan(
    of recording: SourceRecording, with holding: ReplayHolding, kinds: Set<MediaKind> = Set(MediaKind.allCases)
) -> VoiceTagPlan {
    guard let known = holding.voiceTags, !recording.voiceTags.isEmpty else { return VoiceTagPlan() }
    let rows = standingRows(of: recording, in: holding)
    let taken = Set(recording.media.filter { kinds.contains($0.kind) }.map(\.id))
    var plan = VoiceTagPlan()
    var planned: [Int64: Set<SpokenPhrase>] = known.standing
    for tag in recording.voiceTags {
        let row = rows[tag.mediaID]
        guard row != nil || taken.contains(tag.mediaID) else { continue }
        guard known.phrases.contains(tag.spoken.phrase) else {
            if !known.removed.contains(tag.spoken.phrase) { plan.awaited.insert(tag.spoken.phrase) }
            continue
        }
        guard let row, planned[row, default: []].insert(tag.spoken).inserted else { continue }
        plan.attach.append(VoiceTagPlan.Attached(replayMediaID: row, tag: tag))
    }
    return plan
}

/// The replay's row that stands for each media row of a source: its own copy's; else one of the same kind that no other
/// media row of the recording stands for, in the order of ids.
func standingRows(of recording: SourceRecording, in holding: ReplayHolding) -> [Int64: Int64] {
    let standing = holding.recording?.media ?? []
    let ids = Set(standing.map(\.id))
    let media = recording.media.sorted { $0.id < $1.id }
    var rows: [Int64: Int64] = [:]
    for one in media {
        let origin = MediaOrigin(source: recording.source, mediaID: one.id)
        let own = holding.origins[origin] ?? holding.outdated[origin] ?? holding.pointers[origin]?.replayMediaID
        guard let own, ids.contains(own) else { continue }
        rows[one.id] = own
    }
    var used = Set(rows.values)
    for one in media where rows[one.id] == nil {
        let rival = standing.filter { $0.kind == one.kind && !holding.results.contains($0.id) && !used.contains($0.id) }
            .map(\.id).min()
        guard let rival else { continue }
        rows[one.id] = rival
        used.insert(rival)
    }
    return rows
}

extension ReconcilePlan {
    /// The same plan with the mark that is true with voice tags: attached ones are used, and awaited ones are nowhere but at
    /// the source.
    package func carrying(_ tags: VoiceTagPlan) -> ReconcilePlan {
        var plan = self
        if plan.mark == .notUsed, !tags.attach.isEmpty { plan.mark = .synchronized }
        if !tags.awaited.isEmpty { plan.mark = nil }
        return plan
    }
}
