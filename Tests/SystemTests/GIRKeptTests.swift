import Glibc
import HTTP
import Interaction
import Postgres
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// What stands at the site is never lost or taken for whole, whoever meets there.
    @Suite struct Kept {
        /// A call as a worker sees it that asks before another one has registered its result: for so many questions.
        private func hideResults(_ scene: GIRScene, _ pair: PlaySite.Pair, times: Int) async throws {
            let program = #"""
                import json, sqlite3, sys
                base = sqlite3.connect(f"file:{sys.argv[1]}/site.db?mode=ro", uri=True)
                media = [json.loads(text) for (text,) in base.execute(
                    "SELECT body FROM screen WHERE call_id = ? ORDER BY number", (sys.argv[2],))]
                raw = {"id": sys.argv[2], "mediaFiles": [
                    each for each in media if "muxed_mediaIds" not in each["parameters"]]}
                print(json.dumps(json.dumps({"statusCode": 0, "recording": raw, "recordings": [raw]})), end="")
                """#
            let body = try ChildProcess.run(["/usr/bin/python3", "-B", "-c", program, scene.site.directory, pair.call])
            for (method, times) in [("POST", 1), ("GET", times)] {
                let path = method == "POST" ? "/bulk" : "screen-recordings/"
                try await scene.site.fault(
                    #"{"kind": "garbage", "body": \#(body), "method": "\#(method)", "path": "\#(path)", "times": \#(times)}"#
                )
            }
        }

        private func isWhole(_ scene: GIRScene, _ count: Int = 1) async throws -> Bool {
            let verdict = try await scene.site.verdict()
            let isClean = verdict.doubles == 0 && verdict.orphans == 0 && verdict.broken == 0
            if !isClean || verdict.done != count { print("\(verdict)\n\(scene.log)") }
            // What cannot be opened has no length.
            let lengths = try await scene.lengths()
            return isClean && verdict.done == count && lengths.count == count
        }

        @Test(arguments: [true, false])
        func `a worker that comes late to a pair harms no result that is registered meanwhile`(isEncrypted: Bool)
            async throws
        {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: isEncrypted)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            // Until after its own upload it sees none, and learns of it by its refused registration.
            try await hideResults(scene, pair, times: 2)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("0 results made and 1 found standing") == isEncrypted, "\(said)")
            #expect(try await isWhole(scene))
        }

        @Test func `a late worker that is killed before it knows harms no result, and what it left is removed`()
            async throws
        {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: true)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            try await hideResults(scene, pair, times: 40)
            // It asks again and again whether its registration came through.
            try await scene.site.fault(
                #"{"kind": "status", "status": 503, "method": "POST", "path": "screen-recordings$", "times": -1}"#)
            let before = try await scene.site.requestCount("rws POST", "screen-recordings")
            let worker = try scene.start(["advanced.call_recording_query_string": scene.query(pair)])
            let isThere = try await scene.wait(upTo: .seconds(30)) {
                try await scene.site.requestCount("rws POST", "screen-recordings") >= before + 2
            }
            worker.send(SIGKILL)
            worker.wait()
            #expect(isThere, "\(scene.log)")
            try await scene.site.calm()
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 1 && verdict.broken == 0 && verdict.orphans == 1, "\(verdict)")
            #expect(try await scene.lengths().count == 1)
            #expect(try scene.batch(scene.query(pair)).said.contains("0 results made and 1 found standing"))
            #expect(try await isWhole(scene))
        }

        @Test(arguments: [true, false])
        func `a record whose file is gone gives way to a result that is made anew`(isEncrypted: Bool) async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: isEncrypted)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            try scene.change(
                pair, isEncrypted ? #"os.unlink(place + stored["path"])"# : #"os.truncate(place + stored["path"], 900)"#
            )
            #expect(try await scene.site.verdict().broken == 1)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("1 results made and 0 found standing"), "\(said)")
            #expect(try await isWhole(scene))
        }

        @Test func `what stands under the name of a pair and is no result makes room when RWS names another file`()
            async throws
        {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            let name = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])).resultName
            let path = "\(scene.site.directory)/www/recordings/screen/\(name)"
            try writeSample(Array("no result".utf8), to: path)
            chmod(path, 0o666)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            #expect(access(path, F_OK) != 0)
            #expect(try await isWhole(scene))
        }

        @Test func `several records of one media id become one, and it is said so`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: true)
            try await scene.site.choose(#"{"same_media_id": "append"}"#)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            try scene.change(pair, "pass", isNew: true)
            #expect(try await scene.site.verdict().doubles == 1)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("Of several results of one pair"), "\(said)")
            #expect(try await isWhole(scene))
        }

        @Test func `two registrations of one media id that RWS both took become one`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: true)
            try await scene.site.choose(#"{"same_media_id": "append"}"#)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            try await hideResults(scene, pair, times: 2)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("Of several results of one pair"), "\(said)")
            #expect(try await isWhole(scene))
        }

        @Test func `what is encrypted stays so though RWS does not show that its screens are`() async throws {
            let scene = try await GIRScene()
            try await scene.site.choose(#"{"screen_envelopes": false}"#)
            let pair = try scene.pair(encrypted: true)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            #expect(try await isWhole(scene))
            let encrypted = try ChildProcess.run([
                "/usr/bin/python3", "-B", "-c",
                "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
                    + "\"SELECT count(*) FROM screen WHERE body LIKE '%muxed_mediaIds%' AND body LIKE '%pkcs7%'\""
                    + ").fetchone()[0], end='')", "\(scene.site.directory)/site.db",
            ])
            #expect(encrypted == "1")
        }

        @Test func `a result of another sound that has no screen any more goes, one that the old tool made is told of`()
            async throws
        {
            let scene = try await GIRScene()
            let pairs = scene.site.pairs.filter { $0.kind == "agents" && !$0.late }
            let (one, other) = (
                try #require(pairs.first),
                try #require(pairs.first { $0.call == pairs[0].call && $0.media != pairs[0].media })
            )
            #expect(try scene.batch(scene.query(one)).code == 0)
            let wrong = SourcePair(sound: one.media[0], screens: [other.media[1]])
            let sources = "[" + wrong.mediaIDs.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
            let copy = """
                os.link(place + stored["path"], place + name)
                medium["mediaId"] = stored["path"] = name
                parameters["muxed_mediaIds"] = \(sources)
                """
            try scene.change(one, copy, name: wrong.resultName, isNew: true)
            #expect(try await scene.site.verdict().unexpected == 1)
            let (code, said) = try scene.batch(scene.query(one))
            #expect(code == 0 && said.contains("0 results made and 2 found standing"), "\(said)")
            let verdict = try await scene.site.verdict()
            #expect(verdict.unexpected == 0 && verdict.done == 2 && verdict.orphans == 0, "\(verdict)")

            let segments = try #require(scene.site.pairs.first { $0.kind == "segments" && !$0.late })
            #expect(try scene.batch(scene.query(segments)).code == 0)
            let lesser = "[" + segments.media.prefix(2).map { "\"\($0)\"" }.joined(separator: ", ") + "]"
            let theirs = """
                os.link(place + stored["path"], place + name)
                medium["mediaId"] = stored["path"] = name
                parameters["muxed_mediaIds"] = \(lesser)
                """
            try scene.change(segments, theirs, name: "theirs.mp4", isNew: true)
            let again = try scene.batch(scene.query(segments))
            #expect(again.code == 0 && again.said.contains("fewer screens that Takeup did not make"), "\(again.said)")
            #expect(try await scene.site.verdict().unexpected == 1)
        }

        // MARK: With a ledger

        private func batch(
            _ scene: GIRScene, _ ledger: ScratchDatabase, _ pair: PlaySite.Pair
        ) throws -> (code: Int, said: String) {
            try scene.batch(scene.query(pair), [:], ["--ledger", ledger.connectionString])
        }

        @Test func `a worker whose call is another's by now gives no name and registers nothing`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: true)
            let ledger = try await ScratchDatabase()
            let database = ledger.connect()
            // Its upload stands still until long after the call is taken from it, and before the next renewal.
            try await scene.site.fault(
                #"{"service": "webdav", "kind": "stall", "bytes": 9000, "seconds": 3, "times": 9}"#)
            let worker = try scene.start(
                ["advanced.call_recording_query_string": scene.query(pair)], ["--ledger", ledger.connectionString])
            defer {
                worker.send(SIGKILL)
                worker.wait()
            }
            let isStaged = try await scene.wait(upTo: .seconds(30)) {
                let table = try await database.perform { session in
                    try session.first("select to_regclass('takeup.site_call') is not null as there")?.text("there")
                }
                guard table == "t" else { return false }
                return try await database.transaction { session in
                    try session.execute(
                        """
                        update takeup.site_call set holder = 'other/1/x', lease_until = now() + interval '1 hour'
                        where state = 'claimed' and staged <> '{}'
                        """)
                } == 1
            }
            #expect(isStaged, "\(scene.log)")
            try await Task.sleep(for: .seconds(8))
            #expect(try await scene.site.requestCount("rws POST", "screen-recordings") == 1)
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 0 && verdict.orphans == 0, "\(verdict)\n\(scene.log)")
        }

        @Test func `an upload of a dead worker that can't be removed keeps no call from its result, and is told of`()
            async throws
        {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: true)
            let ledger = try await ScratchDatabase()
            #expect(try batch(scene, ledger, pair).code == 0)
            try await scene.site.tell("DELETE", "results")
            // Of one that was killed with a file that has its name, and one whose directory is not ours.
            let locked = "\(scene.site.directory)/www/recordings/locked"
            mkdir(locked, 0o755)
            try writeSample([1], to: "\(locked)/a.part")
            chmod(locked, 0o555)
            defer {
                chmod(locked, 0o755)
                _ = try? ChildProcess.run(["/bin/rm", "-rf", locked])
            }
            let sources = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...]))
            let path = "\(scene.site.directory)/www/recordings/screen/\(sources.ownNames("dead")[0])"
            try writeSample([1], to: path)
            let recordings = scene.site.address("dav").appending("recordings")
            let staged = [
                recordings.appending("locked", "a.part"), recordings.appending("screen", sources.stagedName("dead")),
            ].map(\.text)
            try await ledger.connect().transaction { session in
                try session.execute(
                    "update takeup.site_call set staged = $1, looked_at = '-infinity', not_before = now()",
                    [.texts(staged)])
            }
            let (code, said) = try batch(scene, ledger, pair)
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            #expect(said.contains("something stays at the site that nobody needs"))
            #expect(access(path, F_OK) != 0)
            #expect(try await isWhole(scene))
        }

        @Test(arguments: [true, false])
        func `a record that went before RWS refused the new one leaves no file of either`(
            isRemovedByRWS: Bool
        ) async throws {
            let scene = try await GIRScene()
            try await scene.site.choose(#"{"removes_file": \#(isRemovedByRWS)}"#)
            let pair = try scene.pair(encrypted: true)
            #expect(try scene.batch(scene.query(pair)).code == 0)
            // As the file of another worker, which did not come to its end.
            try scene.change(
                pair,
                #"old = stored["path"]; stored["path"] = "theirs.mp4"; os.rename(place + old, place + "theirs.mp4"); "#
                    + #"os.truncate(place + "theirs.mp4", 900)"#)
            try await scene.site.fault(
                #"{"kind": "status", "status": 400, "method": "POST", "path": "screen-recordings$", "times": -1}"#)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 1 && said.contains("0 results made and 0 found standing"), "\(said)")
            let refused = try await scene.site.verdict()
            #expect(refused.done == 0 && refused.orphans == 0, "\(refused)\n\(said)")
            try await scene.site.calm()
            #expect(try scene.batch(scene.query(pair)).code == 0)
            #expect(try await isWhole(scene))
        }

        @Test(.enabled(if: GIRTests.isLong), arguments: [true, false])
        func `a batch that gives up a registration leaves no upload`(isEncrypted: Bool) async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair(encrypted: isEncrypted)
            try await scene.site.fault(
                #"{"kind": "status", "status": 503, "method": "POST", "path": "screen-recordings$", "times": -1}"#)
            #expect(try scene.batch(scene.query(pair)).code == 1)
            #expect(try await scene.site.verdict().orphans == 0)
            try await scene.site.calm()
            #expect(try scene.batch(scene.query(pair)).code == 0)
            #expect(try await isWhole(scene))
        }
    }
}
