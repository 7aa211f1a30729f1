import Glibc
import HTTP
import Planning
import Support
import Testing
import Vocabulary

@testable import Interaction

extension SiteTests {
    /// Real servers. Some ignore conditions of a PUT, and some keep what came of an upload that was cut.
    @Suite struct CarelessStoreTests {
        private static let leavesShortFiles: Set = ["rclone", "wsgidav"]
        private static let ignoresConditions: Set = ["rclone", "nginx"]

        private func scene(_ store: String) async throws -> InteractionScene {
            let scene = try await InteractionScene()
            try await scene.site.choose(#"{"store": "\#(store)"}"#)
            return scene
        }

        private func address(_ scene: InteractionScene, _ name: String) -> HTTPAddress {
            scene.site.address("dav").appending("recordings", "screen", name)
        }

        private func size(_ scene: InteractionScene, _ name: String) -> Int? {
            var found = stat()
            return stat("\(scene.site.directory)/www/recordings/screen/\(name)", &found) == 0 ? found.st_size : nil
        }

        private func publish(
            _ bytes: [UInt8], _ scene: InteractionScene, stage: String = "careless.part", target: String = "careless"
        ) async throws -> WebDAV.Publication {
            let file = ScratchFile(bytes)
            return try await scene.webDAV.publish(
                file.descriptor, byteCount: Int64(bytes.count), digest: Digest(of: bytes),
                stage: address(scene, stage), target: address(scene, target))
        }

        @Test(arguments: PlaySite.stores)
        func `what an upload that was cut left behind is never taken for whole`(store: String) async throws {
            let scene = try await scene(store)
            // Its file is shorter than was said.
            let file = ScratchFile(content(100_000))
            let request = HTTPRequest(
                "PUT", address(scene, "cut.part"), body: .file(descriptor: file.descriptor, byteCount: 900_000))
            await #expect(throws: HTTPFailure.self) { try await scene.client.send(request, doing: "break off") }
            if Self.leavesShortFiles.contains(store) {
                // The reason for all this: a short file, as if nothing had happened.
                for _ in 0..<100 where size(scene, "cut.part") ?? 0 == 0 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                let left = try #require(size(scene, "cut.part"))
                #expect((1..<900_000).contains(left))
            }
            #expect(try await publish(content(900_000), scene, stage: "cut.part", target: "cut") == .published)
            #expect(size(scene, "cut") == 900_000 && size(scene, "cut.part") == nil)
            try await scene.webDAV.remove(address(scene, "cut"))
        }

        @Test(arguments: PlaySite.stores)
        func `where conditions are ignored nothing is overwritten all the same`(store: String) async throws {
            let scene = try await scene(store)
            let bytes = content(1000)
            #expect(try await publish(bytes, scene) == .published)
            let file = ScratchFile([1])
            let condition = HTTPRequest(
                "PUT", address(scene, "careless"), headers: [("If-None-Match", "*")],
                body: .file(descriptor: file.descriptor, byteCount: 1))
            let answer = try await scene.client.send(condition, doing: "try")
            #expect(answer.isSuccess == Self.ignoresConditions.contains(store), "\(answer.status)")
            if answer.isSuccess {
                try await scene.webDAV.remove(address(scene, "careless"))
                #expect(try await publish(bytes, scene) == .published)
            }
            #expect(
                try await publish([2], scene) == .otherStands(byteCount: 1000, digest: Digest(of: bytes)))
            #expect(try await publish(bytes, scene) == .stoodAlready)
            // What came to stand while the staged file was on its way: MOVE itself has to refuse.
            let other = ScratchFile([3])
            try await put(other, 1, at: address(scene, "careless.part"), scene)
            let move = HTTPRequest(
                "MOVE", address(scene, "careless.part"),
                headers: [("Destination", address(scene, "careless").text), ("Overwrite", "F")])
            #expect(try await scene.client.send(move, doing: "try").status == 412)
            #expect(size(scene, "careless") == 1000)
            for name in ["careless", "careless.part"] { try await scene.webDAV.remove(address(scene, name)) }
        }

        private func put(
            _ file: ScratchFile, _ count: Int64, at address: HTTPAddress, _ scene: InteractionScene
        ) async throws {
            let request = HTTPRequest("PUT", address, body: .file(descriptor: file.descriptor, byteCount: count))
            #expect(try await scene.client.send(request, doing: "put").isSuccess)
        }
    }
}
