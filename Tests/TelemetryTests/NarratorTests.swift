import Glibc
import Synchronization
import Testing
import Vocabulary

@testable import Telemetry

@Suite struct NarratorTests {
    private static let facts: [Fact] = [
        .volume(VolumeName("a")), .used(percent: 86), .watermark(percent: 85), .available(bytes: 1 << 30),
        .resource(.bytes), .incident("7"),
    ]

    private func told(_ event: Event, least: Priority = .info, isColoured: Bool = false) -> String {
        let kept = Mutex("")
        let narrator = TextNarrator(
            least: least, isColoured: isColoured, now: { Instant(microseconds: 1_700_000_000_000_000) }
        ) { line in kept.withLock { $0 += line } }
        narrator.tell(event, facts: Self.facts)
        return kept.withLock { $0 }
    }

    @Test func `a line has time, weight, sentence and the other facts`() {
        #expect(
            told(.watermarkRaised)
                == "2023-11-14T22:13:20Z warning  Volume a has used 86% of its bytes, above its watermark of 85%"
                + "  avail_bytes=1 GiB incident=7\n")
    }

    @Test func `on a terminal the weight is coloured`() {
        let line = told(.watermarkRaised, isColoured: true)
        #expect(line.contains("\u{1B}[33mwarning\u{1B}[0m  Volume a has used 86% of its bytes"))
        #expect(line.hasSuffix("\u{1B}[2mavail_bytes=1 GiB incident=7\u{1B}[0m\n"))
    }

    @Test(arguments: [
        (Event.recordingMarked, Priority.info, false), (.recordingMarked, .debug, true),
        (.recordingCommitted, .info, true), (.recordingCommitted, .notice, false), (.allFull, .error, true),
    ])
    func `what is less important than wanted is not told`(event: Event, least: Priority, isTold: Bool) {
        #expect(told(event, least: least).isEmpty == !isTold)
        let sent = Mutex(0)
        let journal = JournalNarrator(least: least) { _ in sent.withLock { $0 += 1 } }
        journal.tell(event)
        #expect(sent.withLock { $0 } == (isTold ? 1 : 0))
    }

    @Test func `the journal gets each fact as a field`() {
        let items = JournalNarrator.items(of: Entry(.watermarkRaised, Self.facts + [.detail("one\ntwo")]))
        #expect(
            items == [
                "MESSAGE=Volume a has used 86% of its bytes, above its watermark of 85%",
                "MESSAGE_ID=0cb352e5e8f2498bb266354a272c4fa0", "PRIORITY=4", "SYSLOG_IDENTIFIER=takeup",
                "TAKEUP_EVENT=WATERMARK_RAISED", "TAKEUP_VOLUME=a", "TAKEUP_USED_PCT=86", "TAKEUP_WATERMARK_PCT=85",
                "TAKEUP_AVAIL_BYTES=1073741824", "TAKEUP_RESOURCE=bytes", "TAKEUP_INCIDENT=7", "TAKEUP_DETAIL=one\ntwo",
            ])
    }

    @Test func `the journal is used only where standard error goes to it`() {
        var status = stat()
        #expect(fstat(STDERR_FILENO, &status) == 0)
        #expect(JournalNarrator.isConnected(stream: "\(status.st_dev):\(status.st_ino)"))
        for stream in [nil, "", "8", "8:x", "\(status.st_dev):\(status.st_ino + 1)", "1:2:3"] {
            #expect(!JournalNarrator.isConnected(stream: stream))
        }
    }

    /// Runs where there is a journal, and writes one entry to it.
    @Test(.enabled(if: access("/run/systemd/journal/socket", W_OK) == 0 && geteuid() == 0))
    func `the journal keeps what it is told`() async throws {
        let incident = "test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        JournalNarrator().tell(
            .turnFailed, .service("telemetry test"), .attempt(1),
            .detail("a\nb " + String(repeating: "x", count: 300_000)),
            .incident(incident))
        let deadline = ContinuousClock.now + .seconds(10)
        var found = ""
        while !found.contains(incident), ContinuousClock.now < deadline {
            found = try run("journalctl -q --all -o export TAKEUP_INCIDENT=\(incident)").output
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(found.contains("\nMESSAGE_ID=\(Event.turnFailed.declaration.messageID)\n"))
        #expect(found.contains("\nTAKEUP_SERVICE=telemetry test\n") && found.contains("\nPRIORITY=4\n"))
        #expect(found.utf8.count > 600_000, "neither the message nor the detail was cut")
    }

    @Test func `tests can look at what was told`() {
        let narrator = MemoryNarrator()
        narrator.tell(.agentReady, .version("1"))
        narrator.tell(.agentStopping)
        #expect(narrator.events == [.agentReady, .agentStopping])
        #expect(narrator.entries(of: .agentReady).first?.facts == [.version("1")])
    }

    @Test(arguments: Priority.allCases)
    func `words and numbers of priorities agree`(priority: Priority) {
        #expect(Priority(word: priority.word) == priority)
    }
}
