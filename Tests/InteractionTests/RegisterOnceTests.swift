import HTTP
import Planning
import Support
import Testing
import Vocabulary

@testable import Interaction

extension SiteTests {
    @Suite struct RegisterOnceTests {
        private func results(_ scene: InteractionScene, _ result: SiteResult) async throws -> [String] {
            try await (scene.rws().screens(of: result.call) ?? []).filter {
                result.pair.isNamed(by: $0.sources)
            }.map(\.mediaID)
        }

        @Test func `a result is registered with its session's token, and found by its pair`()
            async throws
        {
            let scene = try await InteractionScene()
            let result = scene.result(scene.pair(0))
            #expect(try await scene.rws().registerOnce(result).brief == (.registered, []))
            #expect(try await results(scene, result) == [result.pair.resultName])
            let medium = try #require(try await scene.rws().screens(of: result.call)?.last)
            #expect(medium.length == .milliseconds(5250) && medium.agent == "agent@tenant.example")
            #expect(
                try medium.storage.webDAVAddress().path == "/recordings/screen/\(result.pair.resultName)")
            // A second worker, or the same after a restart.
            #expect(try await scene.rws().registerOnce(result).brief == (.registered, []))
            #expect(try await scene.site.requestCount("POST", "screen-recordings") == 1)
        }

