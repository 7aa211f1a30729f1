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
        #expect(lines.count <= max(most, 21))
        #expect(lines.contains { $0.contains("3 problems are open") })
    }

    @Test func `an empty ledger has a page, too`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        let look = try await StatusLook.take(from: site.replay.connect())
        let report = StatusReport(settings: try site.settings(), look: look)
        let text = page(report).joined(separator: "\n")
        #expect(text.contains("No problem is open."))
        #expect(text.contains("nothing came in the last hour"))
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

    @Test func `silence and a stop of marking are loud`() async throws {
        let site = try await Site()
        var look = try await look(at: site)
        look.counts.agents[0].silence = .seconds(130)
        look.counts.markingStopped = "It was restored."
        let lines = page(StatusReport(settings: try site.settings(), look: look), isColoured: true)
        #expect(lines.contains { $0.contains("\u{1B}[1;31msilent 2 min") })
        #expect(lines[1].hasPrefix("\u{1B}[1;31mMarking is stopped: It was restored."))
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
    """

private let goldenDocument = """
    """
