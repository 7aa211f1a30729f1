import Testing
import Vocabulary

@testable import Settings

@Suite struct SettingsReferenceTests {
    @Test func `the reference page is what the declarations say`() throws {
        #expect(try isCurrent("docs/settings.md", SettingsReference.markdown()))
    }

    @Test func `the example of every setting is what the declarations say`() throws {
        #expect(try isCurrent("examples/every-setting.toml", SettingsReference.exampleFile()))
    }

    @Test func `the example of every setting is accepted, and its comments are the defaults`() throws {
        let example = SettingsReference.exampleFile()
        let settings = try load(example)
        // Defaults in comments, taken out of them; `#key = …` has no space behind the sign, prose has.
        let optional: Set = [
            "password_file", "password_credential", "default_path", "default_video_path", "user", "group", "account",
            "deletion_age", "deletion_margin", "read_limit", "state_directory", "signing_key_file",
            "signing_key_credential", "result_key", "recd_converter",
        ]
        let lines = example.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            guard line.hasPrefix("#"), let key = line.dropFirst().split(separator: " ").first else { return line }
            return line.hasPrefix("# ") || optional.contains(String(key)) ? line : line.dropFirst()
        }
        let spelled = try load(lines.joined(separator: "\n"))
        #expect(lines.count { $0.hasPrefix("sleep_period") } == 1)
        #expect(spelled.synchro == settings.synchro && spelled.sources == settings.sources)
        #expect(spelled.replay == settings.replay && spelled.mux == settings.mux)
        #expect(spelled.copying == settings.copying && spelled.placement == settings.placement)
        #expect(spelled.scrub == settings.scrub && spelled.manifests == settings.manifests)
        #expect(spelled.watching == settings.watching && spelled.journal == settings.journal)
        #expect(settings.warnings.map(\.key) == ["sources[0].time_zone", "sources[0].index_files"])
        #expect(spelled.warnings.isEmpty)
    }

    @Test func `no key is declared twice and each is explained`() {
        for section in Settings.declarations() {
            let names = section.settings.flatMap { [$0.key] + $0.aliases } + section.tables
            #expect(Set(names).count == names.count, "\(section.header)")
            #expect(section.settings.allSatisfy { $0.help.hasSuffix(".") }, "\(section.header)")
        }
    }
}
