import Files
import Glibc
import Support
import Synchronization
import Telemetry
import Testing

@testable import Agent

/// What an agent says of copies that fail, and how often.
@Suite(.serialized) struct CopyReportTests {
    private func turn(_ scene: AgentScene) async throws {
        try await scene.run("update takeup.transfer set not_before = now() where state = 'waiting'")
        _ = try await scene.agent.transfers.turn()
    }

    /// That a sentence has all the facts that it needs, and none that it may not carry.
    private func isSound(_ entries: [Entry]) -> Bool {
        entries.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a copy that fails again and again is told of once a minute, and is a problem from the third time on`()
        async throws
    {
        let isBroken = Atomic(true)
        let calls = FaultyFiles { call, _ in
            // A server that lets nobody write: neither is the volume ill, nor the recording.
            [.createUnnamed, .createNamed].contains(call) && isBroken.load(ordering: .relaxed) ? .fail(EACCES) : nil
        }
        try await AgentScene.with(calls: calls) { scene in
            let built = try await scene.record(1)
            _ = try await scene.agent.keeper.turn()
            for time in 1...4 {
                try await turn(scene)
                #expect(try await scene.count("takeup.transfer where failures = \(time)") == 1)
                let problems = try await scene.count("takeup.problem where kind = 'copy-failed' and closed_at is null")
                #expect(problems == (time < 3 ? 0 : 1), "after \(time) times")
            }
            let narrator = scene.agent.narrator
            let told = narrator.entries(of: .copyRetry) + narrator.entries(of: .copyDenied)
            #expect(told.count == 2 && isSound(told), "\(told.map(\.message))")
            isBroken.store(false, ordering: .relaxed)
            try await turn(scene)
            #expect(try await scene.count("takeup.replica where state = 'held'") == 1)
            #expect(try await scene.count("takeup.problem where closed_at is null") == 0)
            _ = built
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a file that no volume could ever hold is told of once, waits, and holds up no other`() async throws {
        let size = Atomic<Int64>(4096)
        let calls = FaultyFiles(claim: { facts in
            let now = size.load(ordering: .relaxed)
            (facts.totalBytes, facts.availableBytes, facts.freeBytes) = (now, now, now)
        })
        try await AgentScene.with(calls: calls) { scene in
            try await scene.record(1)
            _ = try await scene.agent.keeper.turn()
            for _ in 1...3 { try await turn(scene) }
            let told = scene.agent.narrator.entries(of: .fileTooLarge)
            #expect(told.count == 1 && isSound(told), "\(told.map(\.message))")
            let open = "takeup.problem where kind = 'file-too-large' and closed_at is null"
            #expect(try await scene.count(open) == 1)
            #expect(try await scene.count("takeup.intent") == 0)
            #expect(try await scene.count("takeup.transfer where state = 'waiting' and faults = 0") == 1)
            // A larger volume takes it.
            size.store(1 << 34, ordering: .relaxed)
            let isCopied = try await scene.wait {
                try await turn(scene)
                return try await scene.count("takeup.replica where state = 'held'") == 1
            }
            #expect(isCopied)
            #expect(try await scene.count(open) == 0)
        }
    }
}
