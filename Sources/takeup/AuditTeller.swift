internal import Evidence
internal import Glibc
internal import Synchronization

/// Tells findings as they are met, and how far an audit is where a person looks on.
final class AuditTeller: Sendable {
    private let isJSON: Bool
    /// Findings of one kind that are told one by one, in text.
    private let limit: Int
    private let counts = Mutex<[AuditFinding.Kind: Int]>([:])
    private let isWatched = isatty(STDERR_FILENO) == 1

    init(isJSON: Bool, limit: Int) {
        self.isJSON = isJSON
        self.limit = limit
    }

    func tell(_ finding: AuditFinding) {
        if isJSON { return Terminal.say(AuditJSON.line(finding)) }
        let count = counts.withLock { counts in
            counts[finding.kind, default: 0] += 1
            return counts[finding.kind, default: 0]
        }
        // What is lost for good is named to the last.
        if count > limit, finding.kind != .lost { return }
        clear()
        Terminal.say(finding.text)
    }

    /// Says of how many more nothing was said.
    func tellRest() {
        for (kind, count) in counts.withLock({ $0 }).sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where count > limit && kind != .lost {
            Terminal.say("… and \(count - limit) more of \(kind.rawValue); --json names them all.")
        }
    }

    func advance(_ what: String, _ done: Int) {
        guard isWatched else { return }
        Terminal.mutter("\r\u{1b}[K\(done) \(what)")
    }

    func clear() {
        guard isWatched else { return }
        Terminal.mutter("\r\u{1b}[K")
    }
}
