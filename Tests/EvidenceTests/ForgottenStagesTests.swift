import Delivery
import Evidence
import Files
import Glibc
import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

/// Staged files that a ledger knows nothing of, as after its restore.
@Suite(.serialized) struct ForgottenStagesTests {
    @Test(.timeLimit(.minutes(2)))
    func `a staged file that no intent knows goes when it is old, and nothing else does`() async throws {
        let site = try await EvidenceSite([10])
        let volume = site.solution.volume
        let copy = try await site.path(of: 0)
        let day = FilePath(copy).parent.displayText
        try await site.run(
            """
            insert into takeup.intent (transfer_id, holder, lease_until, volume_id, staged_name, reserved_bytes)
            select transfer_id, 'at work', statement_timestamp() + interval '1 hour', volume_id, path, 0
            from takeup.replica limit 1
            """)
        let token = try await site.solution.count("select max(token) as count from takeup.intent")
        let forgotten = ["\(day)/.takeup-900001.part", "\(volume)/.takeup-900002.part"]
        let others = [
            "\(day)/.takeup-\(token).part", "\(day)/.takeup-x.part", "\(day)/x.takeup-900003.part",
            "\(day)/.takeup-900004.draft",
        ]
        for path in forgotten + others {
            try ChildProcess.run(["/bin/sh", "-c", "echo part >'\(path)'; touch -d '3 days ago' '\(path)'"])
        }
        let directory = "\(day)/.takeup-900005.part"
        try ChildProcess.run(["/bin/mkdir", directory])
        func standing(_ paths: [String]) -> [String] { paths.filter { access($0, F_OK) == 0 } }

        // They only say that they are old: when they were changed last no program can set.
        let narrator = MemoryNarrator()
        _ = try await site.scrub(narrator)
        #expect(standing(forgotten) == forgotten)

        try await Task.sleep(for: .seconds(2))
        try await site.solution.replay.transaction { session in try Marking.stop(reason: "restored", in: session) }
        _ = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(standing(forgotten) == forgotten, "nobody knows what the ledger forgot")
        #expect(narrator.entries(of: .swept).isEmpty)

        try await site.solution.replay.transaction { session in try Marking.resume(in: session) }
        for _ in 0..<2 { _ = try await site.scrub(narrator, forgottenAfter: .seconds(1)) }
        #expect(standing(forgotten) == [])
        #expect(standing(others + [directory, copy]) == others + [directory, copy])
        let told = narrator.entries(of: .swept)
        #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: LoopDisk.isPossible, "only root may mount"))
    func
        `a volume that is read-only at the time is told of once, as that, and gets what is due when it can be written`()
        async throws
    {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let place = "/tmp/takeup-readonly-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let disk = try LoopDisk(at: place, in: mounts)
        defer { rmdir(place) }
        try mounts.run("mkdir \(place)/volume")
        let volume = mounts.seen(place) + "/volume"
        let site = try await EvidenceSite(
            [10], more: "[manifests]\nclose_after = \"0s\"", volume: volume)
        try await site.moveToPast()
        let forgotten = "\(volume)/.takeup-900001.part"
        try ChildProcess.run(["/bin/sh", "-c", "echo part >'\(forgotten)'"])
        try await Task.sleep(for: .seconds(2))
        try disk.remount(readOnly: true)
        let narrator = MemoryNarrator()
        for _ in 0..<2 {
            let sum = try await site.scrub(narrator, forgottenAfter: .seconds(1))
            #expect(sum.manifests == 0 && sum.notes.contains { $0.contains("wait until it can be written") }, "\(sum)")
        }
        #expect(narrator.entries(of: .turnFailed).map(\.message) == [])
        #expect(narrator.entries(of: .volumeReadonly).count == 1)
        #expect(narrator.entries(of: .swept).isEmpty && access(forgotten, F_OK) == 0)
        #expect(try await site.problems() == ["volume-unavailable"])

        try disk.remount(readOnly: false)
        // Those that said so have ended.
        try await site.run("update takeup.volume_sight set seen_at = now() - interval '2 minutes'")
        let sum = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(sum.manifests == 1 && access(forgotten, F_OK) != 0, "\(sum)")
        #expect(narrator.entries(of: .swept).count == 1)
        #expect(narrator.entries(of: .volumeAvailable).count == 1)
        #expect(narrator.entries(of: .turnFailed).map(\.message) == [])
        #expect(try await site.problems() == [])
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: FaultMount.isPossible, "root, FUSE and python3-fusepy are wanted"))
    func `a server that refuses one removal as read-only and writes all the same fails the turn, and the rest goes`()
        async throws
    {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let place = "/tmp/takeup-refused-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try mounts.run("mount -t tmpfs none /mnt; mkdir /mnt/volume; mkdir -p \(place)")
        defer { rmdir(place) }
        let faulty = try FaultMount("/mnt/volume", at: place, in: mounts)
        let volume = mounts.seen(place)
        let site = try await EvidenceSite([10], volume: volume)
        let forgotten = (1...3).map { "\(volume)/.takeup-90000\($0).part" }
        for path in forgotten { try ChildProcess.run(["/bin/sh", "-c", "echo part >'\(path)'"]) }
        try await Task.sleep(for: .seconds(2))
        func left() -> Int { forgotten.count { access($0, F_OK) == 0 } }

        let narrator = MemoryNarrator()
        try faulty.fail(.unlink, with: .error("EROFS"), named: "900001")
        _ = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(narrator.entries(of: .turnFailed).count == 1)
        #expect(narrator.entries(of: .volumeReadonly).isEmpty)
        // One that cannot go holds up none behind it.
        try faulty.fail(.unlink, with: .error("EACCES"), named: "900001")
        _ = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(narrator.entries(of: .turnFailed).count == 2)
        #expect(left() == 1)
        #expect(narrator.entries(of: .swept).count >= 1)
        try faulty.heal()
        _ = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(left() == 0)
        #expect(narrator.entries(of: .turnFailed).count == 2)
    }
}
