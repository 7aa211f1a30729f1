import Postgres
import Support
import Testing

@Suite struct ListenerTests {
    @Test(.timeLimit(.minutes(5))) func `notifications arrive with their payload`() async throws {
        let scratch = try await ScratchDatabase()
        let listener = Listener(scratch.settings(), channels: ["takeup_one", "takeup_two"])
        var events = Events(listener)
        #expect(await events.next() == .connected)
        try await scratch.connect().perform { session in
            try session.execute("notify takeup_one, '17'")
            try session.execute("select pg_notify('takeup_other', 'unheard')")
            try session.execute("select pg_notify($1, $2)", ["takeup_two", "ů"])
        }
        #expect(await events.next() == .notified(channel: "takeup_one", payload: "17"))
        #expect(await events.next() == .notified(channel: "takeup_two", payload: "ů"))
        listener.stop()
        #expect(await events.next() == nil)
    }

    @Test(.timeLimit(.minutes(5))) func `a restart is told of, and listening goes on`() async throws {
        let cluster = try ScratchCluster()
        let scratch = try await ScratchDatabase(in: cluster)
        let listener = Listener(scratch.settings(), channels: ["takeup_one"])
        var events = Events(listener)
        #expect(await events.next() == .connected)
        try cluster.stop(immediate: true)
        #expect(isLost(await events.next()))
        try cluster.start()
        var event = await events.next()
        while isLost(event) { event = await events.next() }
        #expect(event == .connected)
        try await scratch.connect().perform { try $0.execute("notify takeup_one, 'again'") }
        #expect(await events.next() == .notified(channel: "takeup_one", payload: "again"))
    }

    @Test(.timeLimit(.minutes(5))) func `a connection that is silently dead is found out`() async throws {
        let scratch = try await ScratchDatabase()
        let listener = Listener(scratch.settings(), channels: ["takeup_one"], pingInterval: .milliseconds(50))
        var events = Events(listener)
        #expect(await events.next() == .connected)
        try await scratch.connect().perform { session in
            try session.query(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """)
        }
        #expect(isLost(await events.next()))
        #expect(await events.next() == .connected)
    }

    private func isLost(_ event: ListenerEvent?) -> Bool {
        switch event {
        case .lost: true
        case .connected, .notified, nil: false
        }
    }

    /// One event after the other.
    private struct Events {
        private var iterator: AsyncStream<[ListenerEvent]>.Iterator
        private var waiting: [ListenerEvent] = []
        init(_ listener: Listener) { iterator = listener.events.makeAsyncIterator() }

        mutating func next() async -> ListenerEvent? {
            while waiting.isEmpty {
                guard let more = await iterator.next(isolation: #isolation) else { return nil }
                waiting = more
            }
            return waiting.removeFirst()
        }
    }
}
