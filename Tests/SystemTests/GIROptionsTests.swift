import Glibc
import HTTP
import Postgres
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// What each option of the manual's tables changes, seen from outside: by exit code, text, results and the site's own
    /// count of what it was asked. Validity and defaults are shown by `GIRSettingsTests`.
    @Suite struct Options {
        // MARK: At a site where everything is done

        /// Calls that have the mark of a screen: all but those of another region, and those without one.
        private func done() async throws -> GIRScene {
            let scene = try await GIRScene(keepsResults: true)
            if try await !scene.site.verdict().good {
                try await scene.site.tell("DELETE", "results")
                let (code, said) = try scene.batch()
                try #require(code == 0, "\(said)")
            }
            try await scene.site.tell("DELETE", "requests")
            return scene
        }

        private func calls(_ said: String) -> Int? {
            said.split(separator: "\n").last { $0.contains(" calls found;") && !$0.contains("batch") }
                .flatMap { Int($0.prefix { $0.isNumber }) }
        }

        /// Runs until the text is said or the condition holds, and stops.
        private func runs(
            _ scene: GIRScene, _ changes: [String: String?], _ arguments: [String] = [],
            until condition: @escaping @Sendable () async throws -> Bool
        ) async throws {
            unlink(scene.logPath)
            let worker = try scene.start(changes, arguments)
            let isSeen = try await scene.wait(upTo: .seconds(30), until: condition)
            worker.send(SIGTERM)
            #expect(worker.wait() == 0)
            #expect(isSeen, "\(scene.log)")
        }

        private static let refusals: [(changes: [String: String], word: String)] = [
            (["htcc.base_uri": "https://127.0.0.1:1/"], "unavailable"),
            (["htcc.contact_center_id": "00ff"], "not found"),
            (["htcc.username": "nobody"], "permission"),
            (["htcc.password": "wrong"], "permission"),
            (["processing.ffmpeg": "/nowhere/ffmpeg"], "[processing] ffmpeg: /nowhere/ffmpeg can't be run"),
            (["processing.ffprobe": "/nowhere/ffprobe"], "[processing] ffprobe: /nowhere/ffprobe can't be run"),
            (["processing.temp_dir": "/nowhere"], "/nowhere (temp_dir) is not usable"),
        ]

        @Test(arguments: GIRTests.isLong ? Array(refusals.indices) : Array(refusals.indices.dropFirst()))
        func `a batch that cannot begin says why, and ends with 75`(
            index: Int
        ) async throws {
            let (changes, word) = Self.refusals[index]
            let scene = try await done()
            let (code, said) = try scene.batch(GIRScene.allScreens, changes)
            #expect(code == 75 && said.contains(word), "\(said)")
            #expect(!said.contains("wrong"))
        }

        @Test func `a store's address with a password in it is refused without its text`() async throws {
            let scene = try await done()
            let (code, said) = try scene.batch(
                GIRScene.allScreens, [:],
                ["--store", "https://dav.example/screens/", "--store", "https://someone:hidden@dav.example/screens/"])
            #expect(code == 75 && said.contains("--store number 2 is no address"), "\(said)")
            #expect(!said.contains("hidden") && !said.contains("someone"))
        }

        @Test func `HTCC_PASSWORD wins over the file`() async throws {
            let scene = try await done()
            let wrong = try scene.batch(GIRScene.allScreens, [:], variables: ["HTCC_PASSWORD=other"])
            #expect(wrong.code == 75 && wrong.said.contains("permission"))
            let right = try #require(scene.site.account("ops").last)
            let good = try scene.batch(
                GIRScene.allScreens, ["htcc.password": "wrong"], variables: ["HTCC_PASSWORD=\(right)"])
            #expect(good.code == 0, "\(good.said)")
        }

        @Test func `a password that is left empty is a credential of the unit`() async throws {
            let scene = try await done()
            for (name, account) in [("htcc", "ops"), ("rcs", "admin"), ("webdav", "webdav")] {
                let secret = try #require(scene.site.account(account).last)
                try writeSample(Array(secret.utf8), to: "\(scene.directory)/work/\(name)_password")
            }
            let empty = ["htcc.password": "", "rcs.password": "", "webdav.password": ""]
            let good = try scene.batch(
                GIRScene.allScreens, empty, variables: ["CREDENTIALS_DIRECTORY=\(scene.directory)/work"])
            #expect(good.code == 0, "\(good.said)")
            #expect(try scene.batch(GIRScene.allScreens, empty).code == 78)
        }

        @Test func `batch_read_screen_recording_metadata and query_slice_size say how screens are asked for`()
            async throws
        {
            let scene = try await done()
            let said = try scene.batch().said
            let all = try #require(calls(said))
            #expect(try await scene.site.requestCount("POST", "bulk") == 1)
            try await scene.site.tell("DELETE", "requests")
            _ = try scene.batch(GIRScene.allScreens, ["processing.query_slice_size": "3"])
            #expect(try await scene.site.requestCount("POST", "bulk") == (all + 2) / 3)
            try await scene.site.tell("DELETE", "requests")
            _ = try scene.batch(GIRScene.allScreens, ["processing.batch_read_screen_recording_metadata": "0"])
            #expect(try await scene.site.requestCount("POST", "bulk") == 0)
            #expect(try await scene.site.requestCount("GET", "/screen-recordings/") == all)
        }

        @Test func `pagination is the size of a page`() async throws {
            let scene = try await done()
            let said = try scene.batch().said
            let all = try #require(calls(said))
            try await scene.site.tell("DELETE", "requests")
            _ = try scene.batch(GIRScene.allScreens, ["advanced.pagination": "4"])
            #expect(try await scene.site.requestCount("ops", "/recordings") == (all + 3) / 4)
        }

        @Test func `shards divide the calls, a backup has the next primary's, and the command line wins`()
            async throws
        {
            let scene = try await done()
            func found(_ type: String, _ id: Int, _ total: Int) throws -> Int {
                let changes = [
                    "processing.muxer_type": type, "processing.muxer_id": "\(id)",
                    "processing.total_muxers": "\(total)",
                ]
                let (code, said) = try scene.batch(GIRScene.allScreens, changes)
                #expect(code == 0)
                return try #require(calls(said))
            }
            let said = try scene.batch().said
            let all = try #require(calls(said))
            let parts = try [0, 1, 2].map { try found("primary", $0, 3) }
            #expect(parts.reduce(0, +) == all && parts.allSatisfy { $0 < all })
            #expect(try [0, 1, 2].map { try found("backup", $0, 3) } == [parts[1], parts[2], parts[0]])
            let (_, other) = try scene.batch(
                GIRScene.allScreens,
                ["processing.muxer_type": "backup", "processing.muxer_id": "0", "processing.total_muxers": "9"],
                ["--muxer-type=primary", "--muxer-id=1", "--total-muxers=3"])
            #expect(calls(other) == parts[1])
        }

        @Test func `worker_threads is told, and an option that nobody knows is named`() async throws {
            let scene = try await done()
            let (code, said) = try scene.batch(
                GIRScene.allScreens, ["advanced.worker_threads": "3", "advanced.worker_treads": "5"])
            #expect(code == 0 && said.contains("muxes, 3 at once"))
            #expect(said.contains("[advanced] worker_treads") && said.contains("Did you mean worker_threads?"))
        }

        @Test func `logfile_path takes the log, and without it the working directory does`() async throws {
            let scene = try await done()
            mkdir(scene.directory + "/logs", 0o700)
            _ = try scene.batch(GIRScene.allScreens, ["logfile.logfile_path": scene.directory + "/logs"])
            let text = String(decoding: try readSample(scene.directory + "/logs/takeup-mux.log"), as: UTF8.self)
            #expect(text.contains("The batch is over"))
            _ = try scene.batch(GIRScene.allScreens, ["logfile.logfile_path": nil])
            #expect(access(scene.directory + "/work/takeup-mux.log", F_OK) == 0)
            let (code, said) = try scene.batch(GIRScene.allScreens, ["logfile.logfile_path": "/nowhere"])
            #expect(code == 0 && said.contains("[logfile] logfile_path: no log file is written there"))
        }

        // MARK: Windows

        /// Calls that workers with these changes find, in the end.
        private func found(
            _ scene: GIRScene, _ changes: [String: String?], _ arguments: [String] = [], count: Int
        ) async throws -> Int {
            let ledger = try await ScratchDatabase()
            let database = ledger.connect()
            @Sendable func rows() async throws -> Int {
                try await database.perform { session in
                    let known = try session.first("select to_regclass('takeup.site_call') is not null as is_there")
                    guard try known?.boolean("is_there") == true else { return 0 }
                    return Int(try session.first("select count(*) from takeup.site_call")?.integer("count") ?? 0)
                }
            }
            try await runs(scene, changes, ["--ledger", ledger.connectionString] + arguments) {
                try await rows() >= count && scene.log.contains("muxes")
            }
            return try await rows()
        }

        @Test func `window_past and window_past_older_than say which calls are searched for, exclusively`()
            async throws
        {
            let scene = try await done()
            let now = Int(time(nil))
            let ages = scene.site.pairs.map { (call: $0.call, minutes: (now - $0.start / 1000) / 60) }
            let cut = ages.map(\.minutes).sorted()[ages.count / 2] + 1
            let young = Set(ages.filter { $0.minutes < cut }.map(\.call)).count
            let old = Set(ages.map(\.call)).count - young
            try #require(young > 0 && old > 0)
            let first = ["processing.window_past": "\(cut)", "processing.window_past_older_than": ""]
            #expect(try await found(scene, first, count: young) == young)
            let second = ["processing.window_past": "1440", "processing.window_past_older_than": "\(cut)"]
            #expect(try await found(scene, second, count: old) == old)
        }

        @Test func `call_recording_extra_query_string narrows the search, by the version where it is empty`()
            async throws
        {
            let scene = try await done()
            let marked = Set(scene.site.pairs.map(\.call)).count
            let extra = "advanced.call_recording_extra_query_string"
            #expect(try await found(scene, [extra: ""], count: marked) == marked)
            #expect(try await found(scene, [extra: "disable"], count: marked + 1) == marked + 1)
            #expect(try await scene.site.requestCount("version") == 1)
            #expect(try await found(scene, [extra: "userName=second*"], count: 1) == 1)
            try await scene.site.choose(#"{"version": "8.5.201.13"}"#)
            #expect(try await found(scene, [extra: ""], count: marked + 1) == marked + 1)
        }

        private static let splits: [(changes: [String: String], searches: Int)] = [
            (["split_window_enabled": "0"], 1),
            (["split_window_enabled": "1"], 3),
            (["split_window_enabled": "1", "interval_buffer_minutes": "600"], 7),
            (["split_window_enabled": "1", "window_past": "2880"], 6),
            (["split_window_enabled": "1", "window_past": "2880", "max_interval_minutes": "1440"], 3),
        ]

        @Test(arguments: splits.indices)
        func `split_window_enabled, max_interval_minutes and interval_buffer_minutes cut the window`(index: Int)
            async throws
        {
            let (changes, searches) = Self.splits[index]
            let scene = try await done()
            let named = Dictionary(uniqueKeysWithValues: changes.map { ("processing.\($0.key)", $0.value) })
                .merging(["processing.min-poll_interval": "60"]) { mine, _ in mine }
            try await runs(scene, named) { try await scene.site.requestCount("POST", "bulk") > 0 }
            #expect(try await scene.site.requestCount("ops", "/recordings") == searches)
        }

        @Test func `a part of the window that RWS refuses keeps no other part from being asked for`() async throws {
            let scene = try await done()
            try await scene.site.fault(
                #"{"kind": "code", "status": 400, "statusCode": 2, "path": ".*/recordings\\?.*", "times": 1}"#)
            let changes = ["processing.split_window_enabled": "1", "processing.min-poll_interval": "60"]
            try await runs(scene, changes) { try await scene.site.requestCount("POST", "bulk") > 0 }
            #expect(try await scene.site.requestCount("ops", "/recordings") == 3)
            #expect(scene.log.contains("search RWS for call recordings"))
        }

        @Test func `workers of two RWS on one ledger share nothing, however one of them is written`() async throws {
            let scene = try await done()
            let ledger = try await ScratchDatabase()
            let port = scene.site.address("rws").origin.port
            let words = ["--ledger", ledger.connectionString]
            func sites(_ address: String) async throws -> Int64? {
                let (code, said) = try scene.batch(GIRScene.allScreens, ["htcc.base_uri": address], words)
                #expect(code == 0, "\(said)")
                return try await ledger.connect().perform { session in
                    try session.first("select count(distinct site) from takeup.site_call")?.integer("count")
                }
            }
            #expect(try await sites("https://localhost:\(port)/") == 1)
            #expect(try await sites("https://LOCALHOST:\(port)") == 1)
            #expect(try await sites("https://127.0.0.1:\(port)/") == 2)
        }

        @Test func `what RWS refuses for one call keeps no other from being looked at`() async throws {
            let scene = try await done()
            let pair = try scene.pair()
            try await scene.site.fault(
                #"{"kind": "code", "status": 400, "statusCode": 2, "method": "POST", "path": ".*/bulk", "times": -1}"#)
            try await scene.site.fault(
                #"{"kind": "code", "status": 403, "statusCode": 5, "path": ".*/screen-recordings/\#(pair.call)", "times": -1}"#
            )
            let (code, said) = try scene.batch()
            let others = scene.site.pairs.count { !$0.late && $0.call != pair.call }
            #expect(code == 1 && said.contains("0 results made and \(others) found standing"), "\(said)")
            #expect(said.contains("1 calls failed"))
        }

        @Test func `min-poll_interval is the shortest time between two searches`() async throws {
            let scene = try await done()
            let site = scene.site
            try await runs(scene, ["processing.min-poll_interval": "0.01"]) {
                try await site.requestCount("ops", "/recordings") >= 3
            }
            try await site.tell("DELETE", "requests")
            let started = ContinuousClock.now
            try await runs(scene, ["processing.min-poll_interval": nil, "processing.min_poll_interval": "10"]) {
                ContinuousClock.now - started > .milliseconds(1500)
            }
            #expect(try await site.requestCount("ops", "/recordings") == 1)
        }

        // MARK: With media

        private static let accounts: [(section: String, account: String, isEncrypted: Bool)] = [
            ("rcs", "admin", true), ("webdav", "webdav", false),
        ]

        @Test(arguments: accounts.indices) func `accounts of RCS and WebDAV are used, and the environment wins`(
            index: Int
        ) async throws {
            let (section, account, isEncrypted) = Self.accounts[index]
            let scene = try await GIRScene()
            let query = scene.query(try scene.pair(encrypted: isEncrypted))
            for option in ["username", "password"] {
                let (code, said) = try scene.batch(query, ["\(section).\(option)": "wrong"])
                #expect(code == 1 && said.contains("permission"), "\(option): \(said)")
            }
            let right = try #require(scene.site.account(account).last)
            let (code, said) = try scene.batch(
                query, ["\(section).password": "wrong"], variables: ["\(section.uppercased())_PASSWORD=\(right)"])
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            #expect(try await scene.site.verdict().orphans == 0)
        }

        @Test func `without [rcs] base_uri what is encrypted fails with a reason, and what is clear does not`()
            async throws
        {
            let scene = try await GIRScene()
            let without = ["rcs.base_uri": ""]
            let (code, said) = try scene.batch(scene.query(try scene.pair(encrypted: true)), without)
            #expect(code == 1 && said.contains("muxer.cfg names no Recording Crypto Server"), "\(said)")
            #expect(try scene.batch(scene.query(try scene.pair()), without).code == 0)
        }

        @Test func `ffmpeg is the one of the file`() async throws {
            let scene = try await GIRScene()
            let (code, said) = try scene.batch(
                scene.query(try scene.pair()), ["processing.ffmpeg": "/bin/false"])
            #expect(code == 1 && said.contains("1 calls failed"), "\(said)")
        }

        @Test func `max_overlap_allowed is how much two screens may overlap, in milliseconds`() async throws {
            let scene = try await GIRScene()
            let pair = try #require(scene.site.pairs.first { $0.kind == "segments" })
            let (code, said) = try scene.batch(scene.query(pair), ["advanced.max_overlap_allowed": "10"])
            #expect(code == 1 && said.contains("more than max_overlap_allowed"), "\(said)")
            #expect(try scene.batch(scene.query(pair), ["advanced.max_overlap_allowed": "2000"]).code == 0)
        }

        @Test func `video_padding_slice_length_ms is how long a picture of padding stands`() async throws {
            let scene = try await GIRScene()
            let pair = try scene.pair()
            func pictures(_ slice: String) async throws -> Int {
                try await scene.site.tell("DELETE", "results")
                let (code, said) = try scene.batch(
                    scene.query(pair), ["advanced.video_padding_slice_length_ms": slice])
                try #require(code == 0, "\(said)")
                return try await scene.pictureCount()
            }
            let (long, short) = (try await pictures("5000"), try await pictures("100"))
            #expect(short >= long + 10, "\(short) and \(long)")
        }
    }
}
