package import Vocabulary

/// The narrator that fits where the process runs: the journal's own protocol under systemd, lines of text elsewhere.
package func standardNarrator(
    least: Priority, environment: [String: String], now: @escaping @Sendable () -> Instant
) -> any Narrator {
    JournalNarrator.isConnected(stream: environment["JOURNAL_STREAM"])
        ? JournalNarrator(least: least) : TextNarrator(least: least, now: now)
}
