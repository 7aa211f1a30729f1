import Settings
import Testing
import Vocabulary

@testable import Muxer

/// What workers that share a ledger call their searches.
@Suite struct SearchKindTests {
    private func kind(_ lines: String...) throws -> String { try settings(lines).searchKind }

    private func settings(_ lines: [String]) throws -> GIRSettings {
        let text =
            ([
                "[htcc]", "base_uri = https://rws.example/", "contact_center_id = 00ab", "username = u", "password = p",
                "[webdav]", "username = d", "password = q", "[advanced]",
            ] + lines).joined(separator: "\n")
        return try GIRSettings.load(
            FilePath("muxer.cfg"), arguments: MuxerArguments(),
            environment: SettingsEnvironment(variables: [:]) { _ in Array(text.utf8) }
        ).settings
    }

    @Test func `searches for the same have one name, others another`() throws {
        let query = "call_recording_extra_query_string = callerPhoneNumber=5550100"
        let kinds = [
            try kind(), try kind("call_recording_extra_query_string = disable"), try kind(query),
            try kind(query + "1"), try kind(query + "&userName=1"), try kind(query, "[processing]", "window_past = 60"),
        ]
        #expect(Set(kinds).count == kinds.count, "\(kinds)")
        #expect(try kind(query) == kinds[2])
    }

    @Test func `nothing of a query stands in the name of its search`() throws {
        let kind = try kind("call_recording_extra_query_string = callerPhoneNumber=5550100&userName=Jane")
        #expect(!kind.contains("5550100") && !kind.contains("Jane") && !kind.contains("callerPhoneNumber"), "\(kind)")
    }

    @Test func `workers of one host that share no ledger have names of their own, the same after a restart`() throws {
        let ways: [[String]] = [
            [], ["call_recording_query_string = callerPhoneNumber=5550100"],
            ["[processing]", "window_past = 600", "window_past_older_than = 60"],
        ]
        let parts = try ways.map { try settings($0).ownPart }
        #expect(Set(parts).count == parts.count, "\(parts)")
        #expect(try ways.map { try settings($0).ownPart } == parts)
    }
}
