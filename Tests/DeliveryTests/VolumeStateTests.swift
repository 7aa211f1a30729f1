import Files
import Glibc
import Ledger
import Operating
import Planning
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// What makes a volume unusable, what makes it usable again, and how often that is told.
@Suite(.serialized) struct VolumeStateTests {
    @Test(.timeLimit(.minutes(3)))
    func `use that swings around the watermark for a day, over twenty restarts, is one raise`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "watermark = \"85%\"")])
            var process = try await scene.process("one")
            var told: [Event] = []
            var restarts = 0
            for quarter in 0...100 {
                scene.leave(quarter.isMultiple(of: 2) ? 0.13 : 0.17, on: "a")
                try await process.worker.roster.turn()
                scene.pass(.seconds(850))
                if quarter % 5 == 4 {
                    restarts += 1
                    #expect(process.narrator.isSound)
                    told += process.narrator.told
                    process = try await scene.process("after restart \(quarter)")
                }
            }
            told += process.narrator.told
            #expect(restarts == 20)
            #expect(told == [.watermarkRaised])
            print("bar: use swinging 2 points for a day, \(restarts) restarts: \(told.count) raised, 0 further")
            // Reminded once a day, and cleared once.
            scene.pass(.seconds(1000))
            try await process.worker.roster.turn()
            #expect(process.narrator.told == [.watermarkRaised])
            scene.leave(0.5, on: "a")
            scene.pass(.seconds(2))
            try await process.worker.roster.turn()
            scene.pass(.seconds(61))
            try await process.worker.roster.turn()
            #expect(process.narrator.told == [.watermarkRaised, .watermarkCleared])
            #expect(process.narrator.incidents(of: [.watermarkRaised, .watermarkCleared]).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [EDQUOT, ENOSPC])
    func `a volume that refuses what it shows is limited, tried again ever more rarely, and used when it takes it`(
        number: CInt
    ) async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "priority = 1"), ("b", "priority = 2")])
            let (worker, narrator) = try await scene.process("one")
            scene.fail(.allocate, with: number)
            _ = try await scene.deliver(1, by: worker)
            #expect(try await scene.stored("a") == "limited")
            #expect(narrator.told.contains(.volumeLimited))
            // Over a restart it stays so, and is not told again.
            let (next, told) = try await scene.process("two")
            try await site.run("update takeup.volume set trial_at = now() where name = 'a'")
            try await next.roster.turn()
            #expect(try await scene.stored("a") == "limited")
            let pause = "extract(epoch from trial_pause) = 120 and trial_at > now() + interval '100 seconds'"
            #expect(try await site.count("takeup.volume where name = 'a' and \(pause)") == 1)
            scene.fail(.allocate, with: nil)
            try await next.roster.turn()
            #expect(try await scene.stored("a") == "limited", "it was tried before it was due")
            try await site.run("update takeup.volume set trial_at = now()")
            scene.pass(.seconds(2))
            try await next.roster.turn()
            #expect(try await scene.stored("a") == "ok")
            #expect(told.told.contains(.volumeAvailable) && !told.told.contains(.volumeLimited))
            #expect(told.incidents(of: [.volumeAvailable]).isSubset(of: narrator.incidents(of: [.volumeLimited])))
            #expect(narrator.isSound && told.isSound)
            #expect(try await site.count("takeup.problem where closed_at is null and kind = 'volume-limited'") == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a quota that only shows when files become durable is tried ever more rarely, also where trials pass between`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "priority = 1"), ("b", "priority = 2")])
            let (worker, narrator) = try await scene.process("one")
            func isTried(after pause: Int) async throws -> Bool {
                try await site.count("takeup.volume where name = 'a' and extract(epoch from trial_pause) = \(pause)")
                    == 1
            }
            // As a server without ALLOCATE.
            scene.fail(.allocate, with: EOPNOTSUPP)
            scene.fail(.syncFile, with: EDQUOT)
            _ = try await scene.deliver(1, by: worker)
            #expect(try await scene.stored("a") == "limited")
            #expect(try await isTried(after: 60))
            // What is only written is no proof.
            try await site.run("update takeup.volume set trial_at = now()")
            try await worker.roster.turn()
            #expect(try await scene.stored("a") == "limited")
            scene.fail(.syncFile, with: nil)
            try await site.run("update takeup.volume set trial_at = now()")
            try await worker.roster.turn()
            #expect(try await scene.stored("a") == "ok")
            // Soon after, the same again.
            scene.fail(.syncFile, with: EDQUOT)
            _ = try await scene.deliver(2, by: worker)
            #expect(try await scene.stored("a") == "limited")
            #expect(try await isTried(after: 240))
            let told = narrator.entries(of: .volumeLimited).compactMap { entry in
                entry.facts.first { $0.name == .volume }?.value
            }
            #expect(told.count { $0 == "a" } == 2, "\(told)")
            #expect(narrator.isSound)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a volume that was above its watermark before it was limited goes back there, under the same incident`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "watermark = \"85%\""), ("b", "priority = 2")])
            let (worker, narrator) = try await scene.process("one")
            scene.leave(0.1, on: "a")
            try await worker.roster.turn()
            #expect(try await scene.stored("a") == "above")
            // Overflow goes to a volume above its watermark; here a person says what a copy would have shown.
            try await site.run(
                """
                update takeup.volume set state = 'limited', reason = 'a quota is used up', trial_at = now(),
                    trial_pause = interval '60 seconds', trial_bytes = 1 where name = 'a'
                """)
            scene.pass(.seconds(2))
            try await worker.roster.turn()
            #expect(try await scene.stored("a") == "above")
            scene.leave(0.5, on: "a")
            scene.pass(.seconds(2))
            try await worker.roster.turn()
            scene.pass(.seconds(61))
            try await worker.roster.turn()
            #expect(try await scene.stored("a") == "ok")
            #expect(narrator.told.count { $0 == .watermarkRaised } == 1)
            #expect(narrator.told.count { $0 == .watermarkCleared } == 1)
            #expect(narrator.incidents(of: [.watermarkRaised, .watermarkCleared]).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `a volume that fails two of its last three writes is suspect until a trial passes and somebody trusts it`(
        recovers: Bool
    ) async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            let (worker, narrator) = try await scene.process("one", recovers: recovers)
            #expect(try await scene.deliver(1, by: worker)?.replica != nil)
            scene.fail(.syncFile, with: EIO)
            _ = try await scene.deliver(2, by: worker)
            #expect(try await scene.stored("a") == "ok", "one failure is none yet")
            _ = try await scene.deliver(3, by: worker)
            #expect(try await scene.stored("a") == "suspect")
            #expect(narrator.told.count { $0 == .durabilityFailed } == 2)
            #expect(narrator.told.count { $0 == .volumeSuspect } == 1)
            guard case .noRoom(let refusals)? = try await scene.deliver(4, by: worker) else {
                Issue.record("a suspect volume took a file")
                return
            }
            #expect(refusals == [VolumeName("a"): .state(.suspect)])
            let (next, told) = try await scene.process("two", recovers: recovers)
            if !recovers {
                scene.fail(.syncFile, with: nil)
                try await site.run("update takeup.volume set trial_at = now()")
                try await next.roster.turn()
                #expect(try await scene.stored("a") == "suspect", "nobody said that it may be trusted")
                scene.fail(.syncFile, with: EIO)
                #expect(try await Trusting.trust(VolumeName("a"), in: site.database) == .suspect)
                #expect(try await Trusting.trust(VolumeName("z"), in: site.database) == .unknown)
                scene.pass(.seconds(2))
            } else {
                try await site.run("update takeup.volume set trial_at = now()")
            }
            try await next.roster.turn()
            #expect(try await scene.stored("a") == "suspect", "its trial fails")
            scene.fail(.syncFile, with: nil)
            try await site.run("update takeup.volume set trial_at = now()")
            scene.pass(.seconds(2))
            try await next.roster.turn()
            #expect(try await scene.stored("a") == "ok")
            #expect(told.told == [.volumeAvailable])
            #expect(told.incidents(of: [.volumeAvailable]) == narrator.incidents(of: [.volumeSuspect]))
            #expect(narrator.isSound && told.isSound)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a volume that can't be written goes elsewhere at once, and is used when it can`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            let (worker, narrator) = try await scene.process("one")
            scene.fail(.createUnnamed, with: EROFS)
            _ = try await scene.deliver(1, by: worker)
            try await worker.roster.turn()
            #expect(narrator.told == [.copyReadonly, .volumeReadonly])
            scene.fail(.createUnnamed, with: nil)
            scene.pass(.seconds(11))
            try await worker.roster.turn()
            #expect(narrator.told == [.copyReadonly, .volumeReadonly, .volumeAvailable])
            #expect(narrator.incidents(of: [.volumeReadonly, .volumeAvailable]).count == 1)
            #expect(narrator.isSound)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `space that runs out in the middle of a copy lets the volume rest for a minute`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            let (worker, narrator) = try await scene.process("one")
            scene.fail(.write, with: ENOSPC)
            _ = try await scene.deliver(1, by: worker)
            #expect(narrator.told.contains(.copyEnospc))
            scene.fail(.write, with: nil)
            guard case .noRoom(let refusals)? = try await scene.deliver(2, by: worker) else {
                Issue.record("it did not rest")
                return
            }
            #expect(refusals == [VolumeName("a"): .rests])
            try await site.run("update takeup.volume set rests_until = now()")
            #expect(try await scene.deliver(3, by: worker)?.replica != nil)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a volume that is not there is told once for a host, however many processes and restarts`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", ""), ("b", "")])
            let processes = [try await scene.process("one"), try await scene.process("two")]
            for process in processes { try await process.worker.roster.turn() }
            let marker = site.scratch.path.appending("volumes/b/.takeup-volume").displayText
            #expect(rename(marker, marker + ".away") == 0)
            for process in processes { try await process.worker.roster.turn() }
            // One is killed and comes back.
            let restarted = try await scene.process("three")
            try await restarted.worker.roster.turn()
            let narrators = processes.map(\.narrator) + [restarted.narrator]
            #expect(narrators.flatMap(\.told) == [.volumeUnavailable])
            scene.pass(.seconds(6 * 3600 + 1))
            for process in processes { try await process.worker.roster.turn() }
            #expect(narrators.flatMap(\.told) == [.volumeUnavailable, .volumeUnavailable], "one reminder")
            #expect(rename(marker + ".away", marker) == 0)
            try await processes[1].worker.roster.turn()
            #expect(!narrators.flatMap(\.told).contains(.volumeAvailable), "others do not see it yet")
            // What the killed one said has been said for the last time.
            try await site.run(
                "update takeup.volume_sight set seen_at = now() - interval '2 minutes' where holder = 'one'")
            try await restarted.worker.roster.turn()
            #expect(narrators.flatMap(\.told).count { $0 == .volumeAvailable } == 1)
            let incidents = narrators.flatMap { Array($0.incidents(of: [.volumeUnavailable, .volumeAvailable])) }
            #expect(Set(incidents).count == 1)
            #expect(!narrators.contains { !$0.isSound })
            #expect(try await site.count("takeup.problem where closed_at is null") == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func
        `a volume that does not answer delays no other, is said to hang after ten seconds, and is watched for a minute`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", ""), ("b", "")])
            let (worker, narrator) = try await scene.process("one")
            for id in 1...4 {
                let outcome = try await scene.deliver(Int64(id), by: worker)
                #expect(outcome?.replica != nil)
            }
            scene.hang("b")
            let began = ContinuousClock.now
            var worst = Duration.zero
            var id = Int64(10)
            while ContinuousClock.now - began < .seconds(13) {
                let asked = ContinuousClock.now
                let outcome = try await scene.deliver(id, by: worker)
                #expect(outcome?.replica != nil)
                worst = max(worst, .now - asked)
                id += 1
                try await Task.sleep(for: .milliseconds(100))
            }
            print("bar: worst delay of others beside a volume whose statvfs hangs: \(worst) (\(id - 10) files)")
            #expect(worst.isWithin(bar: .seconds(1)))
            #expect(narrator.told == [.volumeUnavailable])
            scene.hang("b", false)
            try await Task.sleep(for: .milliseconds(200))
            try await worker.roster.turn()
            scene.pass(.seconds(59))
            try await worker.roster.turn()
            #expect(narrator.told == [.volumeUnavailable])
            scene.pass(.seconds(2))
            try await worker.roster.turn()
            try await worker.roster.turn()
            #expect(narrator.told == [.volumeUnavailable, .volumeAvailable])
            #expect(narrator.isSound)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a volume that shows up late with levels in no order is told of once, used, and over when they are`()
        async throws
    {
        try await DeliverySite.with { site in
            // On a small disk twice the largest file is more than its watermark leaves.
            let rules = LevelRules(largestFile: 1 << 40)
            let settings = try site.volumes([("a", "watermark = \"85%\""), ("late", "watermark = \"85%\"")])
            let late = settings.allVolumes.first { $0.name == VolumeName("late") }
            let path = try #require(late?.path.displayText)
            try ChildProcess.run(["/bin/mv", "\(path)/.takeup-volume", "\(path)/.aside"])
            let narrator = MemoryNarrator()
            let one = try await site.worker("one", settings: settings, rules: rules, narrator: narrator)
            try await one.roster.sample()
            func told(_ name: String) -> Int {
                narrator.entries(of: .volumeDisordered).count { $0.message.contains("volume \(name) ") }
            }
            #expect(told("late") == 0)
            try ChildProcess.run(["/bin/mv", "\(path)/.aside", "\(path)/.takeup-volume"])
            try await Task.sleep(for: .milliseconds(1100))
            for _ in 0..<2 {
                try await one.roster.sample()
                try await Task.sleep(for: .milliseconds(1100))
            }
            let other = try await site.worker("other", settings: settings, rules: rules, narrator: narrator)
            try await other.roster.sample()
            #expect(told("late") == 1, "\(narrator.entries.map(\.message))")
            #expect(narrator.isSound)
            let problems = try await site.database.perform { session in try Problems.open(limit: 10, in: session) }
            #expect(problems.filter { $0.kind == "volume-disordered" && $0.what.contains("late") }.count == 1)
            // With other settings it is over.
            let mended = try await site.worker("mended", settings: settings, narrator: narrator)
            try await mended.roster.sample()
            let left = try await site.database.perform { session in try Problems.open(limit: 10, in: session) }
            #expect(left.filter { $0.kind == "volume-disordered" } == [])
        }
    }
}
