import Files
import Glibc
import Planning
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// What a process said of a volume that could not be reached, and that ended before the volume was back.
@Suite(.serialized) struct EndedProcessSightTests {
    @Test(.timeLimit(.minutes(1)))
    func `what a command said is over once a process that never met it sees the volume`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", ""), ("b", "")])
            let agent = try await scene.process("agent")
            try await agent.worker.roster.turn()
            let marker = site.scratch.path.appending("volumes/b/.takeup-volume").displayText
            #expect(rename(marker, marker + ".away") == 0)
            let command = try await scene.process("command")
            _ = try await command.worker.roster.sample()
            #expect(command.narrator.told == [.volumeUnavailable])
            #expect(try await site.count("takeup.problem where closed_at is null") == 1)
            #expect(rename(marker + ".away", marker) == 0)
            // It ended a while ago.
            try await site.run("update takeup.volume_sight set seen_at = now() - interval '2 minutes'")
            scene.pass(.seconds(61))
            try await agent.worker.roster.turn()
            #expect(agent.narrator.told == [.volumeAvailable])
            #expect(try await site.count("takeup.problem where closed_at is null") == 0)
            #expect(try await site.count("takeup.volume_sight") == 0)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `what hides from the user of a command says nothing of a volume`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            scene.fail(.open, with: EACCES)
            let command = try await scene.process("command", isByHand: true)
            let samples = try await command.worker.roster.sample()
            #expect(samples.first?.condition == .absent && samples.first?.reason?.contains("may not read") == true)
            #expect(try await site.count("takeup.volume_sight") == 0)
            #expect(try await site.count("takeup.problem") == 0 && command.narrator.told.isEmpty)
            // Where it is the service's own user it is told.
            let agent = try await scene.process("agent")
            try await agent.worker.roster.turn()
            #expect(agent.narrator.told == [.volumeUnavailable])
        }
    }
}
