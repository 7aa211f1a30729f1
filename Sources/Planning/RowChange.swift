package import Vocabulary

/// What a recording's own row says that the replay's does not.
package enum RowChange: Hashable, Sendable {
    /// The replay's row leaves empty what is known.
    case completes
    /// It says something else by now than the recorder that it came from.
    case corrects
}

/// Compares the facts of a recording's row, its media and metadata apart. What one of several sources says does not
/// overrule what another said: only the one that everything came from corrects its row.
///
/// - Returns: nil where the replay's row says all of it, or where there is none.
package func rowChange(of recording: SourceRecording, with holding: ReplayHolding) -> RowChange? {
    guard let held = holding.recording else { return nil }
    var isEmpty = recording.isProtected && !held.isProtected
    var isOther = false
    for (name, value) in recording.carried {
        switch held.carried[name] {
        // The replay has no such column.
        case nil: break
        case .some(nil): isEmpty = true
        case .some(let standing?): isOther = isOther || !standing.utf8.elementsEqual(value.utf8)
        }
    }
    func compare<Fact: Equatable>(_ fact: Fact?, _ standing: Fact?) {
        guard let fact else { return }
        guard let standing else { return isEmpty = true }
        if fact != standing { isOther = true }
    }
    compare(recording.start, held.start)
    compare(recording.stop, held.stop)
    compare(recording.length, held.length)
    compare(recording.state, held.state)
    compare(recording.problemStatus, held.problemStatus)
    let sources = Set(
        [Array(holding.origins.keys), Array(holding.outdated.keys), Array(holding.pointers.keys)].joined().map(\.source)
    )
    if isOther && sources == [recording.source] { return .corrects }
    return isEmpty ? .completes : nil
}
