import Ledger
import Support
import Testing
import Vocabulary

@Suite struct AlertsTests {
    private func at(_ seconds: Int) -> Instant {
        Instant(microseconds: 1_795_000_000_000_000 + Int64(seconds) * 1_000_000)
    }

    @Test func `it is raised by one, reminded by one in its time, and cleared by one, with one number`() async throws {
        let ledger = try await LedgerDatabase()
        let at = at
        try await ledger.transaction { session in
            func meet(_ seconds: Int) throws -> (telling: Alerts.Telling, alert: Alert) {
                try Alerts.meet("overflow", "replay", at: at(seconds), reminder: .seconds(3600), in: session)
            }
            let raised = try meet(0)
            #expect(raised.telling == .raise)
            #expect(try meet(0).telling == .nothing)
            #expect(try meet(3599).telling == .nothing)
            let reminded = try meet(3600)
            #expect(reminded.telling == .remind)
            #expect(reminded.alert.incident == raised.alert.incident)
            #expect(reminded.alert.since == at(0))
            #expect(try meet(3601).telling == .nothing)
            #expect(try Alerts.clear("overflow", "replay", notMetAfter: at(3600), in: session) == nil)
            let cleared = try #require(try Alerts.clear("overflow", "replay", notMetAfter: at(3601), in: session))
            #expect(cleared.incident == raised.alert.incident)
            #expect(try Alerts.clear("overflow", "replay", in: session) == nil)
            #expect(try meet(4000).alert.incident != raised.alert.incident)
        }
    }

    @Test func `many at once raise it once`() async throws {
        let ledger = try await LedgerDatabase(connections: 6)
        let now = at(0)
        let tellings = try await withThrowingTaskGroup(of: Alerts.Telling.self) { group in
            for _ in 0..<24 {
                group.addTask {
                    try await ledger.transaction { session in
                        try Alerts.meet("all-full", "replay", at: now, reminder: .seconds(60), in: session).telling
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tellings.count { $0 == .raise } == 1)
    }

    @Test func `a volume that many processes of a host can't reach is one outage, until the last can`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            let volume = VolumeName("a")
            func note(_ holder: String, _ host: String = "h", _ state: String = "absent") throws -> (
                isNew: Bool, sight: VolumeSight
            ) {
                try VolumeSights.note(
                    volume, host: host, holder: Holder(holder), state: state, reason: "gone", in: session)
            }
            let first = try note("one")
            #expect(first.isNew)
            let second = try note("two")
            #expect(!second.isNew)
            #expect(second.sight.incident == first.sight.incident)
            #expect(try note("one", "h", "hung").isNew, "another state is told")
            #expect(try note("far", "other").isNew, "another host has an outage of its own")
            #expect(try VolumeSights.clear(volume, host: "h", holder: Holder("one"), in: session) == nil)
            let over = try VolumeSights.clear(volume, host: "h", holder: Holder("two"), in: session)
            #expect(over?.incident == first.sight.incident)
            #expect(try VolumeSights.all(in: session).map(\.host) == ["other"])
        }
    }
}
