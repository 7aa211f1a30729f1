import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct WorkChannelTests {
    @Test(.timeLimit(.minutes(1)))
    func `new transfers are told of when they are committed`() async throws {
        let ledger = try await LedgerDatabase()
        let listener = Listener(ledger.scratch.settings(), channels: [WorkChannel.name])
        var heard: [ListenerEvent] = []
        for await events in listener.events {
            heard += events
            if events.contains(.connected) { try await ledger.plan(ids: [1, 2]) }
            if heard.count > 1 { break }
        }
        listener.stop()
        #expect(heard == [.connected, .notified(channel: WorkChannel.name, payload: Sample.mount.rawValue)])
    }
}
