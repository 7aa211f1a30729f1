import Files
import Glibc
import Ledger
import Planning
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Agent

/// Looks at originals after the commit of their copies, with a ledger that fails and copies that go.
@Suite(.serialized) struct AfterlookServiceTests {
    /// A recording whose copy was committed just now, by the services of `scene`.
    private func copied(_ scene: AgentScene) async throws -> BuiltRecording {
        let built = try await scene.record(1)
        _ = try await scene.agent.keeper.turn()
        _ = try await scene.agent.transfers.turn()
        try #require(try await scene.count("takeup.replica where state = 'held'") == 1)
        return built
    }

    /// Lets what is remembered become due, and looks.
    @discardableResult
    private func look(_ scene: AgentScene, after span: Duration = .seconds(1)) async throws -> Duration {
        scene.agent.clock.skip(span)
        return try await scene.agent.afterlooks.turn()
    }

    /// The afterlook of the copy as the ledger has it where no row vouched for the file.
    private func begin(_ scene: AgentScene, notBefore: Duration = .zero) async throws {
        let path = scene.scratch.path.appending(scene.name(1))
        try await scene.ledger.transaction { session in
            let row = try session.first("select transfer_id from takeup.replica")
            let id = Transfer.ID(rawValue: try #require(row).integer("transfer_id"))
            let transfer = try #require(try Transfers.find([id], in: session).first)
            let look = FileLook(try KernelFiles().observe(path, in: KernelFiles.workingDirectory))
            try Afterlooks.begin(
                [
                    StandingAfterlook(
                        transfer: id, recording: transfer.recording, sid: transfer.sid, mount: transfer.mount,
                        path: transfer.path, look: Afterlook(copied: look))
                ], after: notBefore, in: session)
        }
    }

    enum Memory: CaseIterable, Sendable { case process, ledger }

    @Test(arguments: Memory.allCases)
    func `what a look found is found again until it is written down`(memory: Memory) async throws {
        try await AgentScene.with { scene in
            let built = try await copied(scene)
            var agent = scene.agent
            if memory == .ledger {
                try await begin(scene)
                agent = try await scene.anotherAgent()
            }
            func look() async throws {
                agent.clock.skip(.seconds(1))
                _ = try await agent.afterlooks.turn()
            }
            try scene.scratch.write(AgentScene.speech + [0], to: scene.name(1))
            // Half of it is written when it fails.
            try await scene.refuse("update", of: "replica")
            await #expect(throws: PostgresError.self) { try await look() }
            #expect(try await scene.sighting(built)?.state == .converged)
            #expect(try await scene.count("takeup.afterlook") == (memory == .ledger ? 1 : 0))
            try await scene.allow("replica")
            try await look()
            #expect(try await scene.sighting(built)?.state == .waiting)
            #expect(try await scene.count("takeup.replica where is_doubted") == 1)
            #expect(try await scene.count("takeup.afterlook") == 0)
            #expect(agent.narrator.entries(of: .copyOutdated).count == 1)
        }
    }

    @Test func `one whose copy was replaced by another is not compared for ever`() async throws {
        try await AgentScene.with { scene in
            _ = try await copied(scene)
            try await scene.run("update takeup.replica set state = 'retired'")
            try touch(scene)
            try await look(scene)
            // Nothing is remembered, nothing stands: it rests.
            #expect(try await look(scene) == .seconds(30))
        }
    }

    @Test func `one that can't be compared is looked at a few times, ever more rarely, and then let go`() async throws {
        try await AgentScene.with { scene in
            _ = try await copied(scene)
            try touch(scene)
            // What is held cannot be asked for: the replica's digest is read by nothing else in a turn.
            try await scene.run("alter table takeup.replica rename column sha256 to elsewhere")
            var looks = 0
            var waited = Duration.zero
            while waited < .seconds(7200), try await look(scene, after: .seconds(4)) != .seconds(30) {
                waited += .seconds(4)
                looks += 1
            }
            // 4 s, and twice as long each time: eight times.
            #expect((Duration.seconds(1000)...Duration.seconds(1100)).contains(waited), "\(waited), \(looks) turns")
        }
    }

    @Test func `one that could be compared at last is compared`() async throws {
        try await AgentScene.with { scene in
            let built = try await copied(scene)
            var changed = AgentScene.speech
            changed[changed.count - 1] ^= 1
            try scene.scratch.write(changed, to: scene.name(1))
            try await scene.run("alter table takeup.replica rename column sha256 to elsewhere")
            try await look(scene)
            try await scene.run("alter table takeup.replica rename column elsewhere to sha256")
            try await look(scene)
            #expect(try await scene.sighting(built)?.state == .converged)
            try await look(scene, after: .seconds(4))
            #expect(try await scene.sighting(built)?.state == .waiting)
        }
    }

    @Test func `what a process remembers as vouched for confirms no look of the ledger`() async throws {
        try await AgentScene.with { scene in
            _ = try await copied(scene)
            // Copied anew since, and now nothing vouches for it: the mark waits for a look an hour from now.
            try await begin(scene, notBefore: .seconds(3600))
            try await look(scene)
            #expect(try await scene.count("takeup.afterlook where not is_confirmed") == 1)
        }
    }

    private func touch(_ scene: AgentScene) throws {
        let path = scene.scratch.path.appending(scene.name(1))
        #expect(
            path.withPath {
                utimensat(AT_FDCWD, $0, [timespec(tv_sec: 1, tv_nsec: 5), timespec(tv_sec: 1, tv_nsec: 5)], 0)
            } == 0)
    }
}
