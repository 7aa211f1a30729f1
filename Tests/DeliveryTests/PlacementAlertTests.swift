import Glibc
import Ledger
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// Episodes of many files, told once.
@Suite(.serialized) struct PlacementAlertTests {
    @Test(.timeLimit(.minutes(2)))
    func `spilling, overflow and a full replay are told once each, and what waits is counted`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "priority = 1"), ("b", "priority = 2")])
            var process = try await scene.process("one")
            var told: [Event] = []
            var sound = true
            func restart() async throws {
                told += process.narrator.told
                sound = sound && process.narrator.isSound
                process = try await scene.process("after \(told.count)")
            }
            var id: Int64 = 0
            func bring(_ count: Int) async throws {
                for _ in 0..<count {
                    id += 1
                    _ = try await scene.deliver(id, by: process.worker)
                    scene.pass(.seconds(11))
                }
            }
            scene.leave(0.10, on: "a")
            try await bring(3)
            try await restart()
            try await bring(3)
            #expect(told + process.narrator.told == [.watermarkRaised, .placementSpilled])
            scene.leave(0.10, on: "b")
            try await bring(3)
            try await restart()
            try await bring(3)
            #expect((told + process.narrator.told).count { $0 == .overflow } == 1)
            scene.leave(0.01, on: "a")
            scene.leave(0.01, on: "b")
            try await bring(3)
            try await restart()
            try await bring(3)
            #expect((told + process.narrator.told).count { $0 == .allFull } == 1)
            #expect(try await site.count("takeup.problem where kind = 'no-room' and closed_at is null") == 1)
            // An hour later it is told again, with what waits.
            scene.pass(.seconds(3600))
            try await bring(1)
            let reminder = try #require(process.narrator.entries.last { $0.event == .allFull })
            #expect(reminder.facts.first { $0.name == .count }?.value == "7")
            #expect(reminder.facts.first { $0.name == .waiting }?.value == "\(7 * DeliverySite.content.count)")
            // Nobody frees anything: silence of the files ends nothing.
            scene.pass(.seconds(300))
            try await process.worker.roster.turn()
            #expect(!process.narrator.told.contains(.allFullCleared))
            scene.leave(0.5, on: "b")
            scene.pass(.seconds(2))
            try await process.worker.roster.turn()
            scene.pass(.seconds(61))
            try await process.worker.roster.turn()
            try await process.worker.roster.turn()
            #expect(process.narrator.told.count { $0 == .allFullCleared } == 1)
            #expect(try await site.count("takeup.problem where kind = 'no-room' and closed_at is null") == 0)
            try await restart()
            #expect(sound)
            for event in [Event.placementSpilled, .overflow, .allFullCleared] {
                #expect(told.count { $0 == event } == 1, "\(event)")
            }
            #expect(told.count { $0 == .allFull } == 2)
        }
    }
}
