import Catalogs
import Delivery
import Files
import Glibc
import Ledger
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Agent

/// Files of a batch that take longer to look at than their lease lasts.
@Suite(.serialized) struct SlowLooksTests {
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func `what is being looked at stays claimed, however long that takes`(isDirect: Bool) async throws {
        let lease = Duration.milliseconds(900)
        try await AgentScene.with(lease: lease) { scene in
            var built: [BuiltRecording] = []
            for number in 1...20 { built.append(try await scene.record(number)) }
            _ = try await scene.agent.keeper.turn()
            // A server that answers nothing for three leases.
            let threads = scene.agent.lookThreads
            let stalls = (0..<2).map { _ in
                Task { try await threads.run(timeout: .seconds(30)) { _ in _ = usleep(2_700_000) } }
            }
            try await Task.sleep(for: .milliseconds(100))
            let recordings = built
            let work = Task {
                guard isDirect else { return _ = try await scene.agent.transfers.turn() }
                // As a plan claims them.
                let (mount, holder) = (scene.settings.sources[0].mounts[0].path, scene.agent.replay.holder)
                let claimed = try await scene.ledger.transaction { session in
                    try Transfers.claim(
                        mount: mount, holder: holder, limit: 100, newest: 0, lease: lease, in: session)
                }
                var seen: [RecordingReference: SourceRecording] = [:]
                for one in recordings { seen[scene.reference(one)] = try await scene.agent.recording(one.id) }
                await scene.agent.transfers.carryOutAtOnce(claimed, of: seen)
            }
            let mount = scene.settings.sources[0].mounts[0].path
            var stolen = 0
            for _ in 0..<8 {
                try await Task.sleep(for: .milliseconds(250))
                stolen += try await scene.ledger.transaction { session in
                    try Transfers.claim(
                        mount: mount, holder: Holder("other"), limit: 100, newest: 0, lease: .seconds(60), in: session
                    ).count
                }
            }
            #expect(stolen == 0)
            try await work.value
            for stall in stalls { try await stall.value }
            #expect(try await scene.count("takeup.replica where state = 'held'") == 20)
            #expect(try await scene.count("takeup.transfer where state = 'done' and attempts = 1") == 20)
        }
    }
}
