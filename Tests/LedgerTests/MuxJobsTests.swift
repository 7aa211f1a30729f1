import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct MuxJobsTests {
    /// Commits one replica of a recording; gives the mux jobs that it made.
    @discardableResult
    private func commit(
        _ ledger: LedgerDatabase, _ sid: Sid, _ kind: MediaKind, path: String, isResult: Bool = false,
        isMuxable: Bool = true
    ) async throws -> (replica: Replica, jobs: [MuxJob]) {
        let content = try Sample.replica(sid, kind: kind, path: path, isResult: isResult, isMuxable: isMuxable)
        return try await ledger.transaction { session in
            try Recordings.lock([sid], in: session)
            let replica = try #require(try Replicas.insert([content], in: session).first)
            return (replica, try MuxJobs.ensure([sid], in: session))
        }
    }

    private func claim(_ ledger: LedgerDatabase, holder: Holder = Sample.holder, lease: Duration = .seconds(60))
        async throws -> [MuxJob]
    {
        try await ledger.database.perform { session in
            try MuxJobs.claim(holder: holder, limit: 10, newest: 2, lease: lease, in: session)
        }
    }

    @Test func `sound and screen that are committed at the same instant make one job`() async throws {
        let ledger = try await LedgerDatabase(connections: 8)
        try await ledger.registerVolumes()
        // Rows that are there already: meeting on one is up to the lock alone.
        try await ledger.transaction { session in
            try Recordings.lock((0..<60).map { Sid("s\($0)") }, in: session)
        }
        try await withThrowingTaskGroup { group in
            for number in 0..<60 {
                for kind in [MediaKind.audio, .video] {
                    group.addTask {
                        _ = try await self.commit(ledger, Sid("s\(number)"), kind, path: "\(number)-\(kind)")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await ledger.count("select count(*) from takeup.mux_job") == 60)
        #expect(try await ledger.count("select count(distinct sid) from takeup.mux_job") == 60)
    }

    @Test func `only sound and an mp4 screen pair, and never a result`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        let sid = Sid("s")
        let sound = try await commit(ledger, sid, .audio, path: "a").replica
        #expect(try await commit(ledger, sid, .recd, path: "r", isMuxable: false).jobs.isEmpty)
        #expect(try await commit(ledger, sid, .video, path: "v", isMuxable: false).jobs.isEmpty)
        #expect(try await commit(ledger, sid, .video, path: "m", isResult: true).jobs.isEmpty)
        let made = try await commit(ledger, sid, .video, path: "w")
        #expect(made.jobs.map(\.sound) == [sound.id])
        #expect(made.jobs.map(\.screens) == [[made.replica.id]])
        let again = try await ledger.transaction { session in try MuxJobs.ensure([sid], in: session) }
        #expect(again.isEmpty)
    }

    @Test func `a job is claimed once, fails with a delay, and is finished with its result`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        try await commit(ledger, Sid("s"), .video, path: "v")
        let first = try #require(try await claim(ledger).first)
        #expect(try await claim(ledger).isEmpty)
        let firstClaim = try #require(first.claim)
        let (renewed, failed, failedAgain) = try await ledger.transaction { session in
            let renewed = try MuxJobs.renew([firstClaim], lease: .seconds(60), in: session)
            let failed = try MuxJobs.fail(firstClaim, delay: .seconds(-1), error: "decode", in: session)
            let failedAgain = try MuxJobs.fail(firstClaim, delay: .zero, error: "again", in: session)
            return (renewed, failed, failedAgain)
        }
        #expect(renewed == [first.id] && failed && !failedAgain)
        let second = try #require(try await claim(ledger).first)
        #expect(second.attempts == 2)
        #expect(second.failures == 1)
        #expect(second.lastError == "decode")
        let request = IntentRequest(
            work: .muxJob(try #require(second.claim)), volume: Sample.volume, stagedName: nil,
            finalPath: FilePath("m.mp4"), reservedBytes: 10)
        let intent = try await ledger.transaction { session in
            try Intents.open([request], lease: .seconds(60), in: session)[0]
        }.intent()
        let result = try Sample.replica(Sid("s"), kind: .video, path: "m.mp4", isResult: true)
        let (held, replica) = try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            let held = try Intents.lockHeld([intent.token], in: session)
            let replica = try #require(try Replicas.insert([result], in: session).first)
            try MuxJobs.finish(second.id, result: replica.id, notes: "a screen is not shown", in: session)
            try Intents.close([intent.token], in: session)
            return (held, replica)
        }
        #expect(held == [intent.token])
        let job = try #require(try await ledger.transaction { try MuxJobs.find([second.id], in: $0) }.first)
        #expect(job.state == .done)
        #expect(job.result == replica.id)
        #expect(job.notes == "a screen is not shown")
        #expect(try await ledger.transaction { try StatusCounts.take(in: $0) }.notedMuxJobs == 1)
        #expect(try await ledger.transaction { try Intents.find([intent.token], in: $0) }.isEmpty)
        #expect(try await claim(ledger).isEmpty)
    }

    @Test func `a job that only a person can help waits for one`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        try await commit(ledger, Sid("s"), .video, path: "v")
        let job = try #require(try await claim(ledger).first)
        let held = try #require(job.claim)
        let due = try await ledger.transaction { session in
            try MuxJobs.fail(held, delay: nil, error: "no key", in: session)
            return try MuxJobs.nextDue(in: session)
        }
        #expect(due == nil)
        #expect(try await claim(ledger).isEmpty)
        #expect(try await ledger.transaction { session in try MuxJobs.retry([job.id], in: session) } == 1)
        #expect(try await claim(ledger).count == 1)
    }

    @Test func `a worker that is late finds its job taken over`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        try await commit(ledger, Sid("s"), .video, path: "v")
        let late = try #require(try await claim(ledger, lease: .seconds(-1)).first?.claim)
        let current = try #require(try await claim(ledger, holder: Sample.otherHolder).first?.claim)
        let outcomes = try await ledger.transaction { session in
            try [late, current].map { claim in
                let request = IntentRequest(
                    work: .muxJob(claim), volume: Sample.volume, stagedName: nil,
                    finalPath: FilePath("m-\(claim.attempt).mp4"), reservedBytes: 0)
                return try Intents.open([request], lease: .seconds(60), in: session)[0]
            }
        }
        #expect(outcomes[0] == .notHeld)
        #expect(try outcomes[1].intent().holder == Sample.otherHolder)
    }

    @Test func `whoever has a job after its lease takes what its worker had begun from it at once`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        try await commit(ledger, Sid("s"), .video, path: "v")
        let late = try #require(try await claim(ledger).first?.claim)
        let request = IntentRequest(
            work: .muxJob(late), volume: Sample.volume, stagedName: nil, finalPath: FilePath("m.mp4"), reservedBytes: 0)
        let token = try await ledger.transaction { session in
            try Intents.open([request], lease: .seconds(60), in: session)[0]
        }.intent().token
        try await expire(ledger)
        #expect(try await claim(ledger, holder: Sample.otherHolder).count == 1)
        // The other one has opened nothing yet.
        try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            let ready = Intent.Ready(size: 1, digest: try #require(Digest(hex: String(repeating: "a", count: 64))))
            #expect(try Intents.ready([token: ready], lease: .seconds(60), in: session).isEmpty)
            #expect(try Intents.isHeld([token], in: session).isEmpty)
            #expect(try Intents.lockHeld([token], in: session).isEmpty)
        }
    }

    private func expire(_ ledger: LedgerDatabase, by span: String = "1 second") async throws {
        try await ledger.transaction { session in
            try session.execute(
                "update takeup.mux_job set lease_until = now() - interval '\(span)' where state = 'claimed'")
        }
    }

    @Test func `a job that its workers are lost with again and again is taken last, and ever more rarely`() async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        func pair(_ sid: String) async throws -> MuxJob.ID {
            try await commit(ledger, Sid(sid), .audio, path: "\(sid)a")
            return try #require(try await commit(ledger, Sid(sid), .video, path: "\(sid)v").jobs.first).id
        }
        func next() async throws -> MuxJob? {
            try await ledger.database.perform { session in
                try MuxJobs.claim(holder: Sample.holder, limit: 1, newest: 0, lease: .seconds(60), in: session)
            }.first
        }
        let killer = try await pair("k")
        for losses in 0...MuxJobs.mostQuickTakeOvers {
            let job = try #require(try await next())
            #expect(job.id == killer && job.losses == losses)
            try await expire(ledger, by: "30 seconds")
        }
        // Not before a minute is over.
        #expect(try await next() == nil)
        let due = try await ledger.database.perform { session in try MuxJobs.nextDue(in: session) }
        #expect(try #require(due) > .seconds(20))
        let other = try await pair("o")
        try await expire(ledger, by: "10 minutes")
        #expect(try await next()?.id == other)
        let again = try #require(try await next())
        #expect(again.id == killer && again.losses == MuxJobs.mostQuickTakeOvers + 1)
        // What fails has not taken its worker with it.
        let claim = try #require(again.claim)
        try await ledger.transaction { session in
            try MuxJobs.fail(claim, delay: .seconds(-1), error: "decode", in: session)
        }
        #expect(try await next()?.losses == 0)
    }

    @Test func `a replaced half supersedes its jobs, fences their workers, and the better half pairs anew`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        let screen = try await commit(ledger, Sid("s"), .video, path: "v").replica
        let job = try #require(try await claim(ledger).first)
        let request = IntentRequest(
            work: .muxJob(try #require(job.claim)), volume: Sample.volume, stagedName: nil,
            finalPath: FilePath("m.mp4"), reservedBytes: 0)
        let intent = try await ledger.transaction { session in
            try Intents.open([request], lease: .seconds(60), in: session)[0]
        }.intent()
        let better = try Sample.replica(Sid("s"), kind: .video, path: "w")
        let made = try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            try Replicas.retire([screen.id: FilePath("q/v")], keep: .seconds(-1), in: session)
            try Replicas.putAside([screen.id: FilePath("q/v")], in: session)
            try Replicas.insert([better], in: session)
            return (
                try MuxJobs.ensure([Sid("s")], in: session), try Intents.lockHeld([intent.token], in: session),
                try MuxJobs.find([job.id], in: session).map(\.state),
                try Replicas.removable(on: [Sample.volume], limit: 5, in: session).map(\.id)
            )
        }
        #expect(made.0.count == 1 && made.1.isEmpty && made.2 == [.superseded] && made.3 == [screen.id])
    }

    @Test func `a late screen makes a job of all screens, and the one of fewer is superseded and fenced`() async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        let first = try await commit(ledger, Sid("s"), .video, path: "v").replica
        let job = try #require(try await claim(ledger).first)
        let request = IntentRequest(
            work: .muxJob(try #require(job.claim)), volume: Sample.volume, stagedName: nil,
            finalPath: FilePath("m.mp4"), reservedBytes: 0)
        let intent = try await ledger.transaction { session in
            try Intents.open([request], lease: .seconds(60), in: session)[0]
        }.intent()
        let late = try await commit(ledger, Sid("s"), .video, path: "w")
        #expect(late.jobs.map(\.screens) == [[first.id, late.replica.id]])
        let after = try await ledger.transaction { session in
            try Recordings.lock([Sid("s")], in: session)
            return (
                try Intents.lockHeld([intent.token], in: session), try MuxJobs.find([job.id], in: session).map(\.state),
                try MuxJobs.ensure([Sid("s")], in: session),
                try MuxJobs.pairsWithoutJob(limit: 9, newest: 9, in: session).sids
            )
        }
        #expect(after.0.isEmpty && after.1 == [.superseded] && after.2.isEmpty && after.3.isEmpty)
        #expect(try await claim(ledger).map(\.id) == late.jobs.map(\.id))
    }

    /// As a commit does.
    private func finish(_ ledger: LedgerDatabase, _ job: MuxJob, path: String) async throws {
        let result = try Sample.replica(job.sid, kind: .video, path: path, isResult: true)
        try await ledger.transaction { session in
            try Recordings.lock([job.sid], in: session)
            let replica = try #require(try Replicas.insert([result], in: session).first)
            try MuxJobs.finish(job.id, result: replica.id, in: session)
        }
    }

    @Test(arguments: ["is_doubted = true", "gone_at = now()"])
    func `a screen that is lost or in doubt before it was muxed does not keep the others from it`(
        _ loss: String
    ) async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        let first = try await commit(ledger, Sid("s"), .video, path: "v")
        let both = try await commit(ledger, Sid("s"), .video, path: "w")
        func change(_ change: String) async throws -> [MuxJob] {
            try await ledger.transaction { session in
                try Recordings.lock([Sid("s")], in: session)
                try session.execute(
                    "update takeup.replica set \(change) where id = $1", [.integer(both.replica.id.rawValue)])
                let sids = try MuxJobs.pairsWithoutJob(limit: 9, newest: 9, in: session).sids
                let made = try MuxJobs.ensure([Sid("s")], in: session)
                guard sids.isEmpty == made.isEmpty else { throw Broken() }
                guard try MuxJobs.ensure([Sid("s")], in: session).isEmpty else { throw Broken() }
                return made
            }
        }
        let made = try await change(loss)
        #expect(made.map(\.id) == first.jobs.map(\.id) && made.map(\.state) == [.waiting])
        // It comes back: both jobs stand, and the one of both ends the other.
        #expect(try await change("is_doubted = false, gone_at = null").isEmpty)
        let jobs = try await claim(ledger)
        #expect(Set(jobs.map(\.id)) == Set((first.jobs + both.jobs).map(\.id)))
        try await finish(ledger, try #require(jobs.first { $0.screens.count == 2 }), path: "m")
        let few = try #require(first.jobs.first).id
        #expect(try await ledger.transaction { try MuxJobs.find([few], in: $0) }.map(\.state) == [.superseded])
    }

    @Test func `a screen that is lost or in doubt takes nothing from what was muxed with it`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        let screen = try await commit(ledger, Sid("s"), .video, path: "v").replica
        try await commit(ledger, Sid("s"), .video, path: "w")
        try await finish(ledger, try #require(try await claim(ledger).first), path: "m")
        for loss in ["is_doubted = true", "is_doubted = false, gone_at = now()"] {
            let wanted = try await ledger.transaction { session in
                try session.execute("update takeup.replica set \(loss) where id = $1", [.integer(screen.id.rawValue)])
                return (
                    try MuxJobs.ensure([Sid("s")], in: session),
                    try MuxJobs.pairsWithoutJob(limit: 9, newest: 9, in: session).sids
                )
            }
            #expect(wanted.0.isEmpty && wanted.1.isEmpty)
        }
        // What takes its place makes one of both.
        let better = try await commit(ledger, Sid("s"), .video, path: "x")
        #expect(better.jobs.map(\.screens.count) == [2])
    }

    @Test(arguments: [false, true])
    func `of a result that went bad what is left is muxed, where a screen of it is lost`(
        isLostMeanwhile: Bool
    ) async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await commit(ledger, Sid("s"), .audio, path: "a")
        let first = try await commit(ledger, Sid("s"), .video, path: "v").replica
        try await finish(ledger, try #require(try await claim(ledger).first), path: "m1")
        let second = try await commit(ledger, Sid("s"), .video, path: "w").replica
        let both = try #require(try await claim(ledger).first)
        try await finish(ledger, both, path: "m2")
        let sides = try await ledger.transaction { session in
            let results = try MuxJobs.find(sid: Sid("s"), in: session).map(\.result)
            let earlier = try #require(results[0])
            // As the commit of the one of both did.
            try Replicas.retire([earlier: FilePath("q/m1")], keep: .seconds(60), in: session)
            return (earlier, try #require(results[1]))
        }
        func lose(_ ids: [Replica.ID]) async throws {
            try await ledger.transaction { session in
                try session.execute(
                    "update takeup.replica set gone_at = now() where id = any($1::text[]::bigint[])",
                    [.texts(ids.map(\.description))])
            }
        }
        func makeAgain() async throws -> Set<Replica.ID> {
            try await ledger.transaction { session in
                try MuxJobs.makeAgain(try Replicas.find([sides.1], in: session), in: session)
            }
        }
        if isLostMeanwhile {
            #expect(try await makeAgain() == [sides.1])
            try await lose([second.id])
            let made = try await ledger.transaction { session in
                try Recordings.lock([Sid("s")], in: session)
                return try MuxJobs.ensure([Sid("s")], in: session)
            }
            #expect(made.map(\.screens) == [[first.id]])
        } else {
            try await lose([second.id])
            #expect(try await makeAgain() == [sides.1])
        }
        let due = try await claim(ledger).filter { $0.screens == [first.id] }
        #expect(due.count == 1 && due[0].state == .claimed)
        // What was replaced before is no result of it.
        let stale = due[0].result
        #expect(stale == sides.0 && !due[0].hasStandingResult)
        #expect(try await makeAgain() == (isLostMeanwhile ? [sides.1] : []))
        // Where nothing can be muxed, nothing changes.
        if !isLostMeanwhile {
            try await finish(ledger, due[0], path: "m3")
            try await lose([first.id])
            let result = try await ledger.transaction { session in
                try #require(try MuxJobs.find([due[0].id], in: session).first?.result)
            }
            let again = try await ledger.transaction { session in
                try MuxJobs.makeAgain(try Replicas.find([result], in: session), in: session)
            }
            #expect(again.isEmpty)
        }
    }

    @Test func `each sound has a job with all screens`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        for (kind, path) in [(MediaKind.video, "v"), (.video, "w"), (.audio, "a"), (.audio, "b")] {
            try await commit(ledger, Sid("s"), kind, path: path)
        }
        let jobs = try await claim(ledger)
        #expect(jobs.count == 2 && jobs.allSatisfy { $0.screens.count == 2 })
    }

    @Test func `the sweep finds pairs without a job, page by page`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        for sid in ["a", "b", "c"] {
            try await commit(ledger, Sid(sid), .audio, path: "\(sid)1")
            try await commit(ledger, Sid(sid), .video, path: "\(sid)2")
        }
        try await ledger.transaction { session in
            #expect(try MuxJobs.pairsWithoutJob(limit: 9, newest: 9, in: session).sids.isEmpty)
            try session.execute("delete from takeup.mux_job where sid in ('a', 'c')")
            let newest = try MuxJobs.pairsWithoutJob(limit: 1, newest: 1, in: session)
            #expect(newest.sids == [Sid("a"), Sid("c")])
            let next = try MuxJobs.pairsWithoutJob(after: newest.last, limit: 3, newest: 0, in: session)
            #expect(next.sids == [Sid("a")] && next.last != nil)
            let last = try MuxJobs.pairsWithoutJob(after: next.last, limit: 3, newest: 0, in: session)
            #expect(last.sids == [Sid("c")] && last.last == nil)
            #expect(try MuxJobs.ensure([Sid("a"), Sid("b"), Sid("c")], in: session).count == 2)
        }
    }

    @Test func `what a sweep reads for pairs does not grow with the archive`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.transaction { session in
            try session.execute("insert into takeup.recording (sid) select 's' || i from generate_series(1, 20000) i")
            try session.execute(
                """
                insert into takeup.replica (sid, kind, volume_id, path, size, sha256, xxh128, level, authenticity,
                    is_muxable)
                select 's' || i, kind, $1, convert_to(kind || i, 'UTF8'), 1, sha256(convert_to(kind || i, 'UTF8')),
                    substr(sha256('x'), 1, 16), 'L2', 'unauthenticated', true
                from generate_series(1, 20000) i, (values ('AUDIO'), ('VIDEO')) as half(kind)
                """, [Value(Sample.volume)])
            try session.execute(
                """
                insert into takeup.mux_job (sid, sound_id, screen_ids)
                select sound.sid, sound.id, array[screen.id] from takeup.replica sound
                join takeup.replica screen on screen.sid = sound.sid and screen.kind = 'VIDEO'
                where sound.kind = 'AUDIO' and sound.sid <> 's777'
                """)
        }
        try await ledger.database.perform { try $0.script("analyze takeup.replica; analyze takeup.mux_job") }
        // A session of its own: its counts are of nothing else.
        let read = try await ledger.scratch.connect(connections: 1).transaction { session in
            #expect(try MuxJobs.pairsWithoutJob(limit: 500, newest: 200, in: session).sids.isEmpty)
            return try session.first(
                """
                select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint as rows
                from pg_stat_xact_user_tables where schemaname = 'takeup'
                """)?.integer("rows") ?? -1
        }
        #expect((1..<10_000).contains(read), "\(read) rows were read")
        // And round after round all are seen.
        let found = try await ledger.transaction { session in
            var (found, last) = (Set<Sid>(), Replica.ID?.none)
            repeat {
                let page = try MuxJobs.pairsWithoutJob(after: last, limit: 500, newest: 200, in: session)
                found.formUnion(page.sids)
                last = page.last
            } while last != nil
            return found
        }
        #expect(found == [Sid("s777")])
    }
}
