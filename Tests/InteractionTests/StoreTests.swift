import Glibc
import HTTP
import Planning
import Support
import Testing
import Vocabulary

@testable import Interaction

/// A file of a test's own, gone with it.
final class ScratchFile {
    let path = "/tmp/takeup-store-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor: CInt

    init(_ bytes: [UInt8] = []) {
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    var bytes: [UInt8] {
        var room = [UInt8](repeating: 0, count: 1 << 22)
        let count = pread(descriptor, &room, room.count, 0)
        return Array(room.prefix(count))
    }
}

func content(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
}

extension SiteTests {
    @Suite struct WebDAVTests {
        private func publish(
            _ scene: InteractionScene, _ bytes: [UInt8], _ name: String, base: HTTPAddress? = nil
        ) async throws -> WebDAV.Publication {
            let base = base ?? scene.site.address("dav").appending("recordings", "screen")
            let file = ScratchFile(bytes)
            return try await scene.webDAV.publish(
                file.descriptor, byteCount: Int64(bytes.count), digest: Digest(of: bytes),
                stage: base.appending(name + ".part"), target: base.appending(name))
        }

        private func remove(_ scene: InteractionScene, _ name: String) async throws {
            try await scene.webDAV.remove(
                scene.site.address("dav").appending("recordings", "screen", name))
        }

        @Test func `a file gets its name when it is whole, and a second time finds it`() async throws {
            let scene = try await InteractionScene()
            let bytes = content(300_000)
            #expect(try await publish(scene, bytes, "one.mp4") == .published)
            #expect(try scene.site.stored("recordings/screen/one.mp4") == bytes)
            #expect(try await publish(scene, bytes, "one.mp4") == .stoodAlready)
            let other = WebDAV.Publication.otherStands(byteCount: 300_000, digest: Digest(of: bytes))
            #expect(try await publish(scene, content(5), "one.mp4") == other)
            #expect(try scene.site.stored("recordings/screen/one.mp4") == bytes)
            try await remove(scene, "one.mp4")
            try await remove(scene, "one.mp4")
            #expect(throws: (any Error).self) { try scene.site.stored("recordings/screen/one.mp4.part") }
        }

        @Test func `what a dead worker left under the staged name is written over`() async throws {
            let scene = try await InteractionScene()
            let stage = scene.site.address("dav").appending("recordings", "screen", "left.mp4.part")
            let half = ScratchFile(content(1000))
            let put = HTTPRequest("PUT", stage, body: .file(descriptor: half.descriptor, byteCount: 1000))
            #expect(try await scene.client.send(put, doing: "leave a part").isSuccess)
            #expect(try await publish(scene, content(2000), "left.mp4") == .published)
            #expect(try scene.site.stored("recordings/screen/left.mp4") == content(2000))
            try await remove(scene, "left.mp4")
        }

        @Test(arguments: [
            #""kind": "cut_up", "bytes": 60000"#, #""kind": "cut_up", "bytes": 1200"#,
            #""kind": "cut_down", "bytes": 4000"#, #""kind": "stall", "bytes": 30000, "seconds": 1"#,
        ])
        func `an upload over a way that is cut or stands still arrives whole`(fault: String)
            async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.fault(#"{"service": "webdav", "times": 2, \#(fault)}"#)
            let bytes = content(200_000)
            #expect(try await publish(scene, bytes, "cut.mp4") == .published)
            #expect(try scene.site.stored("recordings/screen/cut.mp4") == bytes)
            try await remove(scene, "cut.mp4")
        }

        @Test func `of two workers one gives the name, and both end well`() async throws {
            let scene = try await InteractionScene()
            let base = scene.site.address("dav").appending("recordings", "screen")
            let bytes = content(50_000)
            try await withThrowingTaskGroup { group in
                for number in 0..<6 {
                    group.addTask {
                        let file = ScratchFile(bytes)
                        return try await scene.webDAV.publish(
                            file.descriptor, byteCount: 50_000, digest: Digest(of: bytes),
                            stage: base.appending("both.part\(number)"), target: base.appending("both.mp4"))
                    }
                }
                for try await outcome in group {
                    #expect(outcome == .published || outcome == .stoodAlready)
                }
            }
            for number in 0..<6 {
                #expect(throws: (any Error).self) {
                    try scene.site.stored("recordings/screen/both.part\(number)")
                }
            }
            try await remove(scene, "both.mp4")
        }

