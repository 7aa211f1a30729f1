internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// A recorder's disk that fails under its mount, which stays where it is: what the agent says of it, and that it goes on.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, "root, loop devices and mkfs.ext4 are wanted"))
struct SourceDiskTests {
    @Test(.timeLimit(.minutes(4)))
    func `a disk that turns read-only, a folder that is made anew, and a disk that is gone under its mount`()
        async throws
    {
        let scene = try await DiskScene()
        let (site, disk) = (scene.site, scene.disk)
        let agent = try site.start(.calls, in: scene.mounts)
        defer { agent.send(SIGTERM); agent.wait() }
        var all = [try await scene.add(try scene.put("first"))]
        try await scene.expectMarks(all.count)

        // Read-only: what stands there is read as ever.
        let standing = try scene.put("standing")
        try disk.remount(readOnly: true)
        all.append(try await scene.add(standing))
        try await scene.expectMarks(all.count)
        // What its recorder could not write is missing, and nothing else is said.
        let unwritten = try scene.file("unwritten")
        #expect(throws: (any Error).self) { try scene.put("unwritten") }
        all.append(try await scene.add(unwritten))
        try await scene.expectProblems(["missing-file"])
        try disk.remount(readOnly: false)
        _ = try scene.put("unwritten")
        try await scene.expectMarks(all.count)
        try await scene.expectProblems([])

        // A folder that was removed, and made anew in the same moment.
        try scene.mounts.run("rm -r \(scene.folder)")
        let anew = try scene.put("anew")
        let made = ContinuousClock.now
        all.append(try await scene.add(anew))
        try await scene.expectMarks(all.count)
        #expect((.now - made).isWithin(bar: .seconds(5)))

        // Gone under its mount: rows come, and whatever is opened gives EIO.
        let unread = try (0..<3).map { try scene.put("unread-\($0)") }
        try disk.shutDown()
        let before = all.count
        for file in unread { all.append(try await scene.add(file)) }
        let isOne = try await site.wait(upTo: .seconds(60)) {
            let open = try await site.openProblems()
            return open.map(\.kind) == ["unreadable-file"] && open[0].what.contains("3 files of mount ")
        }
        let said = try await site.openProblems().map(\.what)
        #expect(isOne && said.allSatisfy { $0.contains("EIO") }, "\(said)\n\(site.log(.calls).suffix(4000))")
        let asked = ContinuousClock.now
        let status = try site.run(["status", "--config", site.settingsPath])
        #expect((.now - asked).isWithin(bar: .seconds(1)) && status.output.contains("1 problem is open"))
        #expect(try await site.markedCount() == before)
        #expect(kill(agent.id, 0) == 0)

        try disk.unmount()
        try disk.mount()
        try await scene.expectMarks(all.count)
        try await scene.expectProblems([])
        for recording in all { #expect(try await site.holds(recording, [.audio]), "\(recording.name)") }
        let kinds = try await site.replay.perform { session in
            Set(try session.query("select kind from takeup.problem").map { try $0.text("kind") })
        }
        #expect(kinds.isSubset(of: ["missing-file", "unreadable-file", "mount-unavailable"]), "\(kinds)")
        #expect(site.log(.calls).ranges(of: "serves mount").count == 1)
        #expect(try await site.unnamedFiles() == [])
    }
}

private struct DiskScene {
    let site: ScratchSite
    let mounts: PrivateMounts
    let disk: LoopDisk

    struct File {
        let name: String
        let path: FilePath
        let bytes: [UInt8]
    }

    init() async throws {
        // Files without rows are what this disk has for moments only.
        site = try await ScratchSite(
            watching: "quiet = \"300ms\"\ngrace_missing = \"2s\"\ngrace_orphan = \"60s\"", isMounted: true)
        mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        disk = try LoopDisk(at: site.callsMount, in: mounts)
    }

    var folder: String { "\(site.callsMount)/20261121" }

    /// A sound that is to be.
    func file(_ name: String) throws -> File {
        File(
            name: name, path: FilePath("\(site.recorder.layout.callsRoot)/20261121/\(name).mp3"),
            bytes: try RecorderModelMedia.shared().sound(seconds: 4, mark: name))
    }

    /// Puts it on the disk.
    func put(_ name: String) throws -> File {
        let file = try file(name)
        mkdir(mounts.seen(folder), 0o755)
        try writeSample(file.bytes, to: mounts.seen("\(folder)/\(name).mp3"))
        return file
    }

    /// Adds its row.
    func add(_ file: File) async throws -> SiteRecording {
        let sample = RecordingSample(file.name, stop: try await site.recorderNow(), seconds: 4)
            .media(MediaSample(.audio, file.path, size: Int64(file.bytes.count)))
        let built = try await CatalogBuilder(site.source).add(sample)
        return SiteRecording(
            name: file.name, id: built.id, mediaIDs: [.audio: built.mediaIDs[0]],
            files: [.audio: SiteRecording.File(path: file.path, sha256: sha256(of: file.bytes))])
    }

    func expectMarks(_ count: Int) async throws {
        let came = try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == count }
        #expect(came, "\(site.log(.calls).suffix(4000))")
    }

    /// These and no others are open, in time.
    func expectProblems(_ kinds: [String]) async throws {
        let came = try await site.wait(upTo: .seconds(60)) { try await site.openProblems().map(\.kind) == kinds }
        let open = try await site.openProblems().map { "\($0.kind): \($0.what)" }
        #expect(came, "\(open)\n\(site.log(.calls).suffix(4000))")
    }
}
