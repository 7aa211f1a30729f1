import Agent
import Copying
import Delivery
import Files
import Glibc
import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

/// Real copies of large files by the agents of one source, each with a limit service of its own, on one ledger.
@Suite(.serialized) struct ReadLimitServiceTests {
    private static let source = SourceName("rec_a")
    private static let limit: Int64 = 24_000_000

    @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
    func `the copies of all agents of a source together keep to its limit`(agents: Int) async throws {
        try await withAgents(agents, setting: ReadLimitServiceTests.limit) { _, agents in
            // Of each agent two copies, of files that would take 20 s.
            let copies = agents.map { agent in Task { await agent.copy(files: 2, bytes: 240_000_000) } }
            try await Task.sleep(for: .seconds(1))
            let rate = try await measure(agents, for: .seconds(4))
            for copy in copies { copy.cancel() }
            for copy in copies { _ = await copy.value }
            expect(rate, near: Double(ReadLimitServiceTests.limit), within: 0.1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy under way feels within two seconds what an operator changes, and ends whole`() async throws {
        try await withAgents(1, setting: nil) { ledger, agents in
            let source = ReadLimitServiceTests.source
            try await ledger.transaction { session in try ReadLimits.say(4_000_000, of: [source], in: session) }
            try await Task.sleep(for: .milliseconds(1500))
            let copy = Task { await agents[0].copy(files: 1, bytes: 400_000_000) }
            try await Task.sleep(for: .seconds(1))
            let slow = try await measure(agents, for: .seconds(3))
            expect(slow, near: 4_000_000, within: 0.15)
            try await ledger.transaction { session in try ReadLimits.say(16_000_000, of: [source], in: session) }
            try await Task.sleep(for: .milliseconds(1500))
            let faster = try await measure(agents, for: .seconds(2))
            expect(faster, near: 16_000_000, within: 0.15)
            try await ledger.transaction { session in try ReadLimits.forget([source], in: session) }
            let changed = ContinuousClock.now
            let results = await copy.value
            // At the limit it would take 18 s more.
            #expect(ContinuousClock.now - changed < .seconds(12))
            #expect(results.allSatisfy { (try? $0.get().size) == 400_000_000 }, "\(results)")
            #expect(agents[0].narrator.events == [.readLimited, .readLimited, .readUnlimited])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `without the ledger each agent keeps to its part`() async throws {
        try await withAgents(2, setting: 8_000_000) { ledger, agents in
            try await ledger.perform { session in
                try session.execute("alter table takeup.read_account rename to away")
            }
            let copies = agents.map { agent in Task { await agent.copy(files: 1, bytes: 100_000_000) } }
            try await Task.sleep(for: .seconds(1))
            let rate = try await measure(agents, for: .seconds(3))
            for copy in copies { copy.cancel() }
            for copy in copies { _ = await copy.value }
            expect(rate, near: 8_000_000, within: 0.2)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `what an operator says while the ledger is asked is asked for again`() async throws {
        try await withAgents(1, setting: 8_000_000, runs: false) { ledger, agents in
            let source = ReadLimitServiceTests.source
            let service = agents[0].service
            try await ledger.transaction { session in try ReadLimits.say(4_000_000, of: [source], in: session) }
            let locked = Gate()
            let held = Task {
                try await ledger.transaction { session in
                    try session.execute("lock table takeup.read_limit in access exclusive mode")
                    locked.stop()
                }
            }
            #expect(await locked.isReached())
            let asking = Task { await service.load() }
            let waits =
                "select count(*) as count from pg_locks where not granted and relation = 'takeup.read_limit'::regclass"
            let isWaiting = try await ledger.wait(upTo: .seconds(40)) { try await $0.count(waits) == 1 }
            #expect(isWaiting)
            await service.forget()
            locked.open()
            try await held.value
            await asking.value
            #expect(service.limit == 4_000_000)
            // Said by somebody whose word comes without a notification.
            try await ledger.perform { session in
                try session.execute("update takeup.read_limit set bytes_per_second = 2000000")
            }
            await service.load()
            #expect(service.limit == 2_000_000, "the answer to a question from before is held to be good")
        }
    }

    private struct LimitedAgent: Sendable {
        let fixture: ScratchDirectory
        let name: String
        let copier: Copier
        let pace: SourcePace
        let service: ReadLimitService
        let narrator: MemoryNarrator

        /// Files of zeros without blocks: reading them costs a disk nothing.
        func copy(files: Int, bytes: Int64) async -> [Result<Copied, CopyError>] {
            let orders = (0..<files).map { number in
                let path = FilePath("\(name)-\(number)")
                let file = try? fixture.write([], to: FilePath("mount").appending(path.bytes))
                _ = file?.withPath { truncate($0, off_t(bytes)) }
                return CopyOrder(
                    token: FencingToken(rawValue: Int64(number + 1)),
                    source: .beneath(root: fixture.path.appending("mount"), path: path), path: path)
            }
            return await copier.run(orders)
        }
    }

    /// A limit is never passed by much. What is read may stay behind it where a machine is busy with other things, but
    /// for the long proofs, which run alone.
    private func expect(_ rate: Double, near limit: Double, within part: Double) {
        #expect(rate < limit * (LongTests.areWanted ? 1 + part : 1.25), "\(rate)")
        #expect(rate > limit * (LongTests.areWanted ? 1 - part : 0.5), "\(rate)")
    }

    /// Bytes a second that were let through.
    private func measure(_ agents: [LimitedAgent], for span: Duration) async throws -> Double {
        func read() -> Int64 { agents.reduce(0) { $0 + $1.pace.asked - $1.pace.wanted } }
        let (before, begun) = (read(), ContinuousClock.now)
        try await Task.sleep(for: span)
        return Double(read() - before) / (ContinuousClock.now - begun).inSeconds
    }

    private func withAgents(
        _ count: Int, setting: Int64?, runs: Bool = true, _ body: (Database, [LimitedAgent]) async throws -> Void
    ) async throws {
        let database = try await ScratchDatabase()
        let ledger = database.connect(connections: 4)
        try await ledger.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
        try await ScratchDirectory.with { scratch in
            try scratch.directory("mount")
            let volume = try scratch.directory("volume")
            let root = try KernelFiles().openRoot(volume)
            let id = try VolumeMarker.create(in: root.descriptor).id
            let agents = (0..<count).map { number in
                let wake = Wake()
                let pace = SourcePace { wake.wake() }
                let narrator = MemoryNarrator()
                return LimitedAgent(
                    fixture: scratch, name: "agent\(number)",
                    copier: Copier(
                        volume: CopyVolume(root: volume, id: id), threads: FileThreads(name: "copy", count: 3),
                        pace: pace),
                    pace: pace,
                    service: ReadLimitService(
                        source: ReadLimitServiceTests.source, setting: setting, sharers: count, ledger: ledger,
                        pace: pace, hearing: Hearing(), narrator: narrator, wake: wake),
                    narrator: narrator)
            }
            let services = agents.filter { _ in runs }.map { agent in Task { await agent.service.run() } }
            defer { for service in services { service.cancel() } }
            try await body(ledger, agents)
        }
    }
}