        @Test func `a collection that is missing is made`() async throws {
            let scene = try await InteractionScene()
            let base = scene.site.address("dav").appending("recordings", "screen", "node7")
            #expect(try await publish(scene, content(10), "a.mp4", base: base) == .published)
            #expect(try scene.site.stored("recordings/screen/node7/a.mp4") == content(10))
            try await scene.webDAV.remove(base)
        }

        @Test func `a store that gives back other bytes is told of, and no name is given`() async throws {
            let scene = try await InteractionScene()
            // A store that says yes to everything and keeps something else.
            let base = scene.site.address("rws")
            for method in ["PUT", "DELETE"] {
                try await scene.site.fault(
                    #"{"kind": "garbage", "body": "x", "method": "\#(method)", "times": -1}"#)
            }
            try await scene.site.fault(#"{"kind": "garbage", "body": "x", "path": "part", "times": -1}"#)
            let error = await scene.error { try await publish(scene, content(10), "a.mp4", base: base) }
            #expect(error?.code == .damaged)
            #expect(try await scene.site.requestCount("MOVE") == 0)
        }

        @Test func `who may not give a name any more gives none`() async throws {
            let scene = try await InteractionScene()
            let base = scene.site.address("dav").appending("recordings", "screen")
            let file = ScratchFile(content(10))
            let error = await scene.error {
                try await scene.webDAV.publish(
                    file.descriptor, byteCount: 10, digest: Digest(of: content(10)), stage: base.appending("late.part"),
                    target: base.appending("late.mp4")
                ) { () async throws(SiteError) in throw SiteError(.cancelled, doing: "be late") }
            }
            #expect(error?.code == .cancelled)
            #expect(try scene.site.stored("recordings/screen/late.part") == content(10))
            #expect(throws: (any Error).self) { try scene.site.stored("recordings/screen/late.mp4") }
            try await remove(scene, "late.part")
        }

        @Test func `the size of a file comes without its bytes`() async throws {
            let scene = try await InteractionScene()
            #expect(try await publish(scene, content(70_000), "size.mp4") == .published)
            let file = scene.site.address("dav").appending("recordings", "screen", "size.mp4")
            // More than this of an answer to anything else would be cut.
            try await scene.site.fault(#"{"service": "webdav", "kind": "cut_down", "bytes": 20000}"#)
            #expect(try await WebDAV(asking: scene.asking(attempts: 1)).byteCount(of: file) == 70_000)
            try await scene.site.calm()
            try await remove(scene, "size.mp4")
            #expect(try await scene.webDAV.byteCount(of: file) == nil)
        }

        @Test func `a wrong password is told of at once`() async throws {
            let scene = try await InteractionScene()
            let store = WebDAV(asking: scene.asking(HTTPClient(authorities: scene.site.authorities)))
            let target = scene.site.address("dav").appending("recordings", "screen", "a.mp4")
            let file = ScratchFile([1])
            let error = await scene.error {
                try await store.publish(
                    file.descriptor, byteCount: 1, digest: Digest(of: [1]), stage: target, target: target)
            }
            #expect(error?.code == .permission)
            #expect(scene.waits.list.isEmpty)
        }

        @Test func `fetching gives what the store has, and no more than allowed`() async throws {
            let scene = try await InteractionScene()
            let screen = try #require(try await scene.rws().screens(of: scene.pair(10).call)?.first)
            let address = try screen.storage.webDAVAddress()
            let file = ScratchFile(content(4_000_000))
            let found = try await scene.webDAV.fetch(address, into: file.descriptor, mostBytes: 1 << 20)
            let stored = try scene.site.stored("recordings/screen/\(screen.mediaID)")
            #expect(
                file.bytes == stored && found.digest == Digest(of: stored)
                    && found.byteCount == stored.count)
            #expect(
                await scene.error {
                    try await scene.webDAV.fetch(address, into: file.descriptor, mostBytes: 100)
                }?.code == .malformed)
        }
    }

