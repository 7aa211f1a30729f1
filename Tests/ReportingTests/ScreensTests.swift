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

    /// Calls of a GIR site: one that waits for its screen, one that fails, one that is not tried again.
    private func fillSite(_ site: Site) async throws {
        try await site.makeLedger()
        let digest = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let calls = ["01CALL-A", "01CALL-B", "01CALL-C"].map {
            SiteCalls.Found(id: $0, fingerprint: digest, start: Instant(microseconds: 1_790_000_000_000_000))
        }
        try await site.replay.connect().transaction { session in
            try SiteCalls.note(calls, site: "00ab", again: .seconds(600), in: session)
            let claims = try SiteCalls.claim(
                site: "00ab", holder: Holder("h:1:a"), limit: 9, newest: 0, lease: .seconds(60), in: session)
            for claim in claims {
                switch claim.call.last {
                case "A":
                    let key = ScreenWaitKey(
                        site: .gir, source: SourceName("00ab"), reference: "\(claim.claim.id.rawValue)")
                    try ScreenWaits.begin([(key, nil, .data)], firstLookAfter: .zero, in: session)
                    try ScreenWaits.note([key: .look(after: .seconds(7500))], in: session)
                    try SiteCalls.end(claim.claim, .looked(again: .seconds(7500)), in: session)
                case "B":
                    try SiteCalls.end(
                        claim.claim, .failed(again: .seconds(7500), error: "result x.mp4: the sound is cut"),
                        in: session)
                default:
                    try SiteCalls.end(claim.claim, .failed(again: nil, error: "result y.mp4: permission"), in: session)
                }
            }
            try session.execute("update takeup.site_call set began_at = statement_timestamp() - interval '130 min'")
        }
    }

    @Test func `calls of a GIR site stand in the same list, and those that fail with why`() async throws {
        let site = try await Site()
        try await fillSite(site)
        let look = try await ScreensLook.take(source: SourceName("00ab"), limit: 50, from: site.replay.connect())
        let lines = ScreensPage(look).lines(columns: nil).map { $0.text(isColoured: false) }
        #expect(lines.first == "1 recording waits for a screen that was announced; 0 were given up.", "\(lines)")
        #expect(
            lines.contains { $0.hasPrefix("  00ab/") && $0.hasSuffix("in 2 h     the call's user data") }, "\(lines)")
        #expect(
            lines.contains(
                "2 calls of GIR sites have no result, because it could not be made (RESULT_FAILED):"), "\(lines)")
        #expect(lines.contains { $0.hasPrefix("  00ab/") && $0.hasSuffix("began 2 h ago, 1 attempt, again in 2 h") })
        #expect(lines.contains { $0.hasPrefix("  00ab/") && $0.hasSuffix("began 2 h ago, 1 attempt, not tried again") })
        #expect(lines.contains("    result x.mp4: the sound is cut") && lines.contains("    result y.mp4: permission"))
        let json = ScreensDocument(look).text
        #expect(json.contains(#""failing": 2"#) && json.contains(#""why": "result y.mp4: permission""#))
        #expect(!(lines.joined() + json).contains("01CALL"))
        let other = try await ScreensLook.take(source: SourceName("00cd"), limit: 9, from: site.replay.connect())
        #expect(other.failing == 0 && other.listed.isEmpty)
        let one = try await ScreensLook.take(source: nil, limit: 1, from: site.replay.connect())
        #expect(
            ScreensPage(one).lines(columns: 60).last?.text(isColoured: false) == "  and 1 more: --limit 2 lists all")
    }

    @Test func `with --ledger no settings are needed`() async throws {
        let site = try await Site()
        try await fillSite(site)
        let listed = try BuiltProgram.run("screens", "--ledger", site.replay.connectionString, "--source", "00ab")
        #expect(listed.code == 0 && listed.text.contains("result y.mp4: permission"), "\(listed)")
        let away = try BuiltProgram.run("screens", "--ledger", "host=127.0.0.1 port=1 user=nobody dbname=x")
        #expect(away.code == 1 && away.text.contains("is away"), "\(away)")
    }

    @Test func `what is known of a wait goes with its call`() async throws {
        let site = try await Site()
        try await fillSite(site)
        let left = try await site.replay.connect().transaction { session in
            try SiteBacklog.forget(site: "00ab", in: session)
            let before = try ScreenWaits.counts(source: SourceName("00ab"), in: session)
            try session.execute("delete from takeup.site_call")
            try SiteBacklog.forget(site: "00cd", in: session)
            try SiteBacklog.forget(site: "00ab", in: session)
            return [before, try ScreenWaits.counts(source: SourceName("00ab"), in: session)]
        }
        #expect(left == [[.waiting: 1], [:]])
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
