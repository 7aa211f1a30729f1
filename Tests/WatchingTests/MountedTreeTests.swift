import Planning
import Support
import Testing
import Vocabulary

@testable import Watching

/// Watching of real mounts, in namespaces of their own.
@Suite(.enabled(if: PrivateMounts.isPossible)) struct MountedTreeTests {
    @Test func `an unmount is seen, what is below it is not taken for the mount, and a remount is scanned`()
        async throws
    {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try scratch.makeDirectory("disk")
        try scratch.makeDirectory("mount")
        try scratch.write("mount/uncovered.mp3")
        try mounts.run(
            """
            cd \(scratch.path)
            mount -t tmpfs disk disk
            mkdir disk/day
            echo x > disk/day/one.mp3
            mount --bind disk mount
            """)
        let tree = WatchedTree(
            mounts.seen(scratch.at("mount")), mustBeMountPoint: true, proofPeriod: .milliseconds(50))
        #expect(await tree.hasTold(["day/one.mp3"]))
        try mounts.run("umount \(scratch.at("mount")); echo x > \(scratch.at("mount/uncovered-too.mp3"))")
        #expect(await waitUntil { tree.current.states.contains(.mountLost(.absent(.notMountPoint))) })
        try mounts.run("cd \(scratch.path); echo x > disk/day/two.mp3; mount --bind disk mount")
        #expect(await tree.hasTold(["day/two.mp3"]))
        #expect(await tree.isScanned(times: 2))
        #expect(Set(tree.current.files.keys) == ["day/one.mp3", "day/two.mp3"])
        await tree.stop()
    }

    @Test func `an unmount of the last mount of a file system is seen by its event`() async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try mounts.run("mount -t tmpfs disk \(scratch.path)")
        let tree = WatchedTree(mounts.seen(scratch.path), mustBeMountPoint: true, proofPeriod: .seconds(3600))
        #expect(await tree.isScanned())
        try mounts.run("umount \(scratch.path)")
        #expect(await waitUntil { tree.current.states.contains(.mountLost(.absent(.notMountPoint))) })
        await tree.stop()
    }

    @Test func `a mount over a directory that is mounted inside is not entered`() async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try mounts.run(
            """
            cd \(scratch.path)
            mount -t tmpfs disk .
            cd \(scratch.path)
            mkdir inner outer
            mount -t tmpfs inner inner
            echo x > inner/hidden.mp3
            echo x > outer/shown.mp3
            """)
        let tree = WatchedTree(mounts.seen(scratch.path), mustBeMountPoint: true)
        #expect(await tree.isScanned())
        #expect(Set(tree.current.files.keys) == ["outer/shown.mp3"])
        await tree.stop()
    }

    @Test(.enabled(if: PrivateMounts.hasRemoteMounts), arguments: [WatchMode.polling, .mixed])
    func `what is written behind a mount without an event is found by polling`(mode: WatchMode) async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try scratch.makeDirectory("server")
        try scratch.makeDirectory("mount")
        try mounts.run("bindfs \(scratch.at("server")) \(scratch.at("mount"))")
        let tree = WatchedTree(mounts.seen(scratch.at("mount")), mode: mode, poll: .quick, mustBeMountPoint: true)
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for day in ["20260115", "20260116"] {
            try scratch.makeDirectory("server/" + day)
            for number in 0..<20 {
                try scratch.write("server/\(day)/\(number).mp3")
                files.insert("\(day)/\(number).mp3")
            }
        }
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        await tree.stop()
    }

    @Test(.enabled(if: PrivateMounts.hasRemoteMounts))
    func `what no event announced is counted`() async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try scratch.makeDirectory("server")
        try scratch.makeDirectory("mount")
        try mounts.run("bindfs \(scratch.at("server")) \(scratch.at("mount"))")
        let tree = WatchedTree(mounts.seen(scratch.at("mount")), mode: .mixed, poll: .quick, mustBeMountPoint: true)
        #expect(await tree.isScanned())
        for number in 0..<20 { try scratch.write("server/\(number).mp3") }
        #expect(await tree.hasTold(Set((0..<20).map { "\($0).mp3" })))
        let blind = await waitUntil { await tree.watcher.blindCount.unannounced == 20 }
        #expect(blind)
        await tree.stop()
    }
}
