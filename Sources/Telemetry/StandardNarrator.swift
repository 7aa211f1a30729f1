package import Vocabulary

/// The narrator that fits where the process runs: the journal's own protocol under systemd, lines of text elsewhere.
package func standardNarrator(
    least: Priority, environment: [String: String], now: @escaping @Sendable () -> Instant
) -> any Narrator {
    JournalNarrator.isConnected(stream: environment["JOURNAL_STREAM"])
        ? JournalNarrator(least: least) : TextNarrator(least: least, now: now)
}

/// For commands that a person runs and whose output is the answer. What such a command is the first to see of a volume
/// counts as told from then on for all processes: it goes to the journal where there is one, else what is worth notice to
/// standard error.
package func commandNarrator(least: Priority, now: @escaping @Sendable () -> Instant) -> any Narrator {
    JournalNarrator.isThere
        ? JournalNarrator(least: least) : TextNarrator(least: min(least, .notice), now: now)
}
