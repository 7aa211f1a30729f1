import Operating
import Settings
import Testing
import Vocabulary

@Suite struct SourceChoiceTests {
    private let settings: Settings

    init() throws {
        let sources = ["rec_a", "rec_b"].map { name in
            """
            [[sources]]
            name = "\(name)"
            database = "host=\(name) dbname=callrec"
            mount_path = "/mnt/\(name)"
            mounts = ["/mnt/\(name)/calls"]
            time_zone = "UTC"
            """
        }
        let text = """
            [replay]
            name = "replay1"
            database = "host=replay dbname=callrec"
            [[replay.volumes]]
            name = "a"
            path = "/srv/a"

            \(sources.joined(separator: "\n"))
            """
        settings = try Settings.load(
            bytes: Array(text.utf8), named: FilePath("test.toml"), environment: .ofProcess())
    }

    @Test func `all are those of the settings, and what the ledger holds besides`() throws {
        #expect(try SourceChoice.all.sources(of: settings) == ["rec_a", "rec_b"])
        #expect(try SourceChoice.all.sources(of: settings, known: ["rec_b", "old"]) == ["rec_a", "rec_b", "old"])
    }

    @Test func `a name that nothing knows is refused with the names that there are`() {
        let error = #expect(throws: SourceChoice.Unknown.self) {
            try SourceChoice.named(["rec_a", "rec_c"]).sources(of: settings)
        }
        #expect(error?.description == "There is no source rec_c. The settings have: rec_a, rec_b.")
    }

    @Test func `a name of the ledger is taken where it is said to be known`() throws {
        #expect(try SourceChoice.named(["old", "old"]).sources(of: settings, known: ["old"]) == ["old"])
    }
}

extension SourceName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(rawValue: text) }
}
