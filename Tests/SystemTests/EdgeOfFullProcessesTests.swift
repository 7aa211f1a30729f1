import Files
import Glibc
import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

/// Two agents of the built program, which share nothing but the ledger, at the edge of a full file system: space is never met
/// to be gone in the middle of a copy, and the floor is never crossed.
@Suite(.serialized, .enabled(if: geteuid() == 0 && PrivateMounts.isPossible, "only root may mount"))
struct EdgeOfFullProcessesTests {
    enum Kind: String, CaseIterable, Sendable {
        case ext4, xfs, btrfs
        var make: String {
            self == .ext4 ? "mkfs.ext4 -q -m 0" : self == .xfs ? "mkfs.xfs -q" : "mkfs.btrfs -q"
        }
        var isPossible: Bool { access("/usr/sbin/mkfs.\(rawValue)", X_OK) == 0 }
    }

    private static let largest: Int64 = 12 << 20
    /// By `largest_file`, which is more than 2 % of so small a volume.
    private static let floor = 2 * largest

    @Test(.timeLimit(.minutes(3)))
    func `32 copies at once of two agents at the edge of full ext4`() async throws {
        try await fill(.ext4, "quick")
    }

    @Test(
        .timeLimit(.minutes(20)),
        .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "the long proof, with TAKEUP_LONG_TESTS=1"),
        arguments: Kind.allCases)
    func `the same again and again on each file system`(kind: Kind) async throws {
        try #require(kind.isPossible, "mkfs.\(kind.rawValue) is wanted")
        for round in 0..<3 { try await fill(kind, "round \(round)") }
    }

    private func fill(_ kind: Kind, _ name: String) async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let place = "/tmp/takeup-edge-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer {
            unlink(place + ".img")
            rmdir(place)
        }
        try mounts.run(
            """
            mkdir \(place); truncate -s 400M \(place).img; \(kind.make) \(place).img
            mount -o loop \(place).img \(place); mkdir \(place)/volume
            """)
        let disk = FilePath(mounts.seen(place))
        let before = try FileSystemFacts.look(at: disk)
        // Until more is left above the watermark than one of them wants, and less than both do. A fifth of a small btrfs is kept
        // back for its metadata.
        let capacity = before.usedBytes + before.availableBytes
        let size =
            before.availableBytes - capacity / 10 - (kind == .btrfs ? capacity / 5 : 0) - 170 << 20
        try mounts.run("fallocate -l \(size) \(place)/filler; sync -f \(place)")

        let solution = try await ScratchSolution(volume: disk.displayText + "/volume")
        var contents: [String: Int] = [:]
        var sources: [ScratchSolution.Source] = []
        var recorders: [PlainRecorder] = []
        for name in ["one", "other"] {
            let recorder = try await PlainRecorder(name)
            for number in 0..<32 {
                let size = Int.random(in: (1 << 20)...(7 << 20))
                let content = [UInt8](repeating: UInt8(contents.count + 1), count: size)
                var media = try recorder.file(.audio, "\(number).bin", content)
                // Vouched for by its row: nothing waits for a rest.
                var crc = CRC32()
                content.withUnsafeBytes { crc.add($0) }
                media.crc32 = crc.value
                let sid = "\(name)-\(number)"
                contents[sid] = contents.count + 1
                try await recorder.builder.add(
                    RecordingSample(sid, stop: PlainRecorder.now, seconds: 8).media(media))
            }
            sources.append(ScratchSolution.Source(recorder))
            recorders.append(recorder)
        }
        try solution.configure(
            sources, watermark: "90%",
            more:
                "[copying]\nconcurrency = 16\ngroup_max_files = 16\n[placement]\nlargest_file = \"12MiB\"")
        let lowest = Mutex(Int64.max)
        let watch = Task {
            while !Task.isCancelled {
                // For a moment btrfs says nothing at all where it is about to make room for what it notes of files.
                if let facts = try? FileSystemFacts.look(at: disk), facts.availableBytes > 0 {
                    lowest.withLock { $0 = min($0, facts.availableBytes) }
                }
                try? await Task.sleep(for: .microseconds(500))
            }
        }
        // Both begin at one moment, however long each takes to start: else the first may have all to itself.
        let names = sources.map { SourceName($0.name) }
        try await solution.replay.transaction { session in
            _ = try Migrations.apply(program: "test", in: session)
            _ = try Pauses.pause(names, reason: nil, in: session)
        }
        let agents = try sources.map { try solution.start($0) }
        let areReady = try await solution.replay.wait(upTo: .seconds(60)) { _ in
            names.allSatisfy { solution.log($0.rawValue).contains("is paused since") }
        }
        #expect(areReady)
        let resumed = try solution.run(["resume", "--config", solution.settingsPath, "--all"])
        #expect(resumed.code == 0, "\(resumed.output)")
        let committed = try await untilRest(solution)
        for agent in agents { agent.send(SIGTERM) }
        for agent in agents { agent.wait() }
        watch.cancel()
        await watch.value

        let waiting = try await solution.count(
            "select count(*) from takeup.transfer where state <> 'done'")
        let bySource = try await solution.count(
            "select count(distinct source) from takeup.replica where state = 'held'")
        let logs = sources.map { solution.log($0.name) }
        let enospc = logs.reduce(0) { $0 + $1.components(of: "ran out of space in the middle") }
        let least = lowest.withLock { $0 }
        print(
            "bar: two agents, \(kind), \(name): \(committed) committed, \(waiting) wait, \(enospc) ran out of space, lowest "
                + "\(least >> 10) KiB, floor \(EdgeOfFullProcessesTests.floor >> 10) KiB")
        #expect(enospc == 0)
        #expect(least >= EdgeOfFullProcessesTests.floor)
        #expect(committed + waiting == 64)
        #expect(committed > 0 && waiting > 0, "it was not at the edge: \(logs[0].suffix(2000))")
        #expect(bySource == 2, "one had it for itself")
        // What counts is what was recorded.
        let rows = try await solution.replay.perform { session in
            try session.query(
                "select c.sid, f.cfpath, f.cfsize from callrec.cfiles f join callrec.couples c on c.id = f.cplid"
            ).map { (try $0.text("sid"), try $0.text("cfpath"), try $0.integer("cfsize")) }
        }
        #expect(rows.count == committed)
        for (sid, path, size) in rows {
            let bytes = try readSample(path)
            let recorded = [UInt8](repeating: UInt8(try #require(contents[sid])), count: Int(size))
            let isRight = bytes.count == recorded.count && memcmp(bytes, recorded, bytes.count) == 0
            #expect(isRight)
        }
    }

    /// Until both have copies and nothing was committed for some seconds. Gives how much was. Whoever was told that there
    /// is no room, as the other had promises for all of it, asks again after ten seconds.
    private func untilRest(_ solution: ScratchSolution) async throws -> Int {
        let held = "from takeup.replica where state = 'held'"
        var (count, since) = (0, ContinuousClock.now)
        var sources = 0
        let end = since + .seconds(100)
        while ContinuousClock.now < end, sources < 2 || ContinuousClock.now - since < .seconds(5) {
            try await Task.sleep(for: .milliseconds(200))
            let now = try await solution.count("select count(*) \(held)")
            sources = try await solution.count("select count(distinct source) as count \(held)")
            if now != count { (count, since) = (now, .now) }
        }
        return count
    }
}

extension String {
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
