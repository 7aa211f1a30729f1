import Glibc
import Interaction
import Postgres
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// What goes wrong at a site, and that there is one whole result in the end all the same, or a reason.
    @Suite struct Faults {
        /// What is over after a while.
        private static let passing = [
            // Pages of a megabyte that say later.
            #"{"kind": "status", "status": 503, "bytes": 1000000, "path": "/recordings", "times": 3}"#,
            #"{"kind": "status", "status": 500, "bytes": 1000000, "method": "POST", "times": 2}"#,
            #"{"service": "rcs", "kind": "status", "status": 502, "bytes": 1000000, "times": 2}"#,
            // A session that RWS forgot: 403 without a token.
            #"{"kind": "forget_sessions", "method": "POST", "times": 2}"#,
            // Connections that are cut before, in and after an answer, at every stage.
            #"{"kind": "cut", "path": "/recordings\\?", "times": 2}"#,
            #"{"kind": "cut", "path": "/bulk", "times": 2}"#,
            #"{"kind": "cut", "path": "/screen-recordings/", "method": "GET", "times": 3}"#,
            #"{"kind": "cut", "method": "POST", "path": "screen-recordings$", "times": 2}"#,
            #"{"kind": "lost", "method": "POST", "path": "screen-recordings$"}"#,
            #"{"kind": "short", "bytes": 50, "path": "/recordings", "times": 2}"#,
            #"{"service": "rcs", "kind": "short", "bytes": 3000, "times": 3}"#,
            #"{"service": "rcs", "kind": "cut", "times": 2}"#,
            #"{"service": "webdav", "kind": "cut_up", "bytes": 3000, "times": 2}"#,
            #"{"service": "webdav", "kind": "cut_up", "bytes": 20000, "times": 2}"#,
            #"{"service": "webdav", "kind": "cut_down", "bytes": 2500, "times": 3}"#,
            // Slow ones.
            #"{"kind": "slow", "rate": 4000, "path": "/recordings"}"#,
            #"{"service": "rcs", "kind": "slow", "rate": 20000}"#,
            #"{"service": "webdav", "kind": "stall", "bytes": 9000, "seconds": 1}"#,
            // Answers that are none.
            #"{"kind": "garbage", "body": "<html>", "path": "/bulk"}"#,
        ]
        /// A few are tried at each run, all of them in the long one.
        private static var tried: [String] {
            GIRTests.isLong ? passing : [passing[8], passing[12]]
        }

        @Test(arguments: tried) func `what passes delays a result, and makes no second one`(fault: String) async throws
        {
            let scene = try await GIRScene()
            try await scene.site.fault(fault)
            let pair = try scene.pair(encrypted: fault.contains("rcs"))
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            let verdict = try await scene.site.verdict()
            #expect(
                verdict.done == 1 && verdict.doubles == 0 && verdict.orphans == 0 && verdict.broken == 0, "\(verdict)")
            #expect(said.split(separator: "\n").allSatisfy { $0.utf8.count < 900 })
            #expect(!said.contains(pair.call))
        }

        private static let lasting: [(fault: String, code: Int, word: String)] = [
            (#"{"kind": "code", "status": 401, "statusCode": 20, "times": -1}"#, 75, "permission"),
            (
                #"{"kind": "code", "status": 403, "statusCode": 5, "method": "POST", "path": "screen-recordings$", "times": -1}"#,
                1, "permission"
            ),
            (#"{"kind": "repeat_page", "times": -1}"#, 75, "next page is one that was shown before"),
            (
                #"{"kind": "code", "status": 400, "statusCode": 2, "method": "POST", "path": "screen-recordings$", "times": -1}"#,
                1, "refused"
            ),
        ]

        @Test(arguments: GIRTests.isLong ? Array(lasting.indices) : [1])
        func `what lasts is said, and leaves no upload behind`(index: Int)
            async throws
        {
            let (fault, expected, word) = Self.lasting[index]
            let scene = try await GIRScene()
            try await scene.site.fault(fault)
            let (code, said) = try scene.batch(scene.query(try scene.pair()))
            #expect(code == expected && said.contains(word), "\(said)")
            #expect(try await scene.site.verdict().orphans == 0)
            // When it is over the next run does it.
            try await scene.site.calm()
            #expect(try scene.batch(scene.query(try scene.pair())).code == 0)
        }

        @Test func `a call of another region is not there, and its screens are asked for no more`() async throws {
            let scene = try await GIRScene()
            let path = "screen-recordings/"
            try await scene.site.fault(
                #"{"kind": "code", "status": 404, "statusCode": 6, "method": "GET", "path": "\#(path)", "times": -1}"#)
            let (code, said) = try scene.batch(scene.query(try scene.pair()))
            #expect(code == 0 && said.contains("1 calls without a pair"), "\(said)")
            #expect(try await scene.site.requestCount("rcs") == 0)
        }

        @Test func `a pair that cannot be made keeps no other of its call from its result`() async throws {
            let scene = try await GIRScene()
            let pair = try #require(scene.site.pairs.first { $0.kind == "agents" && $0.encrypted && !$0.late })
            try #require(scene.site.pairs.count { $0.call == pair.call } == 2)
            try await scene.site.fault(
                #"{"service": "rcs", "kind": "code", "status": 400, "statusCode": 2, "path": ".*\#(pair.media[1]).*", "times": -1}"#
            )
            let (code, said) = try scene.batch(scene.query(pair))
            try await scene.site.calm()
            #expect(code == 1 && said.contains("1 results made and 0 found standing"), "\(said)")
            #expect(said.contains("1 calls failed"))
            let again = try scene.batch(scene.query(pair))
            #expect(again.code == 0 && again.said.contains("1 results made and 1 found standing"), "\(again.said)")
        }

        @Test func `a call that takes long keeps one thread, and no other call`() async throws {
            let scene = try await GIRScene()
            let slow = try scene.pair(encrypted: true)
            try await scene.site.fault(
                #"{"service": "rcs", "kind": "delay", "seconds": 100, "path": ".*/\#(slow.call)/.*"}"#)
            let worker = try scene.start(["advanced.worker_threads": "2", "processing.query_slice_size": "2"])
            let others = scene.site.pairs.count { !$0.late } - 1
            let areDone = try await scene.wait(upTo: .seconds(60)) { try await scene.site.verdict().done == others }
            #expect(areDone, "\(scene.log)")
            worker.send(SIGTERM)
            #expect(worker.wait() == 0)
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == others && verdict.doubles == 0 && verdict.orphans == 0, "\(verdict)")
        }

        @Test func `what fails for good is given up when its call is a month old, and said so`() async throws {
            let site = try PlaySite(recordings: 4, minutes: 400_000, seed: 4)
            let scene = try await GIRScene(site)
            let month = Int(time(nil)) * 1000 - 31 * 86_400_000
            let pair = try #require(site.pairs.first { !$0.late && $0.start < month })
            let ledger = try await ScratchDatabase()
            let words = ["--ledger", ledger.connectionString]
            try await site.fault(
                #"{"kind": "code", "status": 400, "statusCode": 2, "path": ".*/screen-recordings/\#(pair.call)", "times": -1}"#
            )
            try await site.choose(#"{"bulk_path": null}"#)
            #expect(try scene.batch(scene.query(pair), [:], words).code == 1)
            #expect(!scene.log.contains("not tried again"))
            // As after more tries.
            try await ledger.connect().perform { session in
                try session.execute("update takeup.site_call set failures = 4, not_before = now()")
            }
            unlink(scene.logPath)
            let worker = try scene.start([:], words)
            let isTold = try await scene.wait(upTo: .seconds(30)) {
                scene.log.contains("it is not tried again after 5 attempts")
            }
            worker.send(SIGTERM)
            #expect(worker.wait() == 0)
            #expect(isTold && !scene.log.contains(pair.call), "\(scene.log)")
            // A batch tries what was given up.
            try await site.calm()
            let (code, said) = try scene.batch(scene.query(pair), [:], words)
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
        }

        @Test func `a lesser result that stayed beside that of all screens is removed at the next look`() async throws {
            let scene = try await GIRScene()
            let pair = try #require(scene.site.pairs.first { $0.kind == "segments" && !$0.late })
            #expect(try scene.batch(scene.query(pair)).code == 0)
            // As a worker leaves it that is killed before it removes what it made of the first screen.
            let lesser = SourcePair(sound: pair.media[0], screens: [pair.media[1]])
            let copy = """
                os.link(place + stored["path"], place + name)
                medium["mediaId"] = stored["path"] = name
                parameters["muxed_mediaIds"] = [each for each in parameters["muxed_mediaIds"]
                                                if each == first or each.split(".")[-1] != "mp4"]
                """
            try scene.change(pair, copy, name: lesser.resultName, isNew: true)
            #expect(try await scene.site.verdict().unexpected == 1)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("0 results made and 1 found standing"), "\(said)")
            let verdict = try await scene.site.verdict()
            #expect(verdict.unexpected == 0 && verdict.done == 1 && verdict.orphans == 0, "\(verdict)")
        }

        @Test func `a result that RWS shows without what it was made of is no screen, and is not made again`()
            async throws
        {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            #expect(try scene.batch(scene.query(pair)).code == 0)
            try scene.change(pair, #"medium["kept"] = parameters.pop("muxed_mediaIds")"#)
            let (code, said) = try scene.batch(scene.query(pair))
            try scene.change(pair, #"parameters["muxed_mediaIds"] = medium.pop("kept")"#)
            #expect(
                code == 1 && said.contains("without what it was made of") && said.contains("0 results made"), "\(said)")
            let again = try scene.batch(scene.query(pair))
            #expect(again.code == 0 && again.said.contains("0 results made and 1 found standing"), "\(again.said)")
        }

        @Test func `an index that lags makes nobody do a thing twice`() async throws {
            let scene = try await GIRScene()
            try await scene.site.choose(#"{"index_lag": 3600, "same_media_id": "append"}"#)
            let query = scene.query(try scene.pair())
            #expect(try scene.batch(query).said.contains("1 results made"))
            let again = try scene.batch(query)
            #expect(again.code == 0 && again.said.contains("0 results made and 1 found standing"), "\(again.said)")
            let verdict = try await scene.site.verdict()
            #expect(verdict.done == 1 && verdict.doubles == 0 && verdict.orphans == 0)
        }

        @Test func `a store in S3 is refused in words`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            let screen = #"""
                {"mediaId": "x.mp4", "type": "video/mp4", "size": "5", "parameters": {},
                 "originalMediaDescriptor": {"storage": "awsS3", "data": {"bucket": "b"}}}
                """#
            let body = #"""
                {"statusCode": 0, "recordings": [{"id": "\#(pair.call)", "mediaFiles": [\#(screen)]}],
                 "recording": {"id": "\#(pair.call)", "mediaFiles": [\#(screen)]}}
                """#
            let quoted = String(decoding: try JSONText.quoted(body), as: UTF8.self)
            try await scene.site.fault(
                #"{"kind": "garbage", "body": \#(quoted), "path": "screen-recordings", "times": -1}"#)
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(
                code == 1 && said.contains("it lies in an S3 bucket, and Takeup reaches WebDAV stores only"), "\(said)")
        }

        @Test(.enabled(if: GIRTests.isLong))
        func `two muxers that know nothing of each other leave one result of each pair`() async throws {
            let scene = try await GIRScene()
            let query = try ["screen", "agents"].map { kind in
                scene.query(try #require(scene.site.pairs.first { $0.kind == kind && $0.encrypted }))
            }
            for query in query {
                let changes = ["advanced.call_recording_query_string": query]
                let both = [try scene.start(changes), try scene.start(changes)]
                #expect(both.map { $0.wait() } == [0, 0], "\(scene.log)")
            }
            let verdict = try await scene.site.verdict()
            #expect(verdict.doubles == 0 && verdict.orphans == 0 && verdict.broken == 0, "\(verdict)")
            // What openssl opens has an envelope of its own file.
            #expect(try await scene.lengths().count == verdict.done && verdict.done == 3)
        }

        @Test(.enabled(if: GIRTests.isLong)) func `what a killed worker left is taken over`() async throws {
            let scene = try await GIRScene()
            // Killed between upload and registration, and in the middle of an upload that the store takes for whole later.
            for (fault, isEncrypted) in [
                (
                    #"{"kind": "status", "status": 503, "method": "POST", "path": "screen-recordings$", "times": -1}"#,
                    false
                ),
                (
                    #"{"kind": "status", "status": 503, "method": "POST", "path": "screen-recordings$", "times": -1}"#,
                    true
                ),
                (#"{"service": "webdav", "kind": "stall", "bytes": 20000, "seconds": 5}"#, false),
            ] {
                try await scene.site.tell("DELETE", "results")
                try await scene.site.fault(fault)
                let query = scene.query(try scene.pair(encrypted: isEncrypted))
                let worker = try scene.start(["advanced.call_recording_query_string": query])
                try await Task.sleep(for: .seconds(3))
                worker.send(SIGKILL)
                worker.wait()
                try await scene.site.calm()
                try await Task.sleep(for: .seconds(4))
                let (code, said) = try scene.batch(query)
                #expect(code == 0, "\(said)")
                let verdict = try await scene.site.verdict()
                #expect(verdict.done == 1 && verdict.doubles == 0, "\(verdict)")
                let stored = try scene.stored()
                #expect(verdict.orphans == 0, "\(stored)")
                #expect(try scene.temporaryLeftovers() == "")
            }
        }
    }
}

private enum JSONText {
    /// A JSON string with this text in it.
    static func quoted(_ text: String) throws -> [UInt8] {
        let plain = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: " ")
        return Array("\"\(plain)\"".utf8)
    }
}
