internal import Catalogs
internal import Ledger
internal import Planning
internal import Postgres
internal import Vocabulary

/// Voice tags in a commit: after its media rows, while the recordings are locked.
enum VoiceTags {
    /// Adds what the replay lacks on the rows that stand there now, as one set: nothing is doubled or overwritten, and what
    /// hangs on media that are still to come waits for their commit.
    static func attach(_ recordings: [SourceRecording], _ catalog: ReplayCatalog, in session: Session) throws {
        let tagged = recordings.filter { !$0.voiceTags.isEmpty }
        if tagged.isEmpty { return }
        let holdings = try Holdings.find(for: tagged, catalog: catalog, in: session)
        try catalog.attach(
            tagged.flatMap { voiceTagPlan(of: $0, with: holdings[$0.reference] ?? ReplayHolding()).attach },
            on: session)
    }
}

extension Holdings {
    /// One holding for all of a batch: three statements at most, and none where no recording has voice tags.
    static func voiceTags(
        of recordings: [SourceRecording], on standing: [Sid: ReplayRecording], _ catalog: ReplayCatalog,
        in session: Session
    ) throws -> VoiceTagHolding? {
        let tagged = recordings.filter { !$0.voiceTags.isEmpty }
        if tagged.isEmpty { return nil }
        let media = Set(tagged.flatMap { standing[$0.sid]?.media.map(\.id) ?? [] })
        let phrases = Set(tagged.flatMap { $0.voiceTags.map(\.spoken.phrase) })
        var holding = try catalog.voiceTags(on: media, phrases: phrases, in: session)
        if let known = holding?.phrases {
            holding?.removed = try Definitions.everDefined(phrases.subtracting(known), in: session)
        }
        return holding
    }
}
