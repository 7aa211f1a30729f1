import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Agent

/// A keeper between the rounds through the unmarked, hints of single recordings, and marks that are set beside both.
@Suite(.serialized) struct KeeperServiceTests {
    private func known(_ scene: AgentScene) async throws -> Int { try await scene.count("takeup.sighting") }

    /// A recording with a mark, so that no page shows it, that the ledger knows with other rows.
    private func changedAfterMark(_ scene: AgentScene, _ number: Int) async throws -> BuiltRecording {
        let built = try await scene.record(number, mark: .synchronized, writesFile: false)
        try await scene.run(
            """
            insert into takeup.sighting (source, source_id, sid, state)
            values ('rec_a', \(built.id), 'sid-\(number)', 'marked')
            """)
        return built
    }

    /// Turns until the keeper has heard that it hears its recorder, which is a reason for a round.
    private func settle(_ scene: AgentScene) async throws {
        let recorder = scene.builder.database
        _ = try await scene.agent.keeper.turn()
        #expect(
            try await scene.wait {
                try await recorder.perform { session in
                    try session.first(
                        "select 1 from pg_stat_activity where datname = current_database() and query ilike 'listen%'")
                        != nil
                }
            })
        for _ in 0..<5 {
            try await Task.sleep(for: .milliseconds(50))
            _ = try await scene.agent.keeper.turn()
        }
    }

    @Test func `while hints never end and a round goes on, both get every other look`() async throws {
        try await AgentScene.with(synchro: "sleep_period = \"60s\"\ncalls_per_period = 4") { scene in
            for number in 1...24 { try await scene.record(number, writesFile: false) }
            let keeper = scene.agent.keeper
            func hintsDone() async throws -> Int {
                try await scene.count("takeup.sighting where sid like 'sid-1__' and state <> 'marked'")
            }
            func pagesDone() async throws -> Int {
                try await scene.count("takeup.sighting where sid not like 'sid-1__'")
            }
            var looks: [(hints: Int, pages: Int)] = []
            for turn in 0..<100 {
                let hinted = try await changedAfterMark(scene, 100 + turn % 100)
                await keeper.look(at: [hinted.id])
                let before = (try await hintsDone(), try await pagesDone())
                _ = try await keeper.turn()
                let found = (hints: try await hintsDone() - before.0, pages: try await pagesDone() - before.1)
                if found != (0, 0) { looks.append(found) }
                if try await pagesDone() == 24 { break }
                scene.agent.clock.skip(.seconds(1))
            }
            #expect(looks.reduce(0) { $0 + $1.pages } == 24, "the round came to its end: \(looks)")
            let alone = looks.count { $0.pages == 0 && $0.hints > 0 }
            #expect(alone >= looks.count / 2 - 1 && alone > 1, "hints wait for no page: \(looks)")
        }
    }

    @Test func `a hint that always fails holds up no round, and a round that always fails no hint`() async throws {
        try await AgentScene.with { scene in
            let keeper = scene.agent.keeper
            let inPage = try await scene.record(1, writesFile: false)
            let hinted = try await changedAfterMark(scene, 2)
            func turns(_ count: Int, until condition: () async throws -> Bool) async throws -> Bool {
                for _ in 0..<count {
                    await keeper.look(at: [hinted.id])
                    await keeper.hintLook()
                    _ = try? await keeper.turn()
                    if try await condition() { return true }
                    scene.agent.clock.skip(.seconds(1))
                }
                return false
            }
            try await scene.refuse("insert or update", of: "sighting", where: "new.source_id = \(hinted.id)")
            #expect(try await turns(10) { try await scene.sighting(inPage)?.state == .transferring })
            #expect(try await scene.sighting(hinted)?.state == .marked)
            #expect(try await scene.refusals() > 0)
            try await scene.allow("sighting")
            try await scene.run(
                "delete from takeup.transfer; delete from takeup.sighting where source_id = \(inPage.id)")
            try await scene.refuse("insert or update", of: "sighting", where: "new.source_id = \(inPage.id)")
            #expect(try await turns(10) { try await scene.sighting(hinted)?.state != .marked })
            #expect(try await scene.sighting(inPage) == nil)
        }
    }

    @Test func `a wish for a round that comes while one is looked at is not lost`() async throws {
        try await AgentScene.with { scene in
            let keeper = scene.agent.keeper
            try await settle(scene)
            try await scene.record(1, writesFile: false)
            await keeper.hintLook()
            scene.agent.clock.skip(.seconds(1))
            // The page is read by then, and what comes of it is not yet planned.
            let lock = try await TableLock("callrec.couples", in: scene.replayDatabase)
            let turn = Task { try await keeper.turn() }
            #expect(try await TableLock.holdsUp(scene.replayDatabase, scene))
            try await scene.record(2, writesFile: false)
            await keeper.hintLook()
            try await lock.release()
            _ = try await turn.value
            #expect(try await known(scene) == 1)
            scene.agent.clock.skip(.seconds(1))
            _ = try await keeper.turn()
            #expect(try await known(scene) == 2)
        }
    }

    @Test func `marks that come behind a batch that took its time wait for no wake`() async throws {
        try await AgentScene.with { scene in
            let recordings = [try await scene.record(1), try await scene.record(2)]
            _ = try await scene.agent.keeper.turn()
            _ = try await scene.agent.transfers.turn()
            try await scene.run(
                """
                update takeup.sighting set not_before = now() + interval '1 hour' where source_id = \(recordings[1].id);
                update takeup.keeper set lease_until = lease_until - interval '1 hour'
                """)
            func isMarked(_ place: Int) async throws -> Bool {
                try await scene.sighting(recordings[place])?.state == .marked
            }
            func leases() async throws -> Int64? {
                try await scene.ledger.perform { session in
                    try session.first(
                        "select (extract(epoch from lease_until) * 1000)::bigint as ms from takeup.keeper")?
                        .integer("ms")
                }
            }
            let other = try await scene.anotherAgent()
            let lock = try await TableLock("takeup.given_marks", mode: "share", in: scene.replayDatabase)
            let run = Task { await other.keeper.run() }
            defer { run.cancel() }
            #expect(try await TableLock.holdsUp(scene.replayDatabase, scene))
            // What else wakes the keeper at its start has done so; the next marks are not due by now.
            try await Task.sleep(for: .milliseconds(200))
            try await lock.release()
            #expect(try await scene.wait { try await isMarked(0) })
            let lease = try await leases()
            try await scene.run("update takeup.sighting set not_before = now() where state = 'converged'")
            #expect(try await scene.wait { try await isMarked(1) })
            #expect(try await leases() == lease, "it came before the keeper had anything else to do")
        }
    }

    @Test func `what went wrong with the marks of a lost role is forgotten when the role comes back`() async throws {
        try await AgentScene.with { scene in
            let keeper = scene.agent.keeper
            let built = try await scene.record(1)
            _ = try await keeper.turn()
            _ = try await scene.agent.transfers.turn()
            try await scene.refuse("insert or update", of: "given_marks")
            scene.agent.clock.skip(.seconds(1))
            _ = try await keeper.turn()
            #expect(try await scene.wait { try await scene.refusals() == 1 })
            try await Task.sleep(for: .milliseconds(100))
            // Another agent is faster when the lease is to be lengthened.
            try await scene.run(
                """
                update takeup.keeper set holder = 'other', token = nextval('takeup.keeper_token'),
                    lease_until = now() + interval '1 hour'
                """)
            scene.agent.clock.skip(.seconds(6))
            _ = try await keeper.turn()
            #expect(await !keeper.isKeeper)
            try await scene.allow("given_marks")
            try await scene.run("update takeup.keeper set lease_until = now() - interval '1 hour'")
            scene.agent.clock.skip(.seconds(6))
            _ = try await keeper.turn()
            #expect(await keeper.isKeeper)
            #expect(try await scene.wait { try await scene.sighting(built)?.state == .marked })
        }
    }
}
