import Delivery
import Files
import Planning
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Reporting

/// Where a file would go, as the built program says it.
@Suite struct PlaceCommandTests {
    private func settings(_ site: Site, _ placement: String = "", watermarks: (String, String) = ("97%", "97%")) throws
        -> String
    {
        try site.write(
            """
            [replay]
            name = "replay1"
            database = "\(site.replay.connectionString)"
            [[replay.volumes]]
            name = "main"
            path = "\(try site.volume("main"))"
            watermark = "\(watermarks.0)"
            account = "one"
            [[replay.volumes]]
            name = "overflow"
            path = "\(try site.volume("overflow"))"
            priority = 2
            watermark = "\(watermarks.1)"
            account = "two"
            [[replay.volumes]]
            name = "away"
            path = "\(site.home)/nowhere"
            [placement]
            \(placement)
            [[sources]]
            name = "one"
            database = "host=rec.example dbname=callrec"
            mount_path = "/mnt/one"
            mounts = ["/mnt/one/calls"]
            """)
    }

    @Test func `it names the volume, says what stands against the others, and changes nothing`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        let file = try settings(site)
        let first = try BuiltProgram.run("place", "--config", file, "--size", "8MiB", "--explain")
        #expect(first.code == 0)
        #expect(first.text.contains("A file of 8 MiB goes to volume main at \(site.home)/main."))
        #expect(first.text.contains("has a higher priority number than an open volume"))
        #expect(first.text.contains("is absent: its directory is not there"))
        // Others use this disk meanwhile: the figures may differ.
        let second = try BuiltProgram.run("place", "--config", file, "--size", "8MiB", "--explain")
        #expect(second.text.filter(\.isLetter) == first.text.filter(\.isLetter))
        let document = try BuiltProgram.run("place", "--config", file, "--size", "8388608", "--json")
        #expect(document.code == 0)
        #expect(document.text.contains("\"volume\": \"main\""))
        #expect(document.text.contains("\"refusal\": \"priority\""))
        #expect(document.text.contains("\"refusal\": \"absent\""))
        let isUntouched = try await site.replay.connect().perform { session in
            try session.first(
                "select 1 where not exists (select from takeup.volume) and not exists (select from takeup.intent)")
                != nil
        }
        #expect(isUntouched)
    }

    @Test func `a file that has to wait ends with 75, and one that never fits says so`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        let file = try settings(site)
        let facts = try FileSystemFacts.look(at: FilePath(site.home))
        // Less would be left than what the watermark keeps, above which the floor of so large a file never is.
        let size = facts.availableBytes - (facts.usedBytes + facts.availableBytes) * 15 / 1000
        let waits = try BuiltProgram.run("place", "--config", file, "--size", "\(size)")
        #expect(waits.code == 75)
        #expect(waits.text.contains("would wait at its recorder"))
        #expect(waits.text.contains("would be under its floor"))
        let never = try BuiltProgram.run("place", "--config", try settings(site), "--size", "4000GiB", "--json")
        #expect(never.code == 75)
        #expect(never.text.contains("\"refusal\": \"too-small\""))
        #expect(try BuiltProgram.run("place", "--config", file, "--size", "big").code == 64)
    }

    @Test(arguments: [60, 80, 120])
    func `no line is longer than the screen, and what has no room is named`(columns: Int) async throws {
        let site = try await Site()
        try await site.makeLedger()
        let settings = try Settings.load(path: FilePath(settings(site)))
        let preview = try await PlacementPreview.take(
            settings, size: 200 << 20, kind: .video, patience: .seconds(10), from: site.replay.connect())
        let lines = PlacePage(preview, explains: true).lines(columns: columns).map { $0.text(isColoured: false) }
        #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
        #expect(lines.contains { $0.contains("TRIGGER") && $0.contains("FLOOR") })
        #expect(columns > 60 || lines.contains { $0.contains("CREDIT") && $0.contains("columns on") })
        if columns == 80 { print(lines.joined(separator: "\n")) }
    }

    @Test func `a floor above the watermark fails the check, and stops an agent's start`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        let file = try settings(site, "floor = \"10%\"\nfloor_at_most = \"16TiB\"")
        let check = try BuiltProgram.run("check", "--config", file)
        #expect(check.code == 1)
        #expect(check.text.contains("Agents refuse to start: its floor is not below its watermark"))
        let agent = try BuiltProgram.run("agent", "--config", file, "--mount", "/mnt/one/calls")
        #expect(agent.code == 1)
        #expect(agent.text.contains("its floor is not below its watermark"))
    }
}
