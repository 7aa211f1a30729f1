package import Vocabulary

/// The kinds of media that a source has of a recording and the replay has not: what a mark of it would license the loss
/// of. Each kind once, also where several files of it are lacking.
///
/// What the replay's own tools removed is not lacking, nor what the source's tools took away already. A row of the
/// replay that only points to a recorder's file, whichever recorder's, holds nothing.
/// - Parameter prefixes: of all sources, what stands before the recorder's own paths on this machine.
package func kindsNotHeld(
    of recording: SourceRecording, with holding: ReplayHolding, pointingBelow prefixes: [FilePath]
) -> Set<MediaKind> {
    var holding = holding
    let pointed = holding.pointedRows
    let copied = Set(holding.origins.values).union(holding.outdated.values)
    holding.recording?.media.removeAll { media in
        pointed.contains(media.id)
            || !copied.contains(media.id) && prefixes.contains { media.path.relative(to: $0) != nil }
    }
    let everything = SourceSwitches(onlyFinished: false, onlyProcessed: false, withoutStreams: true)
    guard case .plan(let plan) = reconcile(recording, with: holding, switches: everything) else { return [] }
    var kinds: Set<MediaKind> = []
    for step in plan.steps {
        switch step {
        // A capture that was decoded is represented by what was made of it.
        case .copy(let media) where media.kind.isDecoded(in: recording.media): break
        case .copy(let media): kinds.insert(media.kind)
        case .replace(let media, let row) where holding.doubted.contains(row): kinds.insert(media.kind)
        case .replace, .measure, .keep, .point, .repoint, .keepPointer, .leave: break
        }
    }
    return kinds
}