        @Test func `without the token's check nothing is different`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"csrf": false}"#)
            #expect(try await scene.rws().registerOnce(scene.result(scene.pair(1))).registration == .registered)
        }

        @Test func `a session that was forgotten is renewed once`() async throws {
            let scene = try await InteractionScene()
            let rws = scene.rws()
            _ = try await rws.screens(of: [scene.pair(2).call], slice: 1)
            try await scene.site.fault(#"{"kind": "forget_sessions", "method": "POST"}"#)
            #expect(try await rws.registerOnce(scene.result(scene.pair(2))).registration == .registered)
            try await scene.site.fault(
                #"{"kind": "code", "status": 403, "statusCode": 3, "method": "POST", "message": "Missing or invalid Csrf token", "times": -1}"#
            )
            let before = try await scene.site.requestCount("POST", "screen-recordings")
            #expect(
                await scene.error { try await rws.registerOnce(scene.result(scene.pair(3))) }?.code
                    == .permission)
            #expect(try await scene.site.requestCount("POST", "screen-recordings") == before + 2)
        }

        @Test func `workers whose session was forgotten go on with one new session`() async throws {
            let scene = try await InteractionScene()
            let (rws, call) = (scene.rws(), scene.pair(9).call)
            try await rws.remove("nothing.mp4", of: call)
            try await scene.site.fault(#"{"kind": "forget_sessions", "method": "DELETE"}"#)
            try await scene.site.fault(
                #"{"kind": "delay", "seconds": 0.3, "method": "GET", "path": ".*/me", "times": -1}"#)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 { group.addTask { try await rws.remove("nothing-\(number).mp4", of: call) } }
                try await group.waitForAll()
            }
            #expect(try await scene.site.requestCount("GET", "/me") == 2)
        }

        private static let hidden: [(medium: String, code: SiteError.Code, isTransient: Bool)] = [
            ("", .unavailable, true),
            (#"{"mediaId": "NAME", "type": "video/mp4", "parameters": {}}"#, .malformed, false),
        ]

        @Test(arguments: hidden.indices)
        func `what RWS took and does not show, or not with its sources, is not registered`(index: Int) async throws {
            let (medium, code, isTransient) = Self.hidden[index]
            let scene = try await InteractionScene()
            let result = scene.result(scene.pair(11 + index))
            let media = medium.replacing("NAME", with: result.pair.resultName)
            let body = JSONValue.text(#"{"statusCode": 0, "recording": {"mediaFiles": [\#(media)]}}"#).asText
            try await scene.site.fault(
                #"{"kind": "garbage", "body": \#(body), "method": "GET", "path": ".*/screen-recordings/.*", "times": -1}"#
            )
            let error = await scene.error { try await scene.rws().registerOnce(result) }
            #expect(error?.code == code && error?.isTransient == isTransient)
        }

        @Test
        func `what was made of fewer screens goes where the result of all of them stands, what others made stays`()
            async throws
        {
            let scene = try await InteractionScene()
            let (rws, pair) = (scene.rws(), scene.pair(13))
            func result(_ screens: String...) -> SiteResult {
                let whole = scene.result(pair)
                return SiteResult(
                    call: whole.call, region: whole.region, pair: SourcePair(sound: pair.media[0], screens: screens),
                    start: whole.start, length: whole.length, byteCount: 3, storage: whole.storage, agent: nil)
            }
            let (lesser, greater) = (result("a", "b"), result("a", "b", "c"))
            try await rws.register(lesser.body(SiteDialect()))
            try await rws.register(result("b", "c").body(SiteDialect()).replacing(name: "theirs.mp4"))
            #expect(try await rws.removeLesser(than: greater.pair, of: pair.call).isEmpty)
            try await rws.register(greater.body(SiteDialect()))
            #expect(try await rws.removeLesser(than: greater.pair, of: pair.call) == [lesser.pair.resultName])
            let names = Set(try await rws.screens(of: pair.call)?.map(\.mediaID) ?? [])
            #expect(names.isSuperset(of: ["theirs.mp4", greater.pair.resultName]))
        }

        @Test func `an answer that was lost is resolved by asking for the id, though the index lags`()
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"index_lag": 3600, "same_media_id": "append"}"#)
            try await scene.site.fault(#"{"kind": "lost", "method": "POST"}"#)
            let result = scene.result(scene.pair(4))
            #expect(try await scene.rws().registerOnce(result).brief == (.registered, []))
            #expect(try await results(scene, result).count == 1)
            #expect(try await scene.site.requestCount("POST", "screen-recordings") == 1)
        }

        @Test(arguments: [
            #"{"kind": "cut", "method": "POST"}"#,
            #"{"kind": "status", "status": 500, "method": "POST"}"#,
        ])
        func `a request that was not carried out is known not to have been, and succeeds later`(
            fault: String
        ) async throws {
            let scene = try await InteractionScene()
            let result = scene.result(scene.pair(fault.contains("cut") ? 5 : 6))
            try await scene.site.fault(fault)
            #expect(
                await scene.error { try await scene.rws().registerOnce(result) }?.code == .unavailable)
            #expect(try await results(scene, result).isEmpty)
            #expect(try await scene.rws().registerOnce(result).registration == .registered)
        }

        @Test func `doubles of others converge to the one whose name derives from the pair`()
            async throws
        {
            let scene = try await InteractionScene()
            let result = scene.result(scene.pair(7))
            let rws = scene.rws()
            // As the old tool would: the same sources in another order, under a name of its own.
            for name in ["b.mp4", "a.mp4"] {
                let body = result.body(SiteDialect()).replacing(name: name)
                try await rws.register(body)
            }
            #expect(try await rws.registerOnce(result).brief == (.standsAlready("a.mp4"), ["b.mp4"]))
            try await rws.register(result.body(SiteDialect()))
            #expect(try await rws.registerOnce(result).brief == (.registered, ["a.mp4"]))
            #expect(try await results(scene, result) == [result.pair.resultName])
        }

        @Test func `two workers at once leave one result`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"same_media_id": "refuse"}"#)
            let result = scene.result(scene.pair(8))
            try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    let rws = scene.rws()
                    group.addTask { try await rws.registerOnce(result).registration }
                }
                for try await outcome in group { #expect(outcome == .registered) }
            }
            #expect(try await results(scene, result) == [result.pair.resultName])
        }

        @Test func `several records of one media id are counted`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"same_media_id": "append"}"#)
            let (rws, result) = (scene.rws(), scene.result(scene.pair(10)))
            for _ in 1...2 { try await rws.register(result.body(SiteDialect())) }
            let registered = try await rws.registerOnce(result)
            #expect(registered.registration == .registered && registered.media.count == 2)
            try await rws.remove(result.pair.resultName, of: result.call)
        }

        @Test func `a refusal is final, and leaves nothing behind`() async throws {
            let scene = try await InteractionScene()
            let pair = scene.pair(9)
            let wrong = SiteResult(
                call: pair.call, region: "us2", pair: SourcePair(sound: "a", screens: ["b"]),
                start: Instant(microseconds: 0), length: .seconds(1), byteCount: 1,
                storage: scene.site.address("dav"), agent: nil)
            let error = await scene.error { try await scene.rws().registerOnce(wrong) }
            #expect(error?.code == .refused && error?.isTransient == false)
            #expect(try await results(scene, wrong).isEmpty)
        }

        @Test func `a screen that is gone already is removed`() async throws {
            let scene = try await InteractionScene()
            try await scene.rws().remove("nothing.mp4", of: scene.pair(9).call)
        }
    }

    @Suite struct SourcePairTests {
        @Test func `a name derives from the pair alone, and from every part of it`() {
            let pair = SourcePair(sound: "a", screens: ["b", "c"])
            #expect(pair.resultName == SourcePair(sound: "a", screens: ["c", "b"]).resultName)
            #expect(pair.resultName.count == 40 && pair.resultName.hasSuffix(".mp4"))
            let others = [
                SourcePair(sound: "a", screens: ["b"]), SourcePair(sound: "b", screens: ["a", "c"]),
                SourcePair(sound: "a", screens: ["bc"]), SourcePair(sound: "ab", screens: ["c"]),
            ]
            #expect(Set(([pair] + others).map(\.resultName)).count == 5)
        }

        @Test func `an encrypted result is told of with its envelope and the certificate's alias`()
            throws
        {
            let storage = try #require(HTTPAddress("https://dav/r/"))
            let result = SiteResult(
                call: "c", region: "eu1", pair: SourcePair(sound: "a", screens: ["b"]),
                start: Instant(microseconds: 0),
                length: .milliseconds(61_005), byteCount: 7, storage: storage, agent: nil,
                encryption: .init(alias: "rcs_1", envelope: "PEM"))
            let medium = result.body(SiteDialect())["mediaFiles"]?.list?.first
            #expect(medium?["pkcs7"]?.text == "PEM" && medium?["certAlias"]?.text == "rcs_1")
            #expect(medium?["duration"]?.text == "61.005" && medium?["size"]?.text == "7")
            #expect(medium?["mediaDescriptor"]?["data"]?["storagePath"]?.text == "https://dav:443/r/")
            #expect(medium?["parameters"]?["contact"] == nil)
            var dialect = SiteDialect()
            dialect.namesSoundFirst = false
            let other = result.body(dialect)["mediaFiles"]?.list?.first
            #expect(other?["parameters"]?["muxed_mediaIds"]?.list?.map(\.text) == ["b", "a"])
        }

        @Test func `a file of a worker's own has the pair's name and its own, which its staged name tells`() throws {
            let pair = SourcePair(sound: "a", screens: ["b"])
            let names = pair.ownNames("one")
            #expect(Set(names + pair.ownNames("other") + [pair.resultName]).count == 7)
            #expect(names.allSatisfy { $0.hasPrefix(pair.resultName.dropLast(4)) && $0.hasSuffix(".mp4") })
            let store = try #require(HTTPAddress("https://dav/r/"))
            let files = SourcePair.ownFiles(staged: store.appending(pair.stagedName("one")))
            #expect(files.map(\.lastName) == names && files[0].text == "https://dav:443/r/\(names[0])")
            #expect(SourcePair.ownFiles(staged: store.appending(pair.resultName)).isEmpty)
        }

        @Test func `sources are compared in any order`() {
            let pair = SourcePair(sound: "a", screens: ["b", "c"])
            #expect(pair.isNamed(by: ["c", "a", "b"]))
            #expect(!pair.isNamed(by: ["a", "b"]) && !pair.isNamed(by: nil) && !pair.isNamed(by: []))
        }
    }
}

extension Registered {
    fileprivate var brief: (Registration, [String]) { (registration, removed) }
}

extension JSONValue {
    /// The same insertion under another name, its sources the other way round.
    fileprivate func replacing(name: String) -> JSONValue {
        guard case .object(var top) = self, var medium = top["mediaFiles"]?.list?.first?.members,
            var parameters = medium["parameters"]?.members
        else { return self }
        parameters["muxed_mediaIds"] = .list(
            Array((parameters["muxed_mediaIds"]?.list ?? []).reversed()))
        medium["parameters"] = .object(parameters)
        medium["mediaId"] = .text(name)
        top["mediaFiles"] = .list([.object(medium)])
        return .object(top)
    }
}
