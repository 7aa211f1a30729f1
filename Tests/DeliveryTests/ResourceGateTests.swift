import Files
import Glibc
import Support
import Synchronization
import Telemetry
import Testing

@testable import Delivery

/// When a process that has run out of descriptors or memory begins something new.
@Suite(.serialized) struct ResourceGateTests {
    /// What time it is, and how many descriptors are left.
    private final class Surroundings: Sendable {
        private let state = Mutex((time: Duration.zero, left: 1000))
        var time: Duration { state.withLock { $0.time } }
        func pass(_ span: Duration) { state.withLock { $0.time += span } }
        var left: Int {
            get { state.withLock { $0.left } }
            set { state.withLock { $0.left = newValue } }
        }
    }

    private static let subject = "agent of /mnt/a at host"
    private static let error = FileError(.open, number: EMFILE)

    private func gate(_ site: DeliverySite, _ now: Surroundings, _ narrator: MemoryNarrator) -> ResourceGate {
        ResourceGate(
            process: ResourceGateTests.subject, problems: ProblemBook(database: site.database, narrator: narrator),
            spare: { min($0, now.left) }, clock: { now.time })
    }

    private func problems(_ site: DeliverySite) async throws -> Int {
        try await site.count("takeup.problem where kind = 'out-of-resources' and closed_at is null")
    }

    @Test func `rests for twice as long each time, up to a minute, and from the beginning after a calm`() async throws {
        try await DeliverySite.with { site async throws in
            let (now, narrator) = (Surroundings(), MemoryNarrator())
            let gate = gate(site, now, narrator)
            #expect(await gate.isOpen())
            #expect(await gate.most(1000) == 1000)
            for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
                await gate.close(ResourceGateTests.error)
                // What was under way meets it, too: that makes it no longer.
                await gate.close(ResourceGateTests.error)
                now.pass(.seconds(rest) - .milliseconds(1))
                #expect(await !gate.isOpen(), "\(rest)")
                now.pass(.milliseconds(1))
                #expect(await gate.isOpen(), "\(rest)")
            }
            #expect(await gate.most(1000) == 240)
            #expect(try await problems(site) == 1)
            now.pass(ResourceGate.calm)
            #expect(await gate.isOpen())
            #expect(await gate.most(1000) == 1000)
            #expect(try await problems(site) == 0)
            await gate.close(ResourceGateTests.error)
            #expect(try await problems(site) == 0)
            now.pass(.seconds(1))
            #expect(await gate.isOpen())
            let told = narrator.entries(of: .problemOpened) + narrator.entries(of: .problemClosed)
            #expect(told.count == 2 && told.allSatisfy { $0.missingFacts.isEmpty })
        }
    }

    @Test func `stays closed while there are too few, and says so, also to the process after it`() async throws {
        try await DeliverySite.with { site async throws in
            let (now, narrator) = (Surroundings(), MemoryNarrator())
            let first = gate(site, now, narrator)
            await first.close(ResourceGateTests.error)
            now.left = 32
            for _ in 0..<10 {
                now.pass(.seconds(60))
                #expect(await !first.isOpen())
            }
            #expect(try await problems(site) == 1)
            now.left = 33
            now.pass(.seconds(60))
            #expect(await first.isOpen())
            #expect(await first.most(1000) == 1)
            // That one ends, and what comes after has enough.
            now.left = 1000
            let second = gate(site, now, narrator)
            #expect(await second.isOpen())
            #expect(try await problems(site) == 1)
            now.pass(ResourceGate.calm)
            #expect(await second.isOpen())
            #expect(try await problems(site) == 0)
        }
    }

    @Test func `counts what this process may have`() throws {
        let before = ProcessLimits.spareDescriptors(atMost: 100_000_000)
        #expect(before > 100)
        #expect(ProcessLimits.spareDescriptors(atMost: 10) == 10)
    }
}
