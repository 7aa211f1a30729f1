internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Calls are grouped on the replay as on their sources, whichever leg comes first and from where; with the built program.
@Suite(.serialized) struct CallTests {
    @Test(.timeLimit(.minutes(3)), arguments: CallrecSchema.allCases)
    func `legs of one call that come from two sources and on two days hang on one call`(
        schema: CallrecSchema
    ) async throws {
        let one = try await PlainRecorder("one", schema)
        let two = try await PlainRecorder("two", schema)
        let samples = try #require(MediaSamples.ofThisRun)
        let sound = try readSample(try samples.speech(seconds: 3))
        let stop = PlainRecorder.now
        let earlier = WallTime(microseconds: stop.microseconds - 86_400_000_000)
        func sample(_ sid: String, _ stop: WallTime, at recorder: PlainRecorder) throws -> RecordingSample {
            RecordingSample(sid, stop: stop, seconds: 3).media(
                try recorder.file(.audio, "\(recorder.name)-\(sid).mp3", sound))
        }
        // Each recorder saw one leg of a call as a call of its own; a third leg is of another call.
        try await one.builder.add(try sample("leg-1", earlier, at: one))
        try await one.builder.add(try sample("leg-2", stop, at: one))
        try await one.builder.add(try sample("alone", stop, at: one))
        let solution = try await ScratchSolution(schema)
        let sources = [one, two].map { ScratchSolution.Source($0) }
        try solution.configure(sources)
        let agents = try sources.map { try solution.start($0) }
        defer { for agent in agents { agent.send(SIGTERM) }; for agent in agents { agent.wait() } }
        #expect(try await one.marks(upTo: .seconds(40)).values.allSatisfy { $0 == "S" })
        #expect(try await calls(solution) == [["alone"], ["leg-1"], ["leg-2"]])

        // The other recorder heard both legs, and knows that they are one call, with a third.
        let call = try await two.builder.add(try sample("leg-1", earlier, at: two)).callID
        try await two.builder.add(try sample("leg-2", stop, at: two), callID: call)
        try await two.builder.add(try sample("leg-3", stop, at: two), callID: call)
        let marks = try await two.marks(upTo: .seconds(40))
        #expect(marks["leg-3"] == "S", "\(solution.log("two").suffix(3000))")
        #expect(try await calls(solution) == [["alone"], ["leg-1", "leg-2", "leg-3"]])
        let times = try await solution.replay.perform { session in
            try session.first(
                """
                select c.cplcnt, c.realcplcnt, c.start_ts = (select min(start_ts) from callrec.couples where callid = c.id)
                    and c.stop_ts = (select max(stop_ts) from callrec.couples where callid = c.id) as spans
                from callrec.calls c join callrec.couples p on p.callid = c.id where p.sid = 'leg-2'
                """
            ).map { [try $0.text("cplcnt"), try $0.text("realcplcnt"), try $0.text("spans")] }
        }
        #expect(times == ["3", "3", "t"])

        // A call that was emptied serves the next new one: none is left without recordings.
        let before = try await solution.count("select count(*) from callrec.calls")
        try await one.builder.add(try sample("next", stop, at: one))
        #expect(try await one.marks(upTo: .seconds(40))["next"] == "S")
        #expect(try await solution.count("select count(*) from callrec.calls") == before)
        #expect(try await calls(solution) == [["alone"], ["leg-1", "leg-2", "leg-3"], ["next"]])
        #expect(try await solution.openProblems().map(\.what) == [])
    }

    /// The sids of each call, in order.
    private func calls(_ solution: ScratchSolution) async throws -> [[String]] {
        try await solution.replay.perform { session in
            try session.query(
                "select string_agg(sid, ' ' order by sid) as sids from callrec.couples group by callid order by 1"
            ).map { try $0.text("sids").split(separator: " ").map(String.init) }
        }
    }
}
