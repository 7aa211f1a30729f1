package import Vocabulary

/// In what two rows of one `sid` contradict each other: then two calls stand under it, and neither may take the other's
/// place. A value that one side lacks contradicts nothing.
package enum Contradiction: String, Hashable, Sendable {
    case start, length, parties, legs
}

/// - Returns: the first contradiction; nil where both rows can be of one recording.
package func contradiction(of recording: SourceRecording, with held: ReplayRecording) -> Contradiction? {
    if let start = recording.start, let heldStart = held.start {
        // Recorders' clocks differ; two legs of one call do not begin in one minute under one sid.
        guard abs(start.microseconds - heldStart.microseconds) <= 60_000_000 else { return .start }
    }
    if let length = recording.length, let heldLength = held.length, length > 0, heldLength > 0,
        abs(length - heldLength) > max(5, max(length, heldLength) / 2)
    {
        // The rows tell how long the call was, not how much of it was captured.
        return .length
    }
    let parties = Parties(recording.carried)
    if !parties.isEmpty, !held.parties.isEmpty, parties.isDisjoint(with: Parties(held.parties)) { return .parties }
    let others = Set(recording.call.legs).subtracting([recording.sid])
    let heldOthers = Set(held.callLegs).subtracting([held.sid])
    // One leg that only one of them recorded says nothing against.
    if others.count > 1, heldOthers.count > 1, others.isDisjoint(with: heldOthers) { return .legs }
    return nil
}

/// The numbers of a call, each by its last seven digits: prefixes of countries and exchanges are written in many ways.
struct Parties {
    private let numbers: Set<String>

    init(_ carried: [String: String]) {
        self.init(["callingnr", "originalcallednr", "finalcallednr"].compactMap { carried[$0] })
    }
    init(_ texts: some Sequence<String>) {
        numbers = Set(
            texts.map { text in
                String(text.unicodeScalars.filter { ("0"..."9").contains($0) }.suffix(7).map(Character.init))
            }
            // Two or fewer digits are no number that tells people apart.
            .filter { $0.utf8.count > 2 })
    }

    var isEmpty: Bool { numbers.isEmpty }
    func isDisjoint(with other: Parties) -> Bool { !other.isEmpty && numbers.isDisjoint(with: other.numbers) }
}
