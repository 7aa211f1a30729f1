package import Vocabulary

/// The kinds of media that a source has of a recording and the replay has not: what a mark of it would license the loss
/// of. Each kind once, also where several files of it are lacking.
///
/// What the replay's own tools removed is not lacking, nor what the source's tools took away already. A row of the
/// replay that only points to the recorder's file holds nothing.
/// - Parameter prefix: what stands before the recorder's own paths on this machine.
package func kindsNotHeld(
    of recording: SourceRecording, with holding: ReplayHolding, pointingBelow prefix: FilePath
) -> Set<MediaKind> {
    var holding = holding
    holding.recording?.media.removeAll { $0.path.relative(to: prefix) != nil }
    let everything = SourceSwitches(onlyFinished: false, withoutStreams: true)
    guard case .plan(let plan) = reconcile(recording, with: holding, switches: everything) else { return [] }
    var kinds: Set<MediaKind> = []
    for step in plan.steps {
        if case .copy(let media) = step { kinds.insert(media.kind) }
    }
    return kinds
}
