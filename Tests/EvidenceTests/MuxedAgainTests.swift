import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// A muxed file has no recorder: what brings it back is muxing again.
@Suite(.serialized) struct MuxedAgainTests {
    @Test(.timeLimit(.minutes(3)))
    func `a muxed file that went bad is muxed again from its halves, and retired once the new one is committed`()
        async throws
    {
        let samples = try #require(MediaSamples.ofThisRun)
        let (sound, screen) = (
            try readSample(try samples.speech(seconds: 4)), try readSample(try samples.screen(seconds: 4))
        )
        // With a recording of sound alone beside it.
        let site = try await EvidenceSite([10])
        try await site.recorder.builder.add(
            RecordingSample("pair", stop: PlainRecorder.now, seconds: 4).media(
                try site.recorder.file(.audio, "pair.mp3", sound), try site.recorder.file(.video, "pair.mp4", screen)))
        let row = "select f.cfpath from callrec.cfiles f where f.cfpath like '%/muxed/%'"
        try await whileRunning(site) {
            let isMuxed = try await site.solution.replay.wait(upTo: .seconds(60)) {
                try await $0.count("select count(*) from (\(row)) as rows") == 1
            }
            #expect(isMuxed, "\(site.solution.log("mux").suffix(4000))")
        }
        func path() async throws -> String {
            try await site.solution.replay.perform { session in try session.first(row)?.text("cfpath") ?? "" }
        }
        let before = try await path()
        let good = try readSample(before)
        try site.corrupt(before)
        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        #expect(try await site.scrub(narrator).bad == 1)
        let told = narrator.entries(of: .scrubMismatch)
        #expect(told.first?.message.contains("it is muxed again from sound and screen") == true, "\(told)")
        #expect(try await site.count("takeup.mux_job where state = 'waiting' and result_id is not null") == 1)
        #expect(try await path() == before, "it stays until the new one is there")
        #expect(try readSample(before).count == good.count)
        #expect(try await site.count("takeup.replica where state = 'retired'") == 0)
        #expect(try await site.problems() == ["copy-changed"])

        try await whileRunning(site) {
            let isBack = try await site.solution.replay.wait(upTo: .seconds(60)) {
                let done = try await $0.count("select count(*) from takeup.mux_job where state = 'done'")
                let problems = try await site.problems()
                return done == 1 && problems.isEmpty
            }
            #expect(isBack, "\(site.solution.log("mux").suffix(4000))")
            #expect(try await site.recorder.marks(upTo: .seconds(40)).values.allSatisfy { $0 == "S" })
        }
        let after = try await path()
        #expect(after != before)
        #expect(try readSample(after).count > good.count / 2)
        // One row of it, and one file that counts.
        #expect(try await site.count("(\(row)) as rows") == 1)
        #expect(try await site.count("takeup.replica where is_result and state = 'held'") == 1)
        #expect(try await site.count("takeup.replica where is_result and state = 'retired'") == 1)
        try await site.age(days: 2)
        #expect(try await site.scrub().bad == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a muxed file whose sound is not held any more stays as it is`() async throws {
        let site = try await EvidenceSite([10, 10, 10])
        // By the ledger alone: the third is what was muxed of the first two.
        try await site.run(
            """
            update takeup.replica set sid = (select sid from takeup.replica order by id limit 1);
            update takeup.replica set is_result = true where id = (select max(id) from takeup.replica);
            update takeup.replica set is_doubted = true where id = (select min(id) from takeup.replica);
            insert into takeup.mux_job (sid, sound_id, screen_ids, result_id, state)
            select min(sid), min(id), array[min(id) + 1], max(id), 'done' from takeup.replica;
            """)
        let again = try await site.solution.replay.transaction { session in
            let result = try session.first("select max(id) as id from takeup.replica")?.integer("id") ?? 0
            return try MuxJobs.makeAgain(
                try Replicas.find([Replica.ID(rawValue: result)], in: session), in: session)
        }
        #expect(again.isEmpty)
        #expect(try await site.count("takeup.mux_job where state = 'done'") == 1)
        try await site.run("update takeup.replica set is_doubted = false")
        let both = try await site.solution.replay.transaction { session in
            let result = try session.first("select max(id) as id from takeup.replica")?.integer("id") ?? 0
            let replicas = try Replicas.find([Replica.ID(rawValue: result)], in: session)
            return [try MuxJobs.makeAgain(replicas, in: session), try MuxJobs.makeAgain(replicas, in: session)]
        }
        #expect(both.allSatisfy { $0.count == 1 }, "made due once, and said so each time")
        #expect(try await site.count("takeup.mux_job where state = 'waiting'") == 1)
    }

    /// With an agent and a mux worker.
    private func whileRunning(_ site: EvidenceSite, _ body: () async throws -> Void) async throws {
        let processes = [try site.solution.start(site.source), try site.solution.startMux()]
        defer { for process in processes { site.stop(process) } }
        try await body()
    }
}
