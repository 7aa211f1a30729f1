import HTTP
import Planning
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Interaction

extension SiteTests {
    @Suite struct RWSTests {
        private func search(
            _ rws: RWS, limit: Int = 100, criteria: [(name: String, value: String)] = [],
            window: SearchWindow? = nil
        ) async throws -> [SiteCall] {
            let found = Mutex<[SiteCall]>([])
            try await rws.search(window, criteria: criteria, limit: limit) { page throws(SiteError) in
                found.withLock { $0 += page }
            }
            return found.withLock { $0 }
        }

        // MARK: Version and criteria

        @Test(arguments: [("8.5.201.14", true), ("8.5.201.13", false), ("unknown", false)])
        func `the mark of screens is asked for where the version knows it`(version: String, knows: Bool)
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"version": "\#(version)"}"#)
            let criteria = try await scene.rws().criteriaByVersion()
            #expect(criteria.map(\.value) == (knows ? ["SRSScreenRecordingStateStarted"] : []))
            let calls = try await search(scene.rws(), criteria: criteria)
            #expect(calls.allSatisfy(\.hasScreenMark) == knows)
        }

        // MARK: Pages

        @Test(arguments: [7, 50, 100]) func `every call of a window is shown once, over all pages`(
            limit: Int
        ) async throws {
            let scene = try await InteractionScene()
            let calls = try await search(scene.rws(), limit: limit)
            #expect(Set(calls.map(\.id)).count == calls.count && calls.count > 100)
            #expect(Set(scene.site.pairs.map(\.call)).subtracting(calls.map(\.id)).isEmpty)
            let pages = try await scene.site.requestCount("GET", "/recordings")
            #expect(pages == (calls.count + limit - 1) / limit)
        }

        @Test func `a window leaves out what began before it or ended after it`() async throws {
            let scene = try await InteractionScene()
            let all = try await search(scene.rws()).compactMap(\.start).sorted()
            let window = SearchWindow(from: all[20], to: all[60])
            let some = try await search(scene.rws(), limit: 10, window: window)
            #expect(some.allSatisfy { window.from <= $0.start! && $0.stop! <= window.to! })
            #expect((20...45).contains(some.count))
        }

        @Test(arguments: [
            #"{"page_links_absolute": true}"#, #"{"page_links": ["previous", "next"]}"#,
            #"{"page_links": ["prevPage", "nextPage"]}"#, #"{"names_itself": "http://rws-1.inside:8080"}"#,
        ])
        func `page links are found under several names, as paths and as whole addresses`(choice: String)
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(choice)
            #expect(try await search(scene.rws(), limit: 40).count > 100)
        }

        @Test(arguments: [
            #"{"paging": {"next": "PAGE"}}"#, #"{"_links": {"next": {"href": "PAGE"}}}"#,
            #"{"nextUri": "PAGE"}"#,
        ])
        func `page links are found in groups and in objects`(shape: String) async throws {
            let scene = try await InteractionScene()
            let link =
                "/api/v2/ops/contact-centers/\(scene.site.contactCenter)/recordings?limit=1&startTime=0&endTime=1"
            let members = shape.dropFirst().replacing("PAGE", with: link)
            let body = #"{"statusCode": 0, "recordings": [{"id": "a"}], \#(members)"#
            try await scene.site.fault(#"{"kind": "garbage", "body": \#(JSONValue.text(body).asText)}"#)
            #expect(try await search(scene.rws()).map(\.id) == ["a"])
            #expect(try await scene.site.requestCount("GET", "/recordings") == 2)
        }

        @Test func `pages that lead in a circle end, with what they showed handed on`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "repeat_page", "skip": 1, "times": -1}"#)
            let found = Mutex(0)
            let error = await scene.error {
                try await scene.rws().search(nil, criteria: [], limit: 50) { page throws(SiteError) in
                    found.withLock { $0 += page.count }
                }
            }
            #expect(error?.code == .paging)
            #expect(found.withLock { $0 } == 100)
        }

        @Test func `a page link to another host is not followed`() async throws {
            let scene = try await InteractionScene()
            let elsewhere = scene.site.address("rcs").appending("rcs", "version").text
            let body = #"{"statusCode": 0, "recordings": [{"id": "a"}], "nextUri": "\#(elsewhere)"}"#
            try await scene.site.fault(#"{"kind": "garbage", "body": \#(JSONValue.text(body).asText)}"#)
            let error = await scene.error { try await search(scene.rws()) }
            #expect(error?.code == .paging)
            #expect(try await scene.site.requestCount("rcs") == 0)
        }

        @Test
        func `more calls than were shown, and no link under any name, is told of and not passed over`()
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"page_links": ["zurueck", "weiter"]}"#)
            #expect(await scene.error { try await search(scene.rws(), limit: 40) }?.code == .paging)
        }

        @Test func `a full page without a link and without a total may not be all, and is told of`()
            async throws
        {
            let scene = try await InteractionScene()
            let body = #"{"statusCode": 0, "recordings": [{"id": "a"}]}"#
            try await scene.site.fault(
                #"{"kind": "garbage", "body": \#(JSONValue.text(body).asText), "times": 2}"#)
            #expect(await scene.error { try await search(scene.rws(), limit: 1) }?.code == .paging)
            #expect(try await search(scene.rws(), limit: 2).map(\.id) == ["a"])
        }

        @Test func `a record without an id is shown, too, and what comes while pages are asked for is no gap`()
            async throws
        {
            let scene = try await InteractionScene()
            let link = "/api/v2/ops/contact-centers/\(scene.site.contactCenter)/recordings?limit=2&offset=2"
            for body in [
                #"{"statusCode": 0, "totalCount": 3, "recordings": [{"id": "a"}, {}], "nextUri": "\#(link)"}"#,
                #"{"statusCode": 0, "totalCount": 4, "recordings": [{"id": "b"}]}"#,
            ] {
                try await scene.site.fault(#"{"kind": "garbage", "body": \#(JSONValue.text(body).asText)}"#)
            }
            #expect(try await search(scene.rws(), limit: 2).map(\.id) == ["a", "b"])
        }

        // MARK: Regions

        @Test func `a call of another region is not there, by id and in searches`() async throws {
            let scene = try await InteractionScene()
            let rws = scene.rws()
            #expect(try await rws.call("nobody") == nil)
            #expect(try await rws.screens(of: "nobody") == nil)
            #expect(try await search(rws).allSatisfy { $0.region == scene.site.region })
            let known = scene.pair(0).call
            #expect(try await rws.call(known)?.id == known)
        }

        // MARK: Screens

        @Test(arguments: [1, 10, 100, 1000]) func `screens are asked for in slices`(slice: Int)
            async throws
        {
            let scene = try await InteractionScene()
            let ids = Array(Set(scene.site.pairs.filter { !$0.late }.map(\.call))).sorted()
            let found = try await scene.rws().screens(of: ids, slice: slice)
            #expect(found.keys.sorted() == ids)
            for pair in scene.site.pairs where !pair.late {
                #expect(
                    Set(pair.media.dropFirst()).isSubset(of: Set(found[pair.call]?.map(\.mediaID) ?? [])))
            }
            // Never more than an answer holds.
            let most = min(slice, 100)
            #expect(try await scene.site.requestCount("POST", "bulk") == (ids.count + most - 1) / most)
        }

        @Test func `one by one gives the same as bulk`() async throws {
            let scene = try await InteractionScene()
            let ids = scene.site.pairs.prefix(12).map(\.call)
            let bulk = try await scene.rws().screens(of: ids, slice: 5)
            #expect(try await scene.rws().screens(of: ids, slice: nil) == bulk)
        }

        @Test func `a site without the bulk question is asked one by one, and asked for it once`()
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"bulk_path": null}"#)
            let rws = scene.rws()
            let ids = scene.site.pairs.filter { !$0.late }.prefix(6).map(\.call)
            for _ in 0..<3 { #expect(try await rws.screens(of: ids, slice: 2).count == Set(ids).count) }
            #expect(try await scene.site.requestCount("rws POST") == 1)
            #expect(await rws.hasNoBulk)
        }

        @Test func `what a record says of a medium is understood`() async throws {
            let scene = try await InteractionScene()
            let pair = try #require(scene.site.pairs.first { $0.encrypted && !$0.late })
            let call = try #require(try await scene.rws().call(pair.call))
            let sound = try #require(call.media.first { $0.mediaID == pair.media[0] })
            #expect(sound.length == (call.stop! - call.start!))
            #expect(sound.envelope?.hasPrefix("-----BEGIN PKCS7-----") == true)
            let stored = try sound.storage.webDAVAddress()
            #expect(
                stored.origin == scene.site.address("dav").origin && stored.path.hasSuffix(".mp3.bin"))
            let screen = try #require(try await scene.rws().screens(of: pair.call)?.first)
            #expect(try screen.storage.webDAVAddress().path == "/recordings/screen/\(screen.mediaID)")
            let bytes = try scene.site.stored("recordings/screen/\(screen.mediaID)")
            #expect(screen.sources == nil && screen.byteCount == Int64(bytes.count))
        }

        // MARK: Settings

        @Test func `certificates and stores are read from RWS's settings`() async throws {
            let scene = try await InteractionScene()
            let certificates = try await scene.rws().certificates()
            #expect(certificates.map(\.alias) == ["rcs_Tenant:101:CN=recordings new,O=Tenant:1"])
            #expect(certificates.first?.certificate.hasPrefix("-----BEGIN CERTIFICATE-----") == true)
            #expect(
                try await scene.rws().stores() == [
                    HTTPAddress(scene.site.address("dav").text + "recordings/screen/")
                ])
        }

        // MARK: Faults

        @Test(arguments: [500, 502, 503, 504, 429])
        func `an answer that says later is asked for again, with waits that the server may lengthen`(
            status: Int
        ) async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(
                #"{"kind": "status", "status": \#(status), "bytes": 1000000, "times": 3, "retry_after": 7}"#
            )
            #expect(try await scene.rws().version() != nil)
            #expect(scene.waits.list.count == 3 && scene.waits.list.allSatisfy { $0 >= .seconds(7) })
        }

        @Test func `asking again ends, with one short line`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(
                #"{"kind": "status", "status": 503, "bytes": 1000000, "times": -1, "retry_after": 99999}"#)
            let error = await scene.error { try await scene.rws().version() }
            #expect(error?.code == .unavailable && error?.isTransient == true)
            #expect((error?.description.count ?? 0) < 400)
            #expect(scene.waits.list == [.seconds(60), .seconds(60), .seconds(60)])
            #expect(try await scene.site.requestCount("version") == 4)
        }

        @Test(arguments: [(400, 2), (401, 20), (403, 5), (409, 18), (413, 0)])
        func `an answer that says no is asked for once`(status: Int, code: Int) async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(
                #"{"kind": "code", "status": \#(status), "statusCode": \#(code), "times": -1, "message": "No 5550123456 for you"}"#
            )
            let error = await scene.error { try await scene.rws().version() }
            #expect(error?.isTransient == false)
            #expect(error?.description.contains("5550123456") == false)
            #expect(try await scene.site.requestCount("version") == 1)
        }

        @Test func `a code in a body of status 200 counts`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "code", "status": 200, "statusCode": 4, "times": 2}"#)
            #expect(try await scene.rws().version() != nil)
            try await scene.site.fault(#"{"kind": "code", "status": 200, "statusCode": 5, "times": -1}"#)
            #expect(await scene.error { try await scene.rws().version() }?.code == .permission)
        }

        @Test(arguments: [
            #"{"kind": "cut"}"#, #"{"kind": "lost"}"#, #"{"kind": "short", "bytes": 3}"#,
            #"{"kind": "garbage", "body": "<html>"}"#,
        ])
        func `a question whose answer does not come is asked again`(fault: String) async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(fault)
            #expect(try await scene.rws().version() != nil)
        }

        @Test func `a redirect is refused, whatever it leads to`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(
                #"{"kind": "redirect", "location": "\#(scene.site.address("rws").text)", "times": -1}"#)
            let error = await scene.error { try await scene.rws().version() }
            #expect(error?.code == .refused && error?.description.contains("not followed") == true)
        }

        @Test func `a slow answer is still an answer`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "slow", "rate": 100}"#)
            #expect(try await scene.rws().version() != nil)
        }
    }
}

extension JSONValue {
    var asText: String { String(decoding: bytes, as: UTF8.self) }
}
