import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// The forecast as it reaches a person; the lines themselves are looked at in `FillingTests`.
@Suite(.serialized) struct FillingAlertTests {
    @Test(.timeLimit(.minutes(2)))
    func `a volume that will be full within a day is told of once, over restarts, and once that it will not`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "watermark = \"90%\"")])
            var process = try await scene.process("one")
            var told: [Entry] = []
            func fill(_ free: Double, steps: Int) async throws -> Double {
                var free = free
                for _ in 0..<steps {
                    free -= 0.3 / 288
                    scene.leave(free, on: "a")
                    scene.pass(.seconds(300))
                    try await process.worker.roster.turn()
                }
                return free
            }
            scene.leave(0.3, on: "a")
            // The scene's clock begins 100 s behind a multiple of five minutes.
            scene.pass(.seconds(205))
            try await process.worker.roster.turn()
            // The day before: three tenths of the volume were written, evenly.
            try await site.run(
                """
                insert into takeup.volume_point (volume_id, minute, available_bytes)
                select volume_id, minute - back, available_bytes + back::bigint * 2083333
                from takeup.volume_point, generate_series(1, 1439) as back
                """)
            var free = try await fill(0.3, steps: 11)
            #expect(process.narrator.told == [], "it has not lasted for an hour")
            free = try await fill(free, steps: 3)
            #expect(process.narrator.told == [.filling])
            told += process.narrator.entries
            #expect(process.narrator.isSound)
            process = try await scene.process("two")
            free = try await fill(free, steps: 5)
            #expect(process.narrator.told == [], "it is told again by the one that was started anew")
            // Somebody makes room.
            scene.leave(0.9, on: "a")
            for _ in 0..<3 {
                scene.pass(.seconds(300))
                try await process.worker.roster.turn()
            }
            #expect(process.narrator.told == [.fillingCleared])
            #expect(process.narrator.isSound)
            told += process.narrator.entries
            let incidents = told.filter { [.filling, .fillingCleared].contains($0.event) }.compactMap { entry in
                entry.facts.first { $0.name == .incident }?.value
            }
            #expect(incidents.count == 2 && Set(incidents).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a watermark that was lowered holds from the next start on, and is told of as any`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "watermark = \"85%\""), ("b", "priority = 2")])
            scene.leave(0.3, on: "a")
            let (worker, narrator) = try await scene.process("one")
            #expect(try await scene.deliver(1, by: worker)?.replica?.content.volume != nil)
            #expect(narrator.told == [])
            let lowered = try site.volumes([("a", "watermark = \"60%\""), ("b", "priority = 2")], areNew: false)
            let (after, told) = try await scene.process("two", edited: lowered)
            try await after.roster.turn()
            #expect(try await scene.stored("a") == "above")
            let second = try #require(try await scene.deliver(2, by: after)?.replica)
            let volumes = try await site.database.perform { session in
                try session.first(
                    "select name from takeup.volume where id = $1", [.text(second.content.volume.rawValue)])?.text(
                        "name")
            }
            #expect(volumes == "b")
            #expect(told.told.first == .watermarkRaised && told.isSound, "\(told.told)")
        }
    }
}
