import Glibc
import Testing
import Vocabulary

@testable import Telemetry

@Suite struct JournalCatalogTests {
    private static let file = packageDirectory + "/units/takeup.catalog"

    /// With `TAKEUP_REGENERATE=1` the file is written first.
    @Test func `the catalog is what the declarations say`() throws {
        if getenv("TAKEUP_REGENERATE") != nil { try write(JournalCatalog.text(), to: Self.file) }
        #expect(try contents(of: Self.file) == JournalCatalog.text())
    }

    @Test func `every event is in the catalog, and the catalog has no other`() throws {
        let lines = try contents(of: Self.file).split(separator: "\n")
        let ids = lines.filter { $0.hasPrefix("-- ") }.map { String($0.dropFirst(3)) }
        #expect(ids == Event.allCases.map(\.declaration.messageID))
    }

    @Test func `no entry names a field that its event lacks`() throws {
        let entries = try contents(of: Self.file).split(separator: "\n-- ").dropFirst()
        #expect(entries.count == Event.allCases.count)
        for (event, entry) in zip(Event.allCases, entries) {
            let fields = Set(event.declaration.facts.map(\.journalField))
            let named = entry.split(separator: "@", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            #expect(fields.isSuperset(of: named), "\(event.rawValue)")
        }
    }

    @Test func `journalctl takes the catalog and shows an entry with its fields`() throws {
        try withScratchDirectory { root in
            let catalogs = root + "/usr/lib/systemd/catalog"
            _ = try run("mkdir -p '\(catalogs)' '\(root)/var/lib/systemd/catalog' && cp '\(Self.file)' '\(catalogs)/'")
            let update = try run("journalctl --update-catalog --root='\(root)'")
            #expect(update.code == 0 && update.output.isEmpty, "\(update.output)")
            let id = Event.watermarkRaised.declaration.messageID
            let shown = try run("journalctl --root='\(root)' --dump-catalog \(id)")
            #expect(shown.output.contains("Subject: A volume is above its watermark"))
            #expect(shown.output.contains("@TAKEUP_VOLUME@"))
            let all = try run("journalctl --root='\(root)' --list-catalog")
            #expect(all.output.split(separator: "\n").count == Event.allCases.count)
        }
    }
}
