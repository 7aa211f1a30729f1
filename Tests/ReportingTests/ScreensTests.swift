import Ledger
import Planning
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Reporting

/// The list of recordings that wait for a screen, and its line in the status.
@Suite struct ScreensTests {
    private func fill(_ site: Site) async throws {
        try await site.makeLedger()
        try await site.replay.connect().transaction { session in
            func key(_ id: Int64) -> ScreenWaitKey {
                ScreenWaitKey(RecordingReference(source: SourceName("rec_a"), id: id))
            }
            try ScreenWaits.begin(
                [(key(17), Sid("+420555-17"), .row), (key(3), Sid("+420555-3"), .data)], firstLookAfter: .seconds(60),
                in: session)
            try ScreenWaits.note([key(3): .giveUp, key(17): .look(after: .seconds(7500))], in: session)
            try session.execute("update takeup.screen_wait set since = since - interval '8 d' where reference = '3'")
            try session.execute(
                "update takeup.screen_wait set since = since - interval '130 min' where reference = '17'")
        }
    }

    @Test func `they are listed, the newest first, and no sid is shown`() async throws {
        let site = try await Site()
        try await fill(site)
        let look = try await ScreensLook.take(source: nil, limit: 50, from: site.replay.connect())
        let lines = ScreensPage(look).lines(columns: nil).map { $0.text(isColoured: false) }
        #expect(
            lines == [
                "1 recording waits for a screen that was announced; 1 was given up.",
                "  RECORDING  STATE     SINCE  LOOKS  NEXT LOOK  ANNOUNCED BY",
                "  rec_a/17   waiting   2 h    1      in 2 h     a row whose file is missing",
                "  rec_a/3    given up  8 d    1      -          external data",
            ], "\(lines.joined(separator: "\n"))")
        let json = ScreensDocument(look).text
        #expect(json.contains(#""state": "given_up""#) && json.contains(#""recording": "rec_a/17""#))
        #expect(!json.contains("+420555") && !lines.joined().contains("+420555"))
        let one = try await ScreensLook.take(source: nil, limit: 1, from: site.replay.connect())
        #expect(
            ScreensPage(one).lines(columns: 40).last?.text(isColoured: false) == "  and 1 more: --limit 2 lists all")
        let none = try await ScreensLook.take(source: SourceName("rec_b"), limit: 9, from: site.replay.connect())
        #expect(
            ScreensPage(none).lines(columns: 80).map { $0.text(isColoured: false) } == [
                "No recording waits for a screen."
            ])
    }

    @Test func `muxed files that do not show all are listed with what they lack`() async throws {
        let site = try await Site()
        try await site.makeLedger()
        try await site.fillLedger()
        let notes = "screen 2 (media 3) is left out: screen 2 (media 3) is damaged: its end is missing"
        try await site.replay.connect().transaction { session in
            try session.execute(
                """
                update takeup.mux_job set state = 'done', notes = $1, left_out = screen_ids,
                    result_id = (select max(id) from takeup.replica)
                """, [.text(notes)])
        }
        let look = try await ScreensLook.take(source: nil, limit: 50, from: site.replay.connect())
        let lines = ScreensPage(look).lines(columns: nil).map { $0.text(isColoured: false) }
        #expect(
            lines.suffix(2) == [
                "1 muxed file does not show all that was recorded, or not as its rows say:",
                "  rec_a/1 \(notes)",
            ], "\(lines)")
        let narrow = ScreensPage(look).lines(columns: 40).map { $0.text(isColoured: false) }
        #expect(narrow.allSatisfy { $0.count <= 40 }, "\(narrow)")
        #expect(narrow.joined(separator: " ").contains("missing"), "nothing of it is cut")
        let json = ScreensDocument(look).text
        #expect(json.contains(#""with_notes": 1"#) && json.contains(#""lacks_screens": true"#), "\(json)")
        let other = try await ScreensLook.take(source: SourceName("rec_b"), limit: 9, from: site.replay.connect())
        #expect(other.noted == 0 && other.listedNoted.isEmpty)
        let status = try await StatusLook.take(from: site.replay.connect())
        let report = StatusReport(settings: try site.settings(), look: status)
        #expect(report.notedMuxJobs == 1)
    }

    @Test func `the status says how many there are`() async throws {
        let site = try await Site()
        try await fill(site)
        let report = StatusReport(
            settings: try site.settings(), look: try await StatusLook.take(from: site.replay.connect()))
        let lines = StatusPage(report).lines(columns: 100, most: nil).map { $0.text(isColoured: false) }
        #expect(lines.contains("SCREENS 1 announced and awaited, 1 given up (`takeup screens`)"))
    }

    @Test func `the command lists them, and names the sources where one is not known`() async throws {
        let site = try await Site()
        try await fill(site)
        let path = try site.write()
        let listed = try BuiltProgram.run("screens", "--config", path, "--source", "rec_a")
        #expect(listed.code == 0 && listed.text.contains("rec_a/17"), "\(listed)")
        let unknown = try BuiltProgram.run("screens", "--config", path, "--source", "nobody")
        #expect(unknown.code == 64 && unknown.text.contains("rec_a"), "\(unknown)")
    }
}
