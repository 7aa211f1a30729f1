package import Vocabulary

/// A media row of the replay that points at the source's own file: nothing of it is held here.
package struct Pointer: Hashable, Sendable {
    /// `cfiles.id` at the replay.
    package var replayMediaID: Int64
    /// What the row was made to say.
    package var path: FilePath
    /// Whether the source's row still says what it said then.
    package var isCurrent: Bool

    package init(replayMediaID: Int64, path: FilePath, isCurrent: Bool) {
        self.replayMediaID = replayMediaID
        self.path = path
        self.isCurrent = isCurrent
    }
}

/// What to do with a media row of a source whose files stay where they are.
///
/// Only a pointer gives way to a pointer: what is held cannot go away with a recorder, so it stays also where the file that
/// would be pointed at is better. A row that the replay's tools removed does not come back by itself.
func stepWithoutCopy(
    for media: SourceMedia, of recording: SourceRecording, holding: ReplayHolding, taken: inout Set<Int64>
) -> MediaStep {
    if isDerived(media, of: recording) { return .leave(media, .derived) }
    let origin = MediaOrigin(source: recording.source, mediaID: media.id)
    let standing = holding.recording?.media ?? []
    if let own = holding.origins[origin] {
        taken.insert(own)
        return .keep(media, isOwnCopy: true)
    }
    if let own = holding.outdated[origin] {
        taken.insert(own)
        guard let held = holding.recording, let row = standing.first(where: { $0.id == own }) else {
            return .keep(media, isOwnCopy: true)
        }
        if holding.isEmptied(row) { return .repoint(media, replayMediaID: own) }
        let (offered, standing) = grades(media, of: recording, against: row, of: held, holding)
        return offered.advantage(over: standing) != nil
            ? .leave(media, .betterThanHeld) : .keep(media, isOwnCopy: true)
    }
    if let own = holding.pointers[origin] {
        taken.insert(own.replayMediaID)
        let isThere = standing.contains { $0.id == own.replayMediaID }
        return own.isCurrent || !isThere
            ? .keepPointer(media, replayMediaID: own.replayMediaID, isOwn: true)
            : .repoint(media, replayMediaID: own.replayMediaID)
    }
    guard let held = holding.recording,
        let rival = rival(of: media, of: recording, holding: holding, taken: taken)
    else { return .point(media) }
    taken.insert(rival.id)
    if holding.doubted.contains(rival.id) { return .repoint(media, replayMediaID: rival.id) }
    let (offered, row) = grades(media, of: recording, against: rival, of: held, holding)
    let isBetter = offered.advantage(over: row) != nil
    if holding.pointedRows.contains(rival.id) {
        return isBetter
            ? .repoint(media, replayMediaID: rival.id)
            : .keepPointer(media, replayMediaID: rival.id, isOwn: false)
    }
    if !isBetter { return .keep(media, isOwnCopy: false) }
    // What was taken away and is wanted back is not held.
    return holding.isEmptied(rival) ? .repoint(media, replayMediaID: rival.id) : .leave(media, .betterThanHeld)
}

extension ReplayHolding {
    /// Rows at the replay that are mere pointers.
    var pointedRows: Set<Int64> { strayPointers.union(pointers.values.map(\.replayMediaID)) }
}
