import Postgres
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct BacklogServiceTests {
    @Test(.timeLimit(.minutes(1)))
    func `files that nobody tries are told of once, whoever looks, each day anew, and once when that is over`()
        async throws
    {
        try await DeliverySite.with { site in
            for id in 1...3 { try await site.record(Int64(id)) }
            let time = Mutex(Instant(microseconds: 1_795_000_000_000_000))
            let narrator = MemoryNarrator()
            let services = (1...2).map { _ in
                BacklogService(database: site.database, narrator: narrator, limit: .seconds(7200)) {
                    time.withLock { $0 }
                }
            }
            func turn() async throws { for service in services { try await service.turn() } }
            func told() -> [Event] { narrator.events }
            func age(_ span: String, _ rest: String = "") async throws {
                try await site.run("update takeup.transfer set planned_at = now() - interval '\(span)' \(rest)")
            }
            try await turn()
            #expect(told() == [])
            try await age("3 hours", "where source_id <> 3")
            try await turn()
            try await turn()
            #expect(told() == [.backlogHigh])
            let entry = try #require(narrator.entries.first)
            #expect(entry.message.hasPrefix("3 files of rec_a wait to be copied, "), "\(entry.message)")
            #expect(entry.message.hasSuffix(", the oldest for 3 h 0 min"), "\(entry.message)")
            // Around the limit nothing is new.
            try await age("90 minutes")
            try await turn()
            try await age("3 hours")
            try await turn()
            #expect(told() == [.backlogHigh])
            time.withLock { $0 = $0 + .seconds(86_401) }
            try await turn()
            #expect(told() == [.backlogHigh, .backlogHigh])
            // What was tried, is missing, or rests by an operator's word is no backlog.
            try await site.run("update takeup.transfer set attempts = 1 where source_id = 1")
            try await site.run("update takeup.transfer set missing_since = now() where source_id = 2")
            try await site.run("insert into takeup.pause (source) values ('rec_a')")
            try await turn()
            #expect(told() == [.backlogHigh, .backlogHigh, .backlogCleared])
            try await site.run("delete from takeup.pause")
            try await turn()
            #expect(told().count == 4, "it begins anew")
            try await age("30 minutes")
            try await turn()
            #expect(told().suffix(2) == [.backlogHigh, .backlogCleared])
            let all = narrator.entries
            #expect(all.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty })
            let incidents = all.map { $0.facts.first { $0.name == .incident }?.value }
            #expect(Set(incidents).count == 2 && incidents[0] == incidents[2])
        }
    }
}
