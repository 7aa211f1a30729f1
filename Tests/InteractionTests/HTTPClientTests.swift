import HTTP
import Support
import Testing
import Vocabulary

@testable import Interaction

extension SiteTests {
    @Suite struct HTTPClientTests {
        private func send(
            _ client: HTTPClient, _ request: HTTPRequest
        ) async throws(HTTPFailure) -> HTTPAnswer { try await client.send(request, doing: "try") }

        private func version(_ scene: InteractionScene) -> HTTPAddress {
            scene.site.address("rws").appending("api", "v2", "diagnostics", "version")
        }

        private func failure(_ scene: InteractionScene, _ request: HTTPRequest) async -> HTTPFailure
            .Code?
        {
            do {
                _ = try await send(scene.client, request)
                return nil
            } catch {
                return error.code
            }
        }

        @Test func `a certificate that nobody signed who is trusted is refused, and nothing is sent`()
            async throws
        {
            let scene = try await InteractionScene()
            await #expect(throws: HTTPFailure.self) {
                try await send(HTTPClient(), HTTPRequest("GET", version(scene)))
            }
            #expect(try await scene.site.requestCount("rws") == 0)
            #expect(try await send(scene.client, HTTPRequest("GET", version(scene))).status == 200)
        }

        @Test func `a login goes to its own origin only`() async throws {
            let scene = try await InteractionScene()
            let rws = scene.site.address("rws")
            let client = HTTPClient(
                logins: scene.site.logins.filter { $0.key == rws.origin },
                authorities: scene.site.authorities)
            #expect(
                try await send(client, HTTPRequest("GET", rws.appending("api", "v2", "me"))).status == 200)
            let rcs = scene.site.address("rcs").appending("rcs", "recordings", "1", "play", "1.mp3")
            #expect(try await send(client, HTTPRequest("GET", rcs)).status == 401)
        }

        @Test func `a redirect is an answer, and is not followed`() async throws {
            let scene = try await InteractionScene()
            let target = scene.site.address("rcs").appending("rcs", "version").text
            try await scene.site.fault(#"{"kind": "redirect", "location": "\#(target)"}"#)
            #expect(try await send(scene.client, HTTPRequest("GET", version(scene))).status == 302)
            #expect(try await scene.site.requestCount("rcs") == 0)
        }

        @Test func `of a refusal's page of a megabyte 64 KiB are kept, and a line is told`()
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "status", "status": 503, "bytes": 1048576}"#)
            let answer = try await send(scene.client, HTTPRequest("GET", version(scene)))
            #expect(answer.status == 503 && answer.body.count == HTTPAnswer.mostOfRefusal)
            #expect(answer.excerpt.count <= 200 && answer.excerpt.hasPrefix("Something went wrong"))
            try await scene.site.fault(#"{"kind": "status", "status": 500, "bytes": 10000000}"#)
            #expect(try await send(scene.client, HTTPRequest("GET", version(scene))).status == 500)
        }

        @Test func `a success that is longer than allowed is refused`() async throws {
            let scene = try await InteractionScene()
            #expect(await failure(scene, HTTPRequest("GET", version(scene), mostBytes: 10)) == .tooLarge)
        }

        @Test(arguments: [#"{"kind": "cut"}"#, #"{"kind": "lost"}"#, #"{"kind": "short", "bytes": 5}"#])
        func `a connection that ends before the answer does is broken`(fault: String) async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(fault)
            #expect(await failure(scene, HTTPRequest("GET", version(scene))) == .broken)
        }

        @Test func `a server that stands still is waited for as long as was said`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "delay", "seconds": 20, "times": 2}"#)
            var request = HTTPRequest("GET", version(scene))
            let started = ContinuousClock.now
            request.patience = .init(silence: .seconds(1), total: .seconds(15))
            #expect(await failure(scene, request) == .broken)
            request.patience = .init(silence: .seconds(15), total: .milliseconds(700))
            #expect(await failure(scene, request) == .broken)
            #expect(ContinuousClock.now - started < .seconds(18))
        }

        @Test func `where nobody listens nothing was sent`() async throws {
            let scene = try await InteractionScene()
            let nobody = try #require(HTTPAddress("https://127.0.0.1:1/"))
            #expect(await failure(scene, HTTPRequest("GET", nobody)) == .unreached)
        }

        @Test func `a cancelled task ends its request at once`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "delay", "seconds": 20}"#)
            let started = ContinuousClock.now
            let task = Task { await failure(scene, HTTPRequest("GET", version(scene))) }
            try await Task.sleep(for: .milliseconds(300))
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(ContinuousClock.now - started < .seconds(15))
        }

        @Test
        func `what creates something is sent once, also where a used connection turns out to be dead`()
            async throws
        {
            let scene = try await InteractionScene()
            let client = scene.client
            _ = try await send(client, HTTPRequest("GET", version(scene)))
            try await scene.site.fault(#"{"kind": "lost", "method": "POST", "times": -1}"#)
            let request = HTTPRequest(
                "POST", version(scene), body: .bytes(Array("{}".utf8), type: "application/json"),
                createsSomething: true)
            await #expect(throws: HTTPFailure.self) { try await send(client, request) }
            #expect(try await scene.site.requestCount("rws POST") == 1)
        }

        @Test func `many requests run beside each other`() async throws {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"kind": "delay", "seconds": 1, "times": 20}"#)
            let client = scene.client
            let started = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { try await send(client, HTTPRequest("GET", version(scene))).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(ContinuousClock.now - started < .seconds(12))
        }
    }
}
