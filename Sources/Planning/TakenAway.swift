internal import Vocabulary

/// What to do with a media row of a source where the row that stood for it is gone from the replay: it never comes back
/// by itself. Nil where nothing is gone that would have stood for it.
///
/// A row of another source's copy of the same kind stands for it, too; one that the vendor's tools brought back stands
/// in its place.
func stepOfGone(
    _ media: SourceMedia, of recording: SourceRecording, holding: ReplayHolding, taken: inout Set<Int64>
) -> MediaStep? {
    if holding.gone.isEmpty { return nil }
    let origin = MediaOrigin(source: recording.source, mediaID: media.id)
    let own = holding.row(of: origin)
    if let own, holding.gone[own] == nil { return nil }
    if let rival = rival(of: media, of: recording, holding: holding, taken: taken) {
        guard own != nil, !holding.pointedRows.contains(rival.id) else { return nil }
        taken.insert(rival.id)
        if holding.doubted.contains(rival.id) { return .replace(media, replayMediaID: rival.id) }
        return .keep(media, isOwnCopy: true)
    }
    let siblings = Set(
        recording.media.filter { $0.id != media.id }.compactMap {
            holding.row(of: MediaOrigin(source: recording.source, mediaID: $0.id))
        })
    let others = holding.gone.filter { $0.value == media.kind && !siblings.contains($0.key) }.keys.sorted()
    guard let row = own ?? others.first(where: { !taken.contains($0) }) else { return nil }
    taken.insert(row)
    guard holding.removedMedia.contains(row) else { return .leave(media, .lostAtReplay) }
    return .leave(media, holding.origins[origin] == nil ? .removedAtReplay : .removedAfterHeld)
}

/// The mark of a recording that was taken away: what it promises was held here until then.
func markOfHeldBefore(
    _ recording: SourceRecording, _ holding: ReplayHolding, _ switches: SourceSwitches
) -> Mark? {
    guard recording.isFinished, !recording.media.isEmpty else { return nil }
    let hasSound = recording.media.contains { $0.kind == .audio }
    for media in recording.media {
        if isDerived(media, of: recording) { continue }
        let isScreen = media.kind == .video || media.kind == .recd
        if !switches.kinds.contains(media.kind) || (switches.onlyMixed && isScreen && !hasSound) {
            guard switches.allowMarkWithoutCopy else { return nil }
            continue
        }
        guard holding.origins[MediaOrigin(source: recording.source, mediaID: media.id)] != nil else { return nil }
    }
    return .synchronized
}

extension ReplayHolding {
    /// The replay's row that stands, or stood, for a media row of a source.
    fileprivate func row(of origin: MediaOrigin) -> Int64? {
        origins[origin] ?? outdated[origin] ?? pointers[origin]?.replayMediaID
    }

    /// Whether there is no file to a row: it was taken away and is wanted back, or is not what was copied. What stands in
    /// the row says nothing then.
    func isEmptied(_ media: ReplayMedia) -> Bool {
        doubted.contains(media.id) || isRestoring && recording?.isTakenAway == true && claims[media.id] == nil
    }
}
