import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct StatusCountsTests {
    @Test func `the figures say how things stand`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: [1, 2, 3])
        let transfers = try await ledger.claim(2)
        try await ledger.commit(ledger.open(transfers[0], path: "x").intent(), of: transfers[0])
        _ = try await ledger.open(transfers[1], path: "y")
        try await ledger.transaction { session in
            let converged = try Sightings.toMark(source: Sample.source, limit: 9, in: session)
            try Sightings.marked(converged, in: session)
            _ = try Problems.open(kind: "k", subject: "s", what: "x", in: session)
            _ = try Keepers.take(source: Sample.source, holder: Sample.holder, lease: .seconds(9), in: session)
            try Agents.beat(
                AgentBeat(
                    holder: Sample.holder, role: "agent", mount: Sample.mount, host: "h", processID: 7, version: "1",
                    state: #"{"hot": 3}"#), in: session)
        }
        let counts = try await ledger.database.transaction(.repeatableRead) { session in
            try StatusCounts.take(in: session)
        }
        let source = try #require(counts.sources.first)
        #expect(counts.sources.count == 1)
        #expect(source.transferring == 2)
        #expect(source.converged == 0)
        #expect(source.marks == 1)
        #expect(try #require(source.oldestWaiting) > .seconds(3600))
        let mount = try #require(counts.mounts.first)
        #expect(mount.mount == Sample.mount)
        #expect((mount.waiting, mount.claimed, mount.missing) == (1, 1, 0))
        #expect(counts.volumes.map(\.replicas) == [1, 0])
        #expect(counts.volumes.map(\.bytes) == [100, 0])
        #expect(counts.volumes.map(\.reservedBytes) == [1000, 0])
        #expect(counts.openProblems == 1)
        #expect(counts.keepers.map(\.holder) == [Sample.holder])
        #expect(counts.agents.map(\.beat.state) == [#"{"hot": 3}"#])
        #expect(counts.muxJobs.isEmpty)
        #expect(counts.markingStopped == nil)
    }

    @Test func `an empty ledger has figures, too`() async throws {
        let ledger = try await LedgerDatabase()
        let counts = try await ledger.database.perform { session in try StatusCounts.take(in: session) }
        #expect(counts.sources.isEmpty)
        #expect(counts.openProblems == 0)
        #expect(
            try await ledger.database.perform { session in try Delays.take(over: .seconds(60), in: session) } == nil)
    }

    @Test func `delays are measured from complete at the recorder to converged`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            try session.execute(
                """
                insert into takeup.sighting (source, source_id, sid, state, finished_at, converged_at)
                select 'rec_a', n, 's', 'converged', now() - n * interval '10 ms', now() from generate_series(1, 100) n
                """)
            let delays = try #require(try Delays.take(over: .seconds(60), in: session))
            #expect(delays.recordings == 100)
            #expect(delays.median == .milliseconds(505))
            #expect(delays.worst == .seconds(1))
            #expect(delays.high > .milliseconds(985) && delays.high < .seconds(1))
        }
    }

    @Test func `agents that are silent for long are forgotten, and one that leaves takes its row with it`() async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            for number in 1...2 {
                try Agents.beat(
                    AgentBeat(
                        holder: Holder("h\(number)"), role: "mux", host: "h", processID: 7, version: "1"), in: session)
            }
            try Agents.leave(Holder("h1"), in: session)
            #expect(try Agents.all(in: session).map(\.beat.holder) == [Holder("h2")])
            #expect(try Agents.forget(silentFor: .seconds(60), in: session) == 0)
            #expect(try Agents.forget(silentFor: .seconds(-60), in: session) == 1)
        }
    }

    @Test func `an agent that leaves says that it stopped, and forgets those of its mount that died before`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            for (holder, mount) in [("dead", "/mnt/a"), ("other", "/mnt/b"), ("last", "/mnt/a")] {
                try Agents.beat(
                    AgentBeat(
                        holder: Holder(holder), role: "agent", mount: MountPath(mount), host: "h", processID: 7,
                        version: "1"), in: session)
            }
            try session.execute(
                "update takeup.agent set beat_at = beat_at - interval '1 hour' where holder in ('dead', 'other')")
            try Agents.leave(Holder("last"), in: session)
            let known = try Agents.all(in: session)
            #expect(Set(known.map(\.beat.holder)) == [Holder("last"), Holder("other")])
            #expect(known.filter { $0.left != nil }.map(\.beat.holder) == [Holder("last")])
        }
    }

    @Test func `muxed files that nothing vouches for are counted, and no others`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        let sid = Sid("s")
        var vouched = try Sample.replica(sid, kind: .video, path: "b", isResult: true)
        vouched.authenticity = .crc32
        let contents = [
            try Sample.replica(sid, kind: .audio, path: "a"),
            try Sample.replica(sid, kind: .video, path: "c", isResult: true), vouched,
        ]
        try await ledger.transaction { session in
            try Recordings.lock([sid], in: session)
            try Replicas.insert(contents, in: session)
            #expect(try StatusCounts.take(in: session).unauthenticatedResults == 1)
        }
    }
}
