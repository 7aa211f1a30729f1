import Ledger
import Postgres
import Support
import Testing
import Vocabulary

/// Jobs that are done without screens that were refused.
@Suite struct LeftOutJobsTests {
    private static let sid = Sid("sid-1")
    private let ledger: LedgerDatabase
    private let screens: [Replica.ID]
    private let result: Replica.ID

    /// With a result of the first of two screens, made by a job of both.
    init() async throws {
        ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1])
        let contents = [
            try Sample.replica(Self.sid, kind: .audio, path: "a"),
            try Sample.replica(Self.sid, kind: .video, path: "v"),
            try Sample.replica(Self.sid, kind: .video, path: "w"),
            try Sample.replica(Self.sid, kind: .video, path: "m", isResult: true),
        ]
        let held = try await ledger.transaction { session in
            try Recordings.lock([Self.sid], in: session)
            let held = try Replicas.insert(contents, in: session)
            try MuxJobs.ensure([Self.sid], in: session)
            return held
        }
        (screens, result) = ([held[1].id, held[2].id], held[3].id)
        let job = try #require(try await claim())
        try await finish(job, result: held[3].id, leftOut: [held[2].id])
    }

    private func claim() async throws -> MuxJob? {
        try await ledger.database.perform { session in
            try MuxJobs.claim(holder: Sample.holder, limit: 1, newest: 0, lease: .seconds(60), in: session).first
        }
    }

    private func finish(_ job: MuxJob, result: Replica.ID, leftOut: [Replica.ID] = []) async throws {
        try await ledger.transaction { session in
            try Recordings.lock([Self.sid], in: session)
            try MuxJobs.finish(
                job.id, result: result, notes: leftOut.isEmpty ? nil : "one is left out", leftOut: leftOut, in: session)
        }
    }

    private func jobs() async throws -> [MuxJob] {
        try await ledger.database.perform { session in try MuxJobs.find(sid: Self.sid, in: session) }
    }

    private func tryAgain(restedFor rest: Duration = .seconds(-1)) async throws -> Int {
        try await ledger.transaction { session in try MuxJobs.tryLeftOut(restedFor: rest, in: session) }
    }

    private func openProblem() async throws {
        let id = try #require(try await jobs().first).id
        try await ledger.transaction { session in
            _ = try Problems.open(kind: "left-out", subject: "mux job \(id)", what: "It lacks one.", in: session)
        }
    }

    /// Closes what is over; gives whether the problem was.
    private func isOver() async throws -> Bool {
        try await ledger.transaction { session in
            try !Problems.closeCompletedMuxes(kind: "left-out", subjectPrefix: "mux job ", in: session).isEmpty
        }
    }

    @Test func `the job says what its result lacks, and nothing else is wanted`() async throws {
        let job = try #require(try await jobs().first)
        #expect(job.state == .done && job.leftOut == [screens[1]] && job.shown == [screens[0]])
        #expect(job.hasStandingResult)
        let made = try await ledger.transaction { session in try MuxJobs.ensure([Self.sid], in: session) }
        #expect(made.isEmpty)
    }

    @Test func `a worker that starts tries it again after a rest, and keeps the result where nothing is better`()
        async throws
    {
        #expect(try await tryAgain() == 1)
        #expect(try await tryAgain() == 0)
        let job = try #require(try await claim())
        #expect(job.result == result && job.leftOut == [screens[1]] && job.hasStandingResult)
        // Neither is it looked at with the other screen alone while the result stands.
        let made = try await ledger.transaction { session in
            try session.execute(
                "update takeup.replica set is_doubted = true where id = $1", [.integer(screens[0].rawValue)])
            return try MuxJobs.ensure([Self.sid], in: session)
        }
        #expect(made.isEmpty)
        let claim = try #require(job.claim)
        #expect(try await ledger.transaction { session in try MuxJobs.keep(claim, in: session) })
        #expect(try await ledger.transaction { session in try MuxJobs.keep(claim, in: session) } == false)
        let kept = try #require(try await jobs().first)
        #expect(kept.state == .done && kept.result == result && kept.leftOut == [screens[1]])
    }

    @Test func `what was looked at a moment ago comes when it has rested, however many workers start meanwhile`()
        async throws
    {
        #expect(try await tryAgain(restedFor: .seconds(3600)) == 1)
        #expect(try await tryAgain(restedFor: .seconds(3600)) == 0)
        #expect(try await claim() == nil)
        let job = try #require(try await jobs().first)
        #expect(job.state == .waiting && job.hasStandingResult && job.leftOut == [screens[1]])
        let wait = try await ledger.database.perform { try MuxJobs.nextDue(in: $0) }
        #expect(wait.map { $0 > .seconds(3500) && $0 <= .seconds(3600) } == true, "\(String(describing: wait))")
        // The hour passes.
        try await ledger.transaction { session in
            try session.execute("update takeup.mux_job set not_before = not_before - interval '1 hour'")
        }
        #expect(try await claim()?.id == job.id)
    }

    @Test func `one becomes due after the other, the newest at once`() async throws {
        try await ledger.transaction { session in
            try session.execute(
                """
                insert into takeup.mux_job (sid, sound_id, screen_ids, state, result_id, left_out)
                select sid, sound_id, screen_ids || array[result_id], 'done', result_id, left_out from takeup.mux_job
                """)
        }
        #expect(try await tryAgain() == 2)
        let pauses = try await ledger.database.perform { session in
            try session.query(
                "select extract(epoch from not_before - now())::bigint as pause from takeup.mux_job order by id"
            )
            .map { try $0.integer("pause") }
        }
        #expect(pauses[0] > 5 && pauses[1] <= 0, "\(pauses)")
    }

    @Test func `kills of a tool are counted by their screens, until a person has it tried again`() async throws {
        #expect(try await tryAgain() == 1)
        for killedAt in [screens[1], nil, screens[0], screens[1]] {
            let claim = try #require(try await claim()?.claim)
            #expect(
                try await ledger.database.perform { session in
                    try MuxJobs.fail(claim, delay: .zero, error: "it failed", killedAt: killedAt, in: session)
                })
        }
        let job = try #require(try await jobs().first)
        #expect(job.failures == 4 && job.killedScreens == [screens[1], screens[0], screens[1]])
        _ = try await ledger.transaction { session in try Retries.retry(.recording(Self.sid), in: session) }
        #expect(try await jobs().map(\.killedScreens) == [[]])
    }

    @Test func `an operator has it tried again at once`() async throws {
        let count = try await ledger.transaction { session in
            try Retries.retry(.recording(Self.sid), in: session)
        }
        #expect(count.due == 1)
        #expect(try await jobs().map(\.state) == [.waiting])
        let job = try #require(try await claim())
        try await finish(job, result: result, leftOut: [screens[1]])
        let ofSource = try await ledger.transaction { session in
            try Retries.retry(.sources([Sample.source]), in: session)
        }
        #expect(ofSource.due == 1)
        #expect(try await claim()?.id == job.id)
    }

    @Test func `what went bad is made again, and stands for nothing meanwhile`() async throws {
        let replica = try await ledger.database.perform { try Replicas.find([result], in: $0) }
        for isTriedAgain in [false, true] {
            if isTriedAgain { #expect(try await tryAgain() == 1) }
            #expect(
                try await ledger.transaction { session in try MuxJobs.makeAgain(replica, in: session) } == [result])
            let job = try #require(try await claim())
            #expect(!job.hasStandingResult && job.result == result && job.leftOut == [])
            let claim = try #require(job.claim)
            #expect(try await ledger.transaction { session in try MuxJobs.keep(claim, in: session) } == false)
            try await finish(job, result: result, leftOut: [screens[1]])
        }
    }

    @Test func `the problem is over when the result lacks nothing`() async throws {
        try await openProblem()
        #expect(try await isOver() == false)
        #expect(try await tryAgain() == 1)
        #expect(try await isOver() == false)
        try await finish(try #require(try await claim()), result: result)
        #expect(try await isOver())
    }

    @Test func `a better copy makes a job of its own, and the problem is over with its result`() async throws {
        try await openProblem()
        let (screen, better) = (screens[1], try Sample.replica(Self.sid, kind: .video, path: "x"))
        let made = try await ledger.transaction { session in
            try Recordings.lock([Self.sid], in: session)
            try Replicas.retire([screen: FilePath("q/w")], keep: .seconds(60), in: session)
            try Replicas.insert([better], in: session)
            return try MuxJobs.ensure([Self.sid], in: session)
        }
        #expect(made.map(\.screens.count) == [2] && made[0].screens.contains(screens[0]))
        #expect(try await isOver() == false)
        // As its commit does.
        let standing = result
        let job = try #require(try await claim())
        let next = try await ledger.transaction { session in
            try Recordings.lock([Self.sid], in: session)
            try Replicas.retire([standing: FilePath("q/m")], keep: .seconds(60), in: session)
            return try #require(
                try Replicas.insert(
                    [try Sample.replica(Self.sid, kind: .video, path: "n", isResult: true)], in: session
                ).first
            ).id
        }
        try await finish(job, result: next)
        #expect(try await isOver())
    }
}
