import Ledger
import Postgres
import Reporting
import Settings
import Support
import Testing
import Vocabulary

/// Single files behind a gathered problem.
@Suite struct FilesTests {
    private func look(_ site: Site, _ what: FilesLook.What, limit: Int = 50, mount: String? = nil) async throws
        -> FilesLook
    {
        try await FilesLook.take(
            what, mount: mount.map { MountPath($0) }, limit: limit, settings: try site.settings(),
            from: site.replay.connect())
    }

    private func text(_ look: FilesLook, columns: Int?) -> [String] {
        FilesPage(look).lines(columns: columns).map { $0.text(isColoured: false) }
    }

    /// Missing sounds, each a minute longer than the one before; two with an index file that is not there either.
    private func missing(_ count: Int64, at site: Site) async throws {
        let home = site.home
        try await site.makeLedger()
        try await site.replay.connect().transaction { session in
            func transfer(_ media: Int64, _ kind: MediaKind, _ name: String) -> TransferPlan {
                TransferPlan(
                    mediaID: media, fingerprint: [1], mount: MountPath("\(home)/rec/calls"), kind: kind,
                    path: FilePath("/calls/20261121/\(name)"), expectedSize: 1, crc32: nil, recordingStart: nil)
            }
            try Plans.record(
                (1...count).map { id in
                    SightingPlan(
                        reference: RecordingReference(source: SourceName("rec_a"), id: id),
                        sid: Sid("+420555-\(id)"), stopped: nil,
                        outcome: .transfer(
                            [transfer(id * 10, .audio, "\(id).mp3")]
                                + (id < 3 ? [transfer(id * 10 + 1, .index, "\(id).idx")] : []),
                            mark: .synchronized, fingerprint: [1]))
                }, in: session)
            try session.execute(
                "update takeup.transfer set missing_since = statement_timestamp() - source_id * interval '1 min' - interval '5 s'"
            )
        }
    }

    @Test func `missing files are listed, the newest first, with the number of the others`() async throws {
        let site = try await Site()
        try await missing(12, at: site)
        let found = try await look(site, .missing, limit: 3)
        let lines = text(found, columns: 80)
        #expect(
            lines == [
                "\(site.home)/rec/calls: 12 files are missing, 3 of them for longer",
                "  than 10 min.",
                "  MISSING  RECORDING  MEDIA  FILE",
                "  1 min    rec_a/1    10     20261121/1.mp3",
                "  2 min    rec_a/2    20     20261121/2.mp3",
                "  3 min    rec_a/3    30     20261121/3.mp3",
                "  and 9 more: --limit 12 lists all",
                "",
                "\(site.home)/rec/screens: no file is missing.",
            ], "\(lines.joined(separator: "\n"))")
        #expect(!lines.joined().contains("+420555") && !FilesDocument(found).text.contains("+420555"))
        #expect(text(try await look(site, .missing, limit: 12), columns: nil).count == 16)
    }

    @Test func `a path is never cut: where it has no room it has a line of its own, and what it is made of shows`()
        async throws
    {
        let site = try await Site()
        let mount = "\(site.home)/rec/calls"
        let long = "20261121/" + String(repeating: "very long ", count: 12) + ".mp3"
        let odd = FilePath(bytes: Array("20261120/caf".utf8) + [0xe9, 0x1b, 0x0a] + Array(".mp3".utf8))
        try await site.makeLedger()
        try await site.replay.connect().transaction { session in
            try OrphanFiles.write(
                mount: MountPath(mount), source: SourceName("rec_a"),
                changed: [
                    OrphanFile(
                        path: FilePath(long), size: 1_500_000, modified: Instant(microseconds: 1_795_219_200_000_000),
                        age: .seconds(7205)),
                    OrphanFile(path: odd, size: 0, modified: Instant(microseconds: 0), age: .seconds(90 * 86_400)),
                ], gone: [], in: session)
        }
        let found = try await look(site, .orphans, mount: mount)
        let lines = text(found, columns: 80)
        #expect(
            lines == [
                "\(mount): 2 files without a row in the recorder's",
                "  database.",
                "  KNOWN  CHANGED (UTC)     SIZE     FILE",
                "  2 h    2026-11-21 00:00  1.4 MiB",
                "    \(long)",
                "  90 d   1970-01-01 00:00  0 B      20261120/caf\\xe9\\x1b\\x0a.mp3",
            ], "\(lines.joined(separator: "\n"))")
        #expect(
            FilesDocument(found).text.split(separator: "\n").dropFirst(4).joined(separator: "\n")
                .replacingTimes() == """
                      "grace_s": 3600.0,
                      "mounts": [
                        {
                          "path": "\(mount)",
                          "source": "rec_a",
                          "files": 2,
                          "not_listed": 0,
                          "listed": [
                            {
                              "path": "\(long)",
                              "bytes": 1500000,
                              "changed": "2026-11-21T00:00:00Z",
                              "since": "TIME"
                            },
                            {
                              "path": "20261120/caf\\\\xe9\\\\x1b\\\\x0a.mp3",
                              "bytes": 0,
                              "changed": "1970-01-01T00:00:00Z",
                              "since": "TIME"
                            }
                          ]
                        }
                      ]
                    }
                    """)
    }

    @Test func `the JSON of missing files names what they are to programs`() async throws {
        let site = try await Site()
        try await missing(2, at: site)
        let document = FilesDocument(try await look(site, .missing, limit: 1)).text
        #expect(document.hasPrefix("{\n  \"version\": 1,\n  \"what\": \"missing\",\n  \"at\": \"2"))
        for line in [
            "\"grace_s\": 600.0", "\"files\": 2,", "\"beyond_grace\": 0,", "\"not_listed\": 1,",
            "\"recording\": \"rec_a/1\",", "\"media\": 10,", "\"kind\": \"AUDIO\",", "\"path\": \"20261121/1.mp3\",",
        ] { #expect(document.contains(line), "\(line) in \(document)") }
    }
}

extension String {
    /// With TIME for since when each is known.
    fileprivate func replacingTimes() -> String {
        split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard let mark = line.firstRange(of: "\"since\": \"") else { return String(line) }
            return line[..<mark.upperBound] + "TIME\""
        }.joined(separator: "\n")
    }
}
