import Glibc
import Interaction
import Postgres
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// What an operator can find without looking into databases.
    @Suite struct Telling {
        @Test func `what failed is told by the name that its result would have`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            let name = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])).resultName
            let refusal = "User Jane Doe may not add recording \(pair.call)"
            try await scene.site.fault(
                #"{"kind": "code", "status": 400, "statusCode": 2, "method": "POST", "path": "screen-recordings$", "times": -1, "message": "\#(refusal)"}"#
            )
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 1 && said.contains("result \(name): register a result with RWS: refused"), "\(said)")
            #expect(said.contains("may not … recording") || said.contains("User … may not"), "\(said)")
            #expect(!said.contains("Jane") && !said.contains(pair.call))
        }

        @Test func `that RWS knows no question for several calls is told of once`() async throws {
            let scene = try await GIRScene()
            try await scene.site.choose(#"{"bulk_path": null}"#)
            let (code, said) = try scene.batch(scene.query(try scene.pair()))
            #expect(code == 0, "\(said)")
            #expect(
                said.split(separator: "\n").count { $0.contains("each call is asked about by itself") } == 1, "\(said)")
        }

        @Test func `of doubles that others made none is told by its id`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            try #require(try scene.batch(scene.query(pair)).code == 0)
            let names = ["01CALL5550100-a.mp4", "01CALL5550100-b.mp4"]
            // The result as two other muxers would have made it.
            try ChildProcess.run(
                [
                    "/usr/bin/python3", "-B", "-c",
                    #"""
                    import json, os, sqlite3, sys
                    site, call, *names = sys.argv[1:]
                    base = sqlite3.connect(f"{site}/site.db", isolation_level=None)
                    number, text, start, stop = base.execute(
                        "SELECT number, body, start_ms, stop_ms FROM screen WHERE call_id = ? ORDER BY number DESC",
                        (call,)).fetchone()
                    medium, place = json.loads(text), f"{site}/www/recordings/screen/"
                    own = medium["originalMediaDescriptor"]["path"]
                    base.execute("DELETE FROM screen WHERE number = ?", (number,))
                    for name in names:
                        os.link(place + own, place + name)
                        medium["mediaId"] = medium["originalMediaDescriptor"]["path"] = name
                        base.execute(
                            "INSERT INTO screen (call_id, media_id, start_ms, stop_ms, body, available_at, indexed_at)"
                            " VALUES (?, ?, ?, ?, ?, 0, 0)", (call, name, start, stop, json.dumps(medium)))
                    os.unlink(place + own)
                    """#, scene.site.directory, pair.call,
                ] + names)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(
                code == 0 && said.contains("Of several results of one pair another muxer's stays, 1 removed"), "\(said)"
            )
            #expect(!said.contains("01CALL"))
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 1 && verdict.doubles == 0 && verdict.orphans == 0, "\(verdict)")
        }

        @Test func `calls that wait for a screen are listed until it comes, and what is given up is told of`()
            async throws
        {
            // A month and more back: some announced a screen longer ago than anybody waits.
            let site = try PlaySite(recordings: 40, minutes: 60_000, seed: 1)
            let scene = try await GIRScene(site)
            let late = site.pairs.filter(\.late).sorted { $0.start < $1.start }
            let old = Int(time(nil) - 30 * 86_400) * 1000
            let (given, waiting) = (late.filter { $0.start < old }, late.filter { $0.start >= old })
            try #require(!given.isEmpty && !waiting.isEmpty)
            let ledger = try await ScratchDatabase()
            func batch(_ pair: PlaySite.Pair) throws -> (code: Int, said: String) {
                try scene.batch(
                    scene.query(pair), ["processing.window_past": "1440"], ["--ledger", ledger.connectionString])
            }
            func listed() throws -> String {
                try ChildProcess.run([
                    try ScratchSite.builtProgram(), "screens", "--ledger", ledger.connectionString, "--source",
                    site.contactCenter,
                ])
            }
            let told = "has no result, and is not looked at any more: no screen came"
            let (first, last) = (try #require(given.first), try #require(waiting.last))
            let one = try batch(first)
            #expect(one.code == 0 && one.said.contains(told), "\(one.said)")
            let other = try batch(last)
            #expect(other.code == 0 && !other.said.contains(told), "\(other.said)")
            var list = try listed()
            #expect(list.hasPrefix("1 recording waits for a screen that was announced; 1 was given up."), "\(list)")
            #expect(list.contains("\(site.contactCenter)/") && !list.contains(first.call) && !list.contains(last.call))
            try await site.tell("POST", "late")
            // Whoever was looked at a moment ago is left alone for a while.
            try await ledger.connect().perform { session in
                try session.execute("update takeup.site_call set looked_at = '-infinity'")
            }
            for pair in [first, last] {
                let made = try batch(pair)
                #expect(made.code == 0 && made.said.contains("1 results made"), "\(made.said)")
            }
            list = try listed()
            #expect(list.hasPrefix("No recording waits for a screen."), "\(list)")
        }
    }
}
