import Support
import Testing
import Vocabulary

@testable import Agent

@Suite(.serialized) struct OrphanSearchTests {
    @Test
    func `a directory whose files could not be asked for is asked for again in the next turn, and not hours later`()
        async throws
    {
        try await AgentScene.with(watching: "grace_orphan = \"0s\"") { scene in
            try scene.scratch.write([1], to: "rec/calls/elsewhere/below/a.mp3")
            let search = scene.agent.orphanSearch()
            // One directory a turn: the root, and the one in it.
            _ = try await search.turn(period: .zero)
            _ = try await search.turn(period: .zero)
            try await scene.atRecorder("alter table callrec.cfiles rename to away")
            for _ in 0..<3 { await #expect(throws: (any Error).self) { try await search.turn(period: .zero) } }
            try await scene.atRecorder("alter table callrec.away rename to cfiles")
            _ = try await search.turn(period: .zero)
            let found = try await search.turn(period: .zero)
            #expect(found?.orphans == [FilePath("elsewhere/below"): 1])
        }
    }
}