    @Suite struct RCSTests {
        @Test(arguments: [false, true])
        func `encrypted media come clear, sound and screens, wherever RCS has the screens`(hasCenter: Bool) async throws
        {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"rcs_has_center": \#(hasCenter)}"#)
            let pair = try #require(
                scene.site.pairs.first { $0.encrypted && !$0.late && $0.media.count == 2 })
            let call = try #require(try await scene.rws().call(pair.call))
            let sound = try #require(call.media.first { $0.mediaID == pair.media[0] })
            let screen = try #require(
                try await scene.rws().screens(of: pair.call)?.first { $0.mediaID == pair.media[1] })
            let length = Int((call.stop! - call.start!).components.seconds)
            for (medium, name) in [(sound, "\(length)-sound.mp3"), (screen, "\(length)-whole.mp4")] {
                let file = ScratchFile()
                let found = try await scene.rcs.fetch(medium, into: file.descriptor, mostBytes: 1 << 22)
                #expect(file.bytes == (try scene.site.pool(name)))
                #expect(found.digest == Digest(of: file.bytes))
            }
        }

        @Test(arguments: [
            #"{"service": "rcs", "kind": "short", "bytes": 2000}"#,
            #"{"service": "rcs", "kind": "status", "status": 503, "bytes": 1000000}"#,
            #"{"service": "rcs", "kind": "cut"}"#,
        ])
        func `a medium that was cut is fetched anew, from its start`(fault: String) async throws {
            let scene = try await InteractionScene()
            let pair = try #require(scene.site.pairs.first { $0.encrypted && !$0.late })
            let call = try #require(try await scene.rws().call(pair.call))
            let sound = try #require(call.media.first { $0.mediaID == pair.media[0] })
            try await scene.site.fault(fault)
            let file = ScratchFile()
            _ = try await scene.rcs.fetch(sound, into: file.descriptor, mostBytes: 1 << 22)
            let length = Int((call.stop! - call.start!).components.seconds)
            #expect(file.bytes == (try scene.site.pool("\(length)-sound.mp3")))
        }

        @Test(arguments: [
            ("https://rws:1/api/v2/recordings/a/play/b.mp3", ["/rcs/recordings/a/play/b.mp3"]),
            ("/recordings/a/play/b.mp3", ["/rcs/recordings/a/play/b.mp3"]),
            (
                "https://rws:1/internal-api/contact-centers/c/screen-recordings/a/content/b.mp4",
                ["/rcs/screen-recordings/a/content/b.mp4", "/rcs/contact-centers/c/screen-recordings/a/content/b.mp4"]
            ),
            (
                "https://rws:1/api/v2/ops/contact-centers/c/recordings/a/play/b.mp3",
                ["/rcs/recordings/a/play/b.mp3", "/rcs/ops/contact-centers/c/recordings/a/play/b.mp3"]
            ),
            (
                "https://rws:1/api/v2/contact-centers/c/user-recordings/a/play/b.mp3.bin",
                ["/rcs/contact-centers/c/user-recordings/a/play/b.mp3.bin"]
            ),
            ("https://elsewhere:9/rcs/recordings/a/play/b.mp3", ["/rcs/recordings/a/play/b.mp3"]),
        ])
        func `RCS has a medium under its own origin, whatever host its address names`(
            address: String, paths: [String]
        ) throws {
            for base in ["https://rcs:8008/", "https://rcs:8008/rcs", "https://rcs:8008"] {
                let server = try #require(HTTPAddress(base))
                let rcs = RCS(base: server, asking: Asking(client: HTTPClient()))
                #expect(rcs.addresses(of: address).map(\.text) == paths.map { "https://rcs:8008" + $0 })
            }
        }

        @Test func `RWS plays a medium under its own origin, whatever host its address names`() throws {
            let path = "/api/v2/recordings/a/play/b.mp3"
            for (base, own) in [("https://rws:1", path), ("https://rws:1/gws/", "/gws" + path)] {
                let rws = RWS(
                    base: try #require(HTTPAddress(base)), contactCenter: "c", asking: Asking(client: HTTPClient()))
                for address in ["http://inside:8080" + path, "http://inside/other" + path, path] {
                    #expect(rws.address(ofPlayed: address)?.text == "https://rws:1" + own)
                }
                for address in ["", "http://inside/recordings/a.mp3", "a/b", "http://a@b" + path + "#c"] {
                    #expect(rws.address(ofPlayed: address) == nil, "\(address)")
                }
            }
        }
    }
}
