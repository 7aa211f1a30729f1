package import Ledger
package import Vocabulary

/// A media row that is to point at the source's own file.
package struct PointerPlan: Hashable, Sendable {
    package var media: SourceMedia
    /// Where the replay sees the file.
    package var path: FilePath
    /// `cfiles.id` at the replay of the row to update in place.
    package var replacesMediaID: Int64?

    package init(media: SourceMedia, path: FilePath, replacesMediaID: Int64? = nil) {
        self.media = media
        self.path = path
        self.replacesMediaID = replacesMediaID
    }
}

/// What a recording needs that no copy brings: its row, external data, and rows that point.
package struct RowsPlan: Hashable, Sendable {
    package var recording: SourceRecording
    package var pointers: [PointerPlan]
    /// What is true once the rows are there. A plan made anew that says another one is another plan.
    package var outcome: SightingPlan.Outcome

    package init(recording: SourceRecording, pointers: [PointerPlan] = [], outcome: SightingPlan.Outcome) {
        self.recording = recording
        self.pointers = pointers
        self.outcome = outcome
    }
}
