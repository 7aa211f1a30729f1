import Testing
import Vocabulary

@testable import Settings

/// What documents say of tests and settings is held against what there is.
@Suite struct DocumentsTests {
    private static let documents = ["docs/migration.md", "docs/failures.md"]

    private func text(_ path: String) throws -> String {
        String(decoding: try SettingsEnvironment.ofProcess().readFile(packageFile(path)), as: UTF8.self)
    }

    /// What stands between backticks.
    private func quoted(in text: String) -> [Substring] {
        text.split(separator: "\n").flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
                .map(\.element)
        }
    }

    @Test(arguments: documents) func `every test that a document names is there`(document: String) throws {
        let suites = try TestSuites.all()
        let named = quoted(in: try text(document)).filter { $0.hasSuffix("Tests") && $0.allSatisfy(\.isLetter) }
        #expect(named.count > 40)
        #expect(named.filter { !suites.contains(String($0)) } == [])
    }

    @Test func `every setting that the table of the manual names is declared`() throws {
        let declared = Set(
            Settings.declarations().flatMap { section in
                section.settings.flatMap { setting in
                    ([setting.key] + setting.aliases).flatMap { [$0, "\(section.path).\($0)"] }
                }
            }
        ).union(MuxerOption.allCases.flatMap { [$0.key, $0.credential ?? $0.key] + $0.aliases })
            .union([GIRSettings.ledgerCredential])
        let settings = quoted(in: try text("docs/migration.md")).map { String($0.prefix { $0 != " " }) }.filter {
            word in
            word.contains("_") && !word.hasSuffix(".conf")
                && word.allSatisfy { $0.isLowercase || $0 == "_" || $0 == "." }
        }
        #expect(settings.count > 15)
        #expect(settings.filter { !declared.contains($0) } == [])
    }

    /// What the manual lets an operator set, by the names here.
    private static let manual = [
        "synchro.enabled", "synchro.sleep_period", "synchro.calls_per_period", "synchro.couples_without_streams",
        "synchro.only_finished", "synchro.only_processed", "synchro.voice_tags", "synchro.mark_erroneous",
        "sources.name", "sources.enabled", "sources.group", "sources.interval",
        "sources.synchronized_already_synchronized", "sources.database", "sources.mount_path", "sources.copy_files",
        "sources.only_mixed", "sources.synchronize.audio", "sources.synchronize.video", "sources.synchronize.recd",
        "sources.synchronize.index", "replay.name", "replay.database", "replay.default_path",
        "replay.volumes.priority", "replay.volumes.balance", "replay.volumes.watermark", "replay.default_video_path",
    ]

    @Test(arguments: manual) func `each setting of the manual is declared, and has its row`(setting: String) throws {
        let place = try #require(setting.lastIndex(of: "."))
        let (path, key) = (String(setting[..<place]), String(setting[setting.index(after: place)...]))
        let section = try #require(Settings.declarations().first { $0.path == path })
        #expect(section.settings.contains { $0.key == key })
        let words = Set(quoted(in: try text("docs/migration.md")).map { String($0.prefix { $0 != " " }) })
        #expect(words.contains(key) || words.contains("synchronize." + key) || words.contains("." + key))
    }
}
