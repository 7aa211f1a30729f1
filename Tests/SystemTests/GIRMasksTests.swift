import Glibc
import Interaction
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// Sounds that were masked, by their records.
    @Suite struct Masks {
        /// A site where some calls' sounds have masks from the beginning: each pair with one screen, in turn one of these.
        private static let site = Result {
            let site = try PlaySite(recordings: 8, encrypted: 0, seed: 3)
            let masks = [#"[{"startTime": 2500, "stopTime": 3000}]"#, #"["nobody knows"]"#]
            for (pair, mask) in zip(pairs(site), masks) {
                try ChildProcess.run([
                    "/usr/bin/python3", "-B", "-c",
                    #"""
                    import json, sqlite3, sys
                    site, call, masks = sys.argv[1:]
                    base = sqlite3.connect(f"{site}/site.db", isolation_level=None)
                    (text,) = base.execute("SELECT body FROM call WHERE id = ?", (call,)).fetchone()
                    body = json.loads(text)
                    for medium in body["mediaFiles"]:
                        medium["masks"] = json.loads(masks)
                    base.execute("UPDATE call SET body = ? WHERE id = ?", (json.dumps(body), call))
                    """#, site.directory, pair.call, mask,
                ])
            }
            return site
        }

        /// The longest first.
        private static func pairs(_ site: PlaySite) -> [PlaySite.Pair] {
            site.pairs.filter { $0.kind == "screen" && !$0.late }.sorted {
                ($0.milliseconds, $0.call) > ($1.milliseconds, $1.call)
            }
        }

        /// Of the one file that has the pair's name, or one that a worker alone gives.
        private func resultPath(_ scene: GIRScene, _ pair: PlaySite.Pair) throws -> String {
            let name = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])).resultName
            let found = try ChildProcess.run([
                "/usr/bin/find", scene.site.directory + "/www", "-name", name.dropLast(4) + "*",
            ]).split(separator: "\n")
            try #require(found.count == 1, "\(found)")
            return String(found[0])
        }

        /// The brightest point of the result's picture at a time.
        private func peak(_ scene: GIRScene, _ pair: PlaySite.Pair, at time: String) throws -> Int {
            let list = scene.directory + "/peak"
            try ChildProcess.run([
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-ss", time, "-i",
                try resultPath(scene, pair), "-map", "0:v:0", "-frames:v", "1", "-vf",
                "signalstats,metadata=mode=print:key=lavfi.signalstats.YMAX:file=\(list)", "-f", "null", "-",
            ])
            let text = String(decoding: try readSample(list), as: UTF8.self)
            // More pictures than the one that is asked for may pass the filter.
            let first = text.split(separator: "\n").first { $0.hasPrefix("lavfi.signalstats.YMAX=") }
            return try #require(first?.split(separator: "=").last.flatMap { Int($0) })
        }

        @Test func `a masked screen is shown and told of, and is black where the site wants that`() async throws {
            let scene = try await GIRScene(try Self.site.get())
            let pair = try #require(Self.pairs(scene.site).first)
            try #require(pair.milliseconds >= 7000)
            let shown = try scene.batch(scene.query(pair))
            #expect(
                shown.code == 0 && shown.said.contains("the sound was masked once, and the screen is shown meanwhile"),
                "\(shown.said)")
            #expect(try peak(scene, pair, at: "2.7") > 60)
            try await scene.site.tell("DELETE", "results")
            let black = try scene.batch(scene.query(pair), [:], ["--blank-masked"])
            #expect(black.code == 0 && !black.said.contains("is shown meanwhile"), "\(black.said)")
            for time in ["2.5", "2.7", "2.99"] { #expect(try peak(scene, pair, at: time) <= 20, "\(time)") }
            #expect(try peak(scene, pair, at: "5.6") > 60)
        }

        @Test func `a masked screen that another worker left to be shown is not taken for a result`() async throws {
            let scene = try await GIRScene(try Self.site.get())
            let pair = try #require(Self.pairs(scene.site).first)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            // It came to stand at the store, and RWS was not told of it.
            try ChildProcess.run([
                "/usr/bin/python3", "-B", "-c",
                "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute("
                    + "\"DELETE FROM screen WHERE body LIKE '%muxed_mediaIds%'\")", "\(scene.site.directory)/site.db",
            ])
            #expect(try peak(scene, pair, at: "2.7") > 60)
            let black = try scene.batch(scene.query(pair), [:], ["--blank-masked"])
            #expect(black.code == 0 && black.said.contains("1 results made"), "\(black.said)")
            #expect(try peak(scene, pair, at: "2.7") <= 20)
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 1 && verdict.orphans == 0, "\(verdict)")
        }

        @Test func `a mask that nobody can read makes no result where screens are blanked`() async throws {
            let scene = try await GIRScene(try Self.site.get())
            let pair = try #require(Self.pairs(scene.site).dropFirst().first)
            let (code, said) = try scene.batch(scene.query(pair), [:], ["--blank-masked"])
            #expect(code == 1 && said.contains("masked time in the sound's record cannot be read"), "\(said)")
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 0 && verdict.orphans == 0, "\(verdict)")
        }
    }
}
