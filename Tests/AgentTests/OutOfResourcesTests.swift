import Files
import Glibc
import Support
import Synchronization
import Telemetry
import Testing

@testable import Agent

/// An agent whose descriptors have run out.
@Suite(.serialized) struct OutOfResourcesTests {
    private func turn(_ scene: AgentScene) async throws {
        try await scene.run("update takeup.transfer set not_before = now() where state = 'waiting'")
        _ = try await scene.agent.transfers.turn()
    }

    private func held(_ scene: AgentScene) async throws -> Int {
        try await scene.count("takeup.replica where state = 'held'")
    }

    private func problems(_ scene: AgentScene) async throws -> Int {
        try await scene.count("takeup.problem where kind = 'out-of-resources' and closed_at is null")
    }

    @Test(.timeLimit(.minutes(1)), arguments: [EMFILE, ENFILE, ENOMEM])
    func `begins nothing new, blames no recording, and goes on with as many files as it can have`(
        number: CInt
    ) async throws {
        let isBroken = Atomic(true)
        let calls = FaultyFiles { call, _ in
            call == .createUnnamed && isBroken.load(ordering: .relaxed) ? .fail(number) : nil
        }
        try await AgentScene.with(calls: calls) { scene in
            for number in 1...3 { try await scene.record(number) }
            _ = try await scene.agent.keeper.turn()
            try await turn(scene)
            let told = scene.agent.narrator.entries(of: .resourceLimit)
            #expect(told.count == 1 && told.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty })
            let untouched = "takeup.transfer where state = 'waiting' and attempts = 1 and failures = 0 and faults = 0"
            #expect(try await scene.count(untouched) == 3)
            // What failed has come back, and nothing is taken for all that.
            isBroken.store(false, ordering: .relaxed)
            try await turn(scene)
            #expect(try await scene.count(untouched) == 3)
            #expect(try await problems(scene) == 0)
            // The first rest is over, and there are still too few.
            scene.agent.spare.count = 20
            scene.agent.clock.skip(.seconds(2))
            try await turn(scene)
            #expect(try await scene.count(untouched) == 3)
            #expect(try await problems(scene) == 1)
            // Enough for two files.
            scene.agent.spare.count = 36
            scene.agent.clock.skip(.seconds(3))
            try await turn(scene)
            #expect(try await held(scene) == 2)
            try await turn(scene)
            #expect(try await held(scene) == 3)
            #expect(try await problems(scene) == 1)
            scene.agent.clock.skip(.seconds(601))
            try await turn(scene)
            #expect(try await problems(scene) == 0)
            #expect(try await scene.count("takeup.problem where closed_at is null") == 0)
        }
    }
}
