import Ledger
import Planning
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Reporting

@Suite struct StatusTests {
    /// A look at a filled ledger in which everything that a clock made is fixed.
    private func look(at site: Site) async throws -> StatusLook {
        try await site.fillLedger()
        var look = try await StatusLook.take(from: site.replay.connect())
        let at = Instant(microseconds: 1_795_176_000_000_000)
        look.at = at
        for place in look.counts.agents.indices {
            look.counts.agents[place].started = at + .seconds(-600)
            look.counts.agents[place].silence = .milliseconds(2500)
        }
        for place in look.counts.volumes.indices {
            look.counts.volumes[place].state.since = at + .seconds(-7200)
            look.counts.volumes[place].state.sampled = at + .seconds(-4)
        }
        for place in look.counts.scrubs.indices { look.counts.scrubs[place].oldest = .seconds(300) }
        for place in look.problems.indices {
            look.problems[place].opened = at + .seconds(-90)
            look.problems[place].last = at + .seconds(-30)
        }
        for place in look.counts.sources.indices { look.counts.sources[place].oldestWaiting = .seconds(300) }
        return look
    }

    /// Scratch directories have names of one length.
    private func portable(_ text: String, _ site: Site) -> String {
        text.split(separator: site.home, omittingEmptySubsequences: false).joined(separator: "/tmp/takeup-site-XXXXXX")
    }

    private func page(
        _ report: StatusReport, columns: Int = 100, most: Int? = nil, isColoured: Bool = false
    ) -> [String] {
        StatusPage(report).lines(columns: columns, most: most).map { $0.text(isColoured: isColoured) }
    }

    @Test func `the page shows all that there is`() async throws {
        let site = try await Site()
        let report = StatusReport(settings: try site.settings(), look: try await look(at: site))
        let lines = page(report)
        #expect(portable(lines.joined(separator: "\n"), site) == goldenPage)
        #expect(lines.allSatisfy { $0.count <= 100 })
    }

    @Test func `the document has the keys that programs rely on`() async throws {
        let site = try await Site()
        let report = StatusReport(settings: try site.settings(), look: try await look(at: site))
        #expect(portable(StatusDocument(report).text, site) == goldenDocument)
    }

