import Glibc
import Interaction
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// The way of a result over each of the servers that sites have for stores: what they leave of an upload that was cut, and
    /// what they do about a name that is taken, decide nothing.
    @Suite struct Stores {
        private static let leavesShortFiles: Set = ["rclone", "wsgidav"]

        /// At each run those that are likeliest to do harm, all of them in the long one.
        private static func tried(_ stores: [String]) -> [String] {
            PlaySite.stores.filter { GIRTests.isLong || stores.contains($0) }
        }

        private func scene(_ store: String) async throws -> GIRScene {
            let scene = try await GIRScene()
            try await scene.site.choose(#"{"store": "\#(store)"}"#)
            return scene
        }

        private func place(_ scene: GIRScene, _ name: String) -> String {
            scene.site.directory + "/www/recordings/screen/" + name
        }

        /// The names of uploads on their way, with what there is of each.
        private func staged(_ scene: GIRScene) throws -> [Int] {
            try ChildProcess.run([
                "/usr/bin/find", scene.site.directory + "/www", "-name", "*.part", "-printf", "%s\n",
            ]).split(separator: "\n").compactMap { Int($0) }
        }

        @Test(arguments: tried(["rclone", "wsgidav"]))
        func `of an upload that was cut nothing is registered, and the next try makes it whole`(
            store: String
        ) async throws {
            let scene = try await scene(store)
            let pair = try scene.pair()
            let name = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])).resultName
            // Each connection is closed in the middle of what it brings, until the worker is killed between two tries.
            try await scene.site.fault(#"{"service": "webdav", "kind": "cut_up", "bytes": 20000, "times": 100}"#)
            let worker = try scene.start(["advanced.call_recording_query_string": scene.query(pair)])
            let isCut = try await scene.wait(upTo: .seconds(60)) {
                try await scene.site.cutCount() > 0
                    && (!Self.leavesShortFiles.contains(store) || staged(scene).contains { $0 > 0 })
            }
            worker.send(SIGKILL)
            worker.wait()
            try #require(isCut, "\(scene.log)")
            let left = try staged(scene)
            #expect(!left.isEmpty == Self.leavesShortFiles.contains(store), "\(left)")
            #expect(access(place(scene, name), F_OK) != 0)
            var verdict = try await scene.site.verdict()
            #expect(verdict.done == 0 && verdict.unexpected == 0, "\(verdict)")

            try await scene.site.tell("DELETE", "faults")
            let (code, said) = try scene.batch(scene.query(pair))
            #expect(code == 0 && said.contains("1 results made"), "\(said)")
            verdict = try await scene.site.verdict()
            #expect(
                verdict.done == 1 && verdict.doubles == 0 && verdict.broken == 0 && verdict.orphans == 0, "\(verdict)")
            let whole = try readSample(place(scene, name)).count
            #expect(left.allSatisfy { 0 < $0 && $0 < whole })
            #expect(try staged(scene).isEmpty)
            let length = try #require(try await scene.lengths().first)
            #expect(abs(length - Double(pair.milliseconds) / 1000) < 0.6)
        }

        @Test(arguments: tried(["nginx"]))
        func `what came to stand under the name while a result was on its way is not written over`(
            store: String
        ) async throws {
            let scene = try await scene(store)
            let pair = try scene.pair()
            let name = SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])).resultName
            let first = try scene.batch(scene.query(pair))
            try #require(first.code == 0, "\(first.said)")
            // As another worker made it, that is of other bytes and whole: with an empty box at its end.
            let other = try readSample(place(scene, name)) + [0, 0, 0, 8] + Array("free".utf8)
            try await scene.site.tell("DELETE", "results")
            #expect(access(place(scene, name), F_OK) != 0)
            try await scene.site.fault(
                #"{"service": "webdav", "kind": "stall", "bytes": 20000, "seconds": 2, "times": 8}"#)
            let worker = try scene.start(["advanced.call_recording_query_string": scene.query(pair)])
            let isOnItsWay = try await scene.wait(upTo: .seconds(60)) { try await scene.site.cutCount() > 0 }
            try writeSample(other, to: place(scene, name))
            // Apache is somebody else.
            chmod(place(scene, name), 0o666)
            #expect(isOnItsWay && worker.wait() == 0, "\(scene.log)")
            #expect(try readSample(place(scene, name)) == other)
            let verdict = try await scene.site.verdict()
            #expect(
                verdict.done == 1 && verdict.doubles == 0 && verdict.broken == 0 && verdict.orphans == 0, "\(verdict)")
            #expect(try staged(scene).isEmpty)
        }
    }
}
