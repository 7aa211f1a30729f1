internal import Glibc
package import Vocabulary

/// Tells people on a terminal, or a file that people read: one line an event.
package struct TextNarrator: Narrator {
    /// Less important events are not told.
    package let least: Priority
    private let isColoured: Bool
    private let now: @Sendable () -> Instant
    private let write: @Sendable (String) -> Void

    /// To standard error; in colour where that is a terminal.
    package init(least: Priority = .info, now: @escaping @Sendable () -> Instant) {
        self.init(least: least, isColoured: isatty(STDERR_FILENO) == 1, now: now, write: writeToStandardError)
    }

    /// `write` takes one line with its line feed.
    package init(
        least: Priority, isColoured: Bool, now: @escaping @Sendable () -> Instant,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.least = least
        self.isColoured = isColoured
        self.now = now
        self.write = write
    }

    package func tell(_ entry: Entry) {
        let priority = entry.event.declaration.priority
        guard priority <= least else { return }
        write(line(of: entry, priority))
    }

    /// `2026-11-21T02:03:04Z warning  Volume a has used 86% …  incident=4`
    private func line(of entry: Entry, _ priority: Priority) -> String {
        let facts = entry.remainingFacts.map { "\($0.name.rawValue)=\($0.text)" }.joined(separator: " ")
        let padding = String(repeating: " ", count: max(1, 9 - priority.word.count))
        return painted(now().text, dim) + " " + painted(priority.word, colour(of: priority)) + padding + entry.message
            + (facts.isEmpty ? "" : "  " + painted(facts, dim)) + "\n"
    }

    private func painted(_ text: String, _ colour: String) -> String {
        isColoured && !colour.isEmpty ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
    }

    private func colour(of priority: Priority) -> String {
        switch priority {
        case .emergency, .alert, .critical: "1;31"
        case .error: "31"
        case .warning: "33"
        case .notice: "32"
        case .info: ""
        case .debug: "2"
        }
    }
}

private let dim = "2"

/// One write(2) a line, so that lines of several processes do not mix.
@Sendable private func writeToStandardError(_ line: String) {
    var rest = Array(line.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
