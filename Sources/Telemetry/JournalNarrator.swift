internal import CSystemd
internal import Glibc

/// Tells the journal, by its native protocol: each fact is a field of its own, so that it can be searched for.
package struct JournalNarrator: Narrator {
    /// Less important events are not told.
    package let least: Priority
    private let send: @Sendable ([String]) -> Void

    package init(least: Priority = .info) { self.init(least: least, send: sendToJournal) }

    /// `send` takes the `FIELD=value` items of one entry.
    init(least: Priority, send: @escaping @Sendable ([String]) -> Void) {
        self.least = least
        self.send = send
    }

    package func tell(_ entry: Entry) {
        guard entry.event.declaration.priority <= least else { return }
        send(Self.items(of: entry))
    }

    /// What is sent: an item is a field's name, `=` and its value, which may hold line feeds.
    static func items(of entry: Entry) -> [String] {
        let declaration = entry.event.declaration
        return [
            "MESSAGE=\(entry.message)", "MESSAGE_ID=\(declaration.messageID)",
            "PRIORITY=\(declaration.priority.rawValue)", "SYSLOG_IDENTIFIER=takeup",
            "TAKEUP_EVENT=\(entry.event.rawValue)",
        ] + entry.facts.map { "\($0.name.journalField)=\($0.value)" }
    }

    /// Whether a journal listens on this machine, also for those whose standard error goes elsewhere.
    package static var isThere: Bool { access("/run/systemd/journal/socket", W_OK) == 0 }

    /// Whether standard error goes to the journal: systemd then says its device and inode in `$JOURNAL_STREAM`
    /// (systemd.exec(5)). A variable that a parent left behind does not match.
    package static func isConnected(stream: String?) -> Bool {
        let numbers = stream?.split(separator: ":").compactMap { UInt64($0) } ?? []
        var status = stat()
        guard numbers.count == 2, fstat(STDERR_FILENO, &status) == 0 else { return false }
        return UInt64(status.st_dev) == numbers[0] && UInt64(status.st_ino) == numbers[1]
    }
}

@Sendable private func sendToJournal(_ items: [String]) {
    // sd_journal_sendv writes one datagram, or a sealed memfd where that is too small. What it returns is not looked at:
    // there is nobody left to tell.
    let lengths = items.map(\.utf8.count)
    var bytes = items.flatMap { Array($0.utf8) }
    bytes.withUnsafeMutableBytes { buffer in
        var vectors: [iovec] = []
        var offset = 0
        for length in lengths {
            vectors.append(iovec(iov_base: buffer.baseAddress?.advanced(by: offset), iov_len: length))
            offset += length
        }
        _ = sd_journal_sendv(vectors, CInt(vectors.count))
    }
}
