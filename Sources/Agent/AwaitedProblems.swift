internal import Delivery
internal import Ledger
internal import Postgres
internal import Vocabulary

/// One problem for each key and phrase that recordings of a source wait for, and for each kind of value that the replay's
/// table has no room for: with their number, however many they are.
struct AwaitedProblems: Sendable {
    let source: SourceName
    let replay: Replay
    let problems: ProblemBook
    /// Two small statements at the replay each time.
    static let period = Duration.seconds(5)

    /// What there is.
    struct Standing: Hashable, Sendable {
        var awaited: [Awaited: AwaitedCount]
        /// By the key of external data.
        var kept: [String: AwaitedCount]
    }

    /// - Parameter told: what an earlier turn gave; nil for the first of a process.
    /// - Returns: what is told now.
    func turn(told: Standing?) async throws -> Standing {
        let source = source
        let now = try await replay.database.perform { session in
            Standing(
                awaited: try Sightings.awaited(source: source, in: session),
                kept: try KeptData.counts(source: source, in: session))
        }
        if now == told { return now }
        var findings: [ProblemBook.Finding] = []
        var kept: [ProblemKind: Set<String>] = [.keyMissing: [], .phraseUnknown: [], .valueTooLong: []]
        func add(_ finding: ProblemBook.Finding, isNew: Bool) {
            kept[finding.kind, default: []].insert(finding.subject)
            if isNew { findings.append(finding) }
        }
        for (awaited, count) in now.awaited { add(finding(awaited, count), isNew: told?.awaited[awaited] != count) }
        for (key, count) in now.kept { add(finding(long: key, count), isNew: told?.kept[key] != count) }
        for finding in findings { try await problems.open(finding) }
        for (kind, subjects) in kept {
            try await problems.close(kind, below: "\(source) ", except: subjects, place: source.rawValue)
        }
        return now
    }

    private func finding(_ awaited: Awaited, _ count: AwaitedCount) -> ProblemBook.Finding {
        let one = count.recordings == 1
        switch awaited {
        case .key(let id):
            return ProblemBook.Finding(
                .keyMissing, subject: "\(source) key \(id.shortened)", place: source.rawValue,
                what: "\(who(count)) \(one ? "waits" : "wait") for key \(id), which the replay does not manage.")
        case .phrase(let phrase):
            return ProblemBook.Finding(
                .phraseUnknown, subject: "\(source) phrase \(phrase.text.shortened)", place: source.rawValue,
                what: "\(who(count)) \(one ? "has" : "have") voice tags with a phrase that the replay does not have: "
                    + "\"\(phrase.text.prefix(80))\". They wait for it, and so do the marks.")
        }
    }

    private func finding(long key: String, _ count: AwaitedCount) -> ProblemBook.Finding {
        ProblemBook.Finding(
            .valueTooLong, subject: "\(source) value \(key.shortened)", place: source.rawValue,
            what:
                "\(who(count)) \(count.recordings == 1 ? "has" : "have") external data \"\(key.prefix(80))\" too long for "
                + "an index of the replay's couple_extdata. The ledger holds them; all else is at the replay.")
    }

    private func who(_ count: AwaitedCount) -> String {
        count.recordings == 1
            ? "Recording \(count.example)"
            : "\(count.recordings) recordings of \(source), \(count.example) among them,"
    }
}

extension String {
    /// The same each time, and short enough for an index; other long ones get another.
    fileprivate var shortened: String {
        guard utf8.count > 200 else { return self }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return "\(prefix(40))… \(hash)"
    }
}
