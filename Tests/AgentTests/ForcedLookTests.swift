import Agent
import Files
import Glibc
import Planning
import Support
import Testing
import Vocabulary
import Watching

/// Looks that decide ask the server, whatever a client remembers.
@Suite(.serialized) struct ForcedLookTests {
    @Test(.timeLimit(.minutes(1)), .enabled(if: PrivateMounts.hasRemoteMounts, "bindfs and FUSE are wanted"))
    func `a look sees what was written at the server, though attributes are kept for an hour`() async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.directory("server")
            try scratch.directory("mount")
            try scratch.write([UInt8](repeating: 1, count: 1000), to: "server/a.recd")
            let mounts = try PrivateMounts()
            #expect(await mounts.isReady())
            let place = scratch.path.displayText
            try mounts.run(
                "bindfs -o attr_timeout=3600 -o entry_timeout=3600 \(place)/server \(place)/mount")
            let root = FilePath(mounts.seen(place + "/mount"))
            let threads = FileThreads(name: "look", count: 1)
            let proof = MountProof(
                MountExpectation(path: root, mustBeMountPoint: true, marker: nil), threads: threads,
                timeout: .seconds(10))
            guard case .proven(let identity) = await proof.verdict().state else {
                Issue.record("the mount does not prove itself")
                return
            }
            func rememberedSize() -> Int {
                var found = stat()
                #expect(stat((root.appending("a.recd")).displayText, &found) == 0)
                return Int(found.st_size)
            }
            func look() async -> Int64? {
                let looker = FileLooker(root: root, threads: threads, timeout: .seconds(10))
                let sight = await looker.look(at: FilePath("a.recd"), on: identity.root, isEncrypted: false)
                guard case .seen(let observation, _) = sight else { return nil }
                return observation.size
            }
            func lookAgain() async -> Int64? {
                let looker = OriginalLooker(root: root, threads: threads, timeout: .seconds(10))
                guard case .seen(let found) = await looker.look(at: FilePath("a.recd"), on: identity.root) else {
                    return nil
                }
                return found.size
            }
            #expect(rememberedSize() == 1000)
            try scratch.write([UInt8](repeating: 1, count: 2000), to: "server/a.recd")
            // That it is remembered is what makes the rest worth something.
            #expect(rememberedSize() == 1000)
            #expect(await look() == 2000)
            #expect(rememberedSize() == 2000)
            try scratch.write([UInt8](repeating: 1, count: 3000), to: "server/a.recd")
            #expect(rememberedSize() == 2000)
            #expect(await lookAgain() == 3000)
        }
    }
}