    @Test(arguments: [(24, 80), (20, 60), (30, 100)])
    func `problems give way to the screen's height, and paths to its width`(most: Int, columns: Int) async throws {
        let site = try await Site()
        let report = StatusReport(settings: try site.settings(), look: try await look(at: site))
        let lines = page(report, columns: columns, most: most)
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.count <= max(most, 26))
        // No column goes without a word.
        let text = lines.joined(separator: "\n")
        for title in [
            "SOURCE", "KEEPER", "OLDEST WAITS", "MOUNT", "WATCHED BY", "MISSING", "VOLUME", "FREE", "BALANCE",
        ] {
            #expect(text.contains(title), "\(title)\n\(text)")
        }
        #expect(lines.contains { $0.contains("3 problems are open") })
    }

    @Test func `an empty ledger has a page, too`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        let look = try await StatusLook.take(from: site.replay.connect())
        let report = StatusReport(settings: try site.settings(), look: look)
        let text = page(report).joined(separator: "\n")
        #expect(text.contains("No problem is open."))
        #expect(text.contains("none was measured in the last hour"))
        #expect(report.mounts.map(\.agent) == [nil, nil])
        #expect(report.volumes.map(\.name) == [VolumeName("a"), VolumeName("b")])
        #expect(report.volumes.allSatisfy { $0.counts == nil && $0.share == nil })
        #expect(report.volumes.map(\.balanceShare) == [0.7, 0.3])
    }

    @Test func `what the settings forgot is still shown`() async throws {
        let site = try await Site()
        let look = try await look(at: site)
        let other = try await Site()
        let text = other.text(mounts: ["calls"]).split(separator: "rec_a").joined(separator: "rec_b")
            .split(separator: "name = \"a\"").joined(separator: "name = \"z\"")
        let report = StatusReport(settings: try other.settings(text), look: look)
        #expect(report.sources.map(\.name.rawValue) == ["rec_b", "rec_a"])
        #expect(report.sources.map(\.isEnabled) == [true, nil])
        #expect(report.mounts.count == 3)
        #expect(report.mounts.map(\.source) == [SourceName("rec_b"), nil, nil])
        #expect(report.volumes.map(\.name.rawValue) == ["z", "b", "a"])
        #expect(report.volumes.last?.settings == nil)
    }

    @Test func `a paused source says since when and why, also where the settings forgot it`() async throws {
        let site = try await Site()
        var look = try await look(at: site)
        let since = look.at + .seconds(-7200)
        look.counts.pauses = [
            Pause(source: SourceName("rec_a"), since: since, reason: "the recorder moves"),
            Pause(source: SourceName("rec_z"), since: since, reason: nil),
        ]
        let report = StatusReport(settings: try site.settings(), look: look)
        let text = page(report).joined(separator: "\n")
        #expect(
            text.contains("Source rec_a is paused since 2026-11-20T10:00:00Z, 2 h ago: the recorder moves. `takeup"))
        #expect(text.contains("Source rec_z is paused since"))
        #expect(page(report).allSatisfy { $0.count <= 100 })
        let json = StatusDocument(report).text
        #expect(json.contains(#""paused_since": "2026-11-20T10:00:00Z""#))
        #expect(json.contains(#""pause_reason": "the recorder moves""#))
    }

    @Test func `silence and a stop of marking are loud`() async throws {
        let site = try await Site()
        var look = try await look(at: site)
        let before = page(StatusReport(settings: try site.settings(), look: look))
        #expect(before[1] == "1 of 2 mounts has no agent that lives.")
        look.counts.agents[0].silence = .seconds(130)
        look.counts.markingStopped = "It was restored."
        let lines = page(StatusReport(settings: try site.settings(), look: look), isColoured: true)
        #expect(lines.contains { $0.contains("\u{1B}[1;31msilent 2 min") })
        #expect(lines[1].hasPrefix("\u{1B}[1;31mMarking is stopped: It was restored."))
        #expect(lines.contains { $0.contains("2 of 2 mounts have no agent that lives.") })
    }

    @Test func `an agent that was stopped is no dead one, whatever died before it`() async throws {
        let site = try await Site()
        var look = try await look(at: site)
        let place = try #require(look.counts.agents.firstIndex { $0.beat.role == "agent" })
        look.counts.agents[place].silence = .seconds(130)
        look.counts.agents[place].left = look.at + .seconds(-130)
        var dead = look.counts.agents[place]
        dead.left = nil
        dead.silence = .seconds(7200)
        look.counts.agents.insert(dead, at: 0)
        let report = StatusReport(settings: try site.settings(), look: look)
        let text = page(report).joined(separator: "\n")
        #expect(text.contains("stopped 2 min") && !text.contains("silent"), "\(text)")
        #expect(text.contains("2 of 2 mounts have no agent that lives."))
        #expect(StatusDocument(report).text.contains(#""stopped": "2026"#))
    }

    @Test func `collecting that is switched off is said on top, and no keeper is missed`() async throws {
        let site = try await Site()
        let settings = try site.settings(site.text(rest: "[synchro]\nenabled = false"))
        let report = StatusReport(settings: settings, look: try await look(at: site))
        let lines = page(report)
        #expect(lines[1].hasPrefix("Collecting is switched off: synchro.enabled = false."))
        #expect(lines.contains { $0.contains("rec_a") && $0.contains("switched off") })
        #expect(StatusDocument(report).text.contains("\"collecting\": false"))
    }

    @Test func `how a mount is watched stands with its reason`() async throws {
        let site = try await Site()
        var look = try await look(at: site)
        for place in look.counts.agents.indices where look.counts.agents[place].beat.role == "agent" {
            look.counts.agents[place].beat.state = """
                {"mount": "proven", "watching": "polling, degraded", "watchingOn": "nfs4", "watchingNote":
                "12 of 40 new files came without an event"}
                """
        }
        let report = StatusReport(settings: try site.settings(), look: look)
        let text = page(report, columns: 400).joined(separator: "\n")
        #expect(text.contains("  polling (nfs4), degraded  "))
        #expect(
            text.contains("is watched by polling, degraded: 12 of 40 new files came without an event."))
        #expect(StatusDocument(report).text.contains("\"watching_on\": \"nfs4\""))
    }

    @Test(arguments: ["", "{}", "[1]", #"{"mount": 3}"#, #"{"watching": "polling", "new": {}}"#])
    func `what an agent of another version tells hurts nothing`(json: String) {
        let words = AgentWords(json: json)
        #expect(words.mount == nil)
        #expect(words.watching == (json.contains("polling") ? "polling" : nil))
    }

    @Test func `a ledger that is not there is told in a sentence`() async throws {
        let site = try await Site()
        let error = await #expect(throws: LedgerError.self) {
            _ = try await StatusLook.take(from: site.replay.connect())
        }
        let sentence = StatusFailure.sentence(try #require(error))
        #expect(sentence.contains("start an agent of this version once"))
    }

    @Test func `a database that is away is told in a sentence`() async throws {
        let nowhere = Database(
            ConnectionSettings(connectionString: "host=/nowhere dbname=callrec", label: "replay"), connections: 1)
        let error = await #expect(throws: PostgresError.self) { _ = try await StatusLook.take(from: nowhere) }
        let sentence = StatusFailure.sentence(try #require(error))
        #expect(sentence.hasPrefix("The replay's database is away: "))
        #expect(!sentence.contains("\n"))
    }
}

private let goldenPage = """
    Takeup  replay1  2026-11-20 12:00:00 UTC
    1 of 2 mounts has no agent that lives.

    SOURCE  KEEPER  WAITING  MOVING  TO MARK  MARKED  REFUSED  OLDEST WAITS
    rec_a   copy1         0       2        1       0        0         5 min

    MOUNT                                AGENT  IS       WATCHED BY     WAITING  MOVING  MISSING
    /tmp/takeup-site-XXXXXX/rec/calls    alive  mounted  events (ext4)        2       0        0
    /tmp/takeup-site-XXXXXX/rec/screens  none   -        -                    2       0        1

    VOLUME  PRIO  STATE  USED  WATERMARK    FREE  REPLICAS    BYTES  SHARE  BALANCE
    a          1  ok      60%        97%  40 GiB         1  2.9 KiB    75%      70%
    b          1  above   90%        97%  10 GiB         1   1000 B    25%      30%

    MUX    1 worker, 1 waiting, 0 at work, 0 done, 0 failed
    SCRUB  0 copies read today, 0 B, 0 bad; longest unread 5 min
    DELAY  of 1 recording in the last hour: half within 2 s, 99% within 2 s, the slowest 2 s

    3 problems are open:
      1 min ago   The file of media 3 of rec_a/3 is not on the recorder's mount.
                  Look on the recorder whether the file exists at all; it is fetched as soon as it
                  appears.
      1 min ago   The file of media 2 of rec_a/2 is not on the recorder's mount.
      1 min ago   The file of media 1 of rec_a/1 is not on the recorder's mount.
    """

private let goldenDocument = """
    {
      "version": 1,
      "replay": "replay1",
      "at": "2026-11-20T12:00:00Z",
      "marking_stopped": null,
      "collecting": true,
      "sources": [
        {
          "name": "rec_a",
          "in_settings": true,
          "enabled": true,
          "keeper": "copy1/7/aa",
          "waiting": 0,
          "moving": 2,
          "to_mark": 1,
          "marked": 0,
          "refused": 0,
          "oldest_waiting_s": 300.0,
          "paused_since": null,
          "pause_reason": null,
          "at_risk": {
            "marked_not_held": {},
            "deletion_near": 0,
            "unmarked_older": 0
          },
          "read_limit": null,
          "read_rate": 0
        }
      ],
      "mounts": [
        {
          "path": "/tmp/takeup-site-XXXXXX/rec/calls",
          "source": "rec_a",
          "enabled": true,
          "agent": {
            "alive": true,
            "stopped": null,
            "silent_s": 2.5,
            "host": "copy1",
            "process_id": 7,
            "version": "0.1.0",
            "started": "2026-11-20T11:50:00Z"
          },
          "state": "proven",
          "watching": "event",
          "watching_on": "ext4",
          "watching_note": null,
          "directories_watched": 9,
          "directories_polled": 0,
          "directories_unreadable": 0,
          "is_keeper": true,
          "waiting": 2,
          "moving": 0,
          "missing": 0
        },
        {
          "path": "/tmp/takeup-site-XXXXXX/rec/screens",
          "source": "rec_a",
          "enabled": true,
          "agent": null,
          "state": null,
          "watching": null,
          "watching_on": null,
          "watching_note": null,
          "directories_watched": null,
          "directories_polled": null,
          "directories_unreadable": null,
          "is_keeper": false,
          "waiting": 2,
          "moving": 0,
          "missing": 1
        }
      ],
      "volumes": [
        {
          "name": "a",
          "in_settings": true,
          "path": "/tmp/takeup-site-XXXXXX/a",
          "only_screens": false,
          "id": "volume-a",
          "account": "volume-a",
          "priority": 1,
          "balance": 70,
          "watermark": 0.97,
          "state": "ok",
          "reason": null,
          "since": "2026-11-20T10:00:00Z",
          "incident": null,
          "away": [],
          "used": 0.6,
          "available_bytes": 42949672960,
          "sampled": "2026-11-20T11:59:56Z",
          "replicas": 1,
          "bytes": 3000,
          "reserved_bytes": 0,
          "copies_at_once": [],
          "scrub": {
            "copies_today": 0,
            "bytes_today": 0,
            "bad_today": 0,
            "oldest_unread_s": 300.0
          },
          "share": 0.75,
          "balance_share": 0.7
        },
        {
          "name": "b",
          "in_settings": true,
          "path": "/tmp/takeup-site-XXXXXX/b",
          "only_screens": false,
          "id": "volume-b",
          "account": "volume-b",
          "priority": 1,
          "balance": 30,
          "watermark": 0.97,
          "state": "above",
          "reason": null,
          "since": "2026-11-20T10:00:00Z",
          "incident": 1,
          "away": [],
          "used": 0.9,
          "available_bytes": 10737418240,
          "sampled": "2026-11-20T11:59:56Z",
          "replicas": 1,
          "bytes": 1000,
          "reserved_bytes": 0,
          "copies_at_once": [],
          "scrub": {
            "copies_today": 0,
            "bytes_today": 0,
            "bad_today": 0,
            "oldest_unread_s": 300.0
          },
          "share": 0.25,
          "balance_share": 0.3
        }
      ],
      "alerts": [],
      "mux": {
        "workers": [
          {
            "alive": true,
            "stopped": null,
            "silent_s": 2.5,
            "host": "copy1",
            "process_id": 8,
            "version": "0.1.0",
            "started": "2026-11-20T11:50:00Z"
          }
        ],
        "jobs": {
          "waiting": 1,
          "claimed": 0,
          "done": 0,
          "failed": 0,
          "not_muxable": 0,
          "superseded": 0
        },
        "announced_screens": {
          "waiting": 0,
          "given_up": 0
        },
        "unauthenticated": 0,
        "with_notes": 0
      },
      "scrubbing": 0,
      "delay": {
        "over_s": 3600.0,
        "recordings": 1,
        "p50_s": 2.0,
        "p99_s": 2.0,
        "worst_s": 2.0
      },
      "open_problems": 3,
      "problems": [
        {
          "id": 3,
          "kind": "missing-file",
          "subject": "media 3",
          "reference": "rec_a/3",
          "what": "The file of media 3 of rec_a/3 is not on the recorder's mount.",
          "hint": "Look on the recorder whether the file exists at all; it is fetched as soon as it appears.",
          "count": 1,
          "opened": "2026-11-20T11:58:30Z",
          "last": "2026-11-20T11:59:30Z"
        },
        {
          "id": 2,
          "kind": "missing-file",
          "subject": "media 2",
          "reference": "rec_a/2",
          "what": "The file of media 2 of rec_a/2 is not on the recorder's mount.",
          "hint": "Look on the recorder whether the file exists at all; it is fetched as soon as it appears.",
          "count": 1,
          "opened": "2026-11-20T11:58:30Z",
          "last": "2026-11-20T11:59:30Z"
        },
        {
          "id": 1,
          "kind": "missing-file",
          "subject": "media 1",
          "reference": "rec_a/1",
          "what": "The file of media 1 of rec_a/1 is not on the recorder's mount.",
          "hint": "Look on the recorder whether the file exists at all; it is fetched as soon as it appears.",
          "count": 1,
          "opened": "2026-11-20T11:58:30Z",
          "last": "2026-11-20T11:59:30Z"
        }
      ]
    }

    """
