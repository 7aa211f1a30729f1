import Files
import Glibc
import Ledger
import Postgres
import Settings
import Support
import Synchronization
import Telemetry
import Vocabulary

@testable import Delivery

/// Volumes whose space, health and time a test decides.
final class VolumeScene: Sendable {
    let site: DeliverySite
    let settings: ReplaySettings
    private let state = Mutex(State())

    private struct State {
        /// Available, of ten billion, by volume.
        var available: [String: Int64] = [:]
        var hanging: Set<String> = []
        var faults: [FileCall: Fault] = [:]
        var passed = Duration.zero
        let began = ContinuousClock.now

        /// Real time, and what a test let pass.
        var time: Duration { ContinuousClock.now - began + passed }
    }

    private struct Fault {
        let number: CInt
        /// Of so many calls the last fails.
        let every: Int
        var calls = 0

        mutating func next() -> CInt? {
            calls += 1
            return calls % every == 0 ? number : nil
        }
    }

    static let size: Int64 = 10_000_000_000

    /// - Parameter haveAccounts: each volume as if it were a file system of its own.
    init(_ site: DeliverySite, _ volumes: [(name: String, rest: String)], haveAccounts: Bool = true) throws {
        self.site = site
        settings = try site.volumes(volumes, haveAccounts: haveAccounts)
    }

    /// A process, or what comes after its restart.
    /// - Parameter edited: the settings as they are by then.
    func process(
        _ name: String, recovers: Bool = false, isByHand: Bool = false, edited: ReplaySettings? = nil
    ) async throws -> (worker: Worker, narrator: MemoryNarrator) {
        let narrator = MemoryNarrator()
        let files = FaultyFiles(
            { [self] call, _ in state.withLock { $0.faults[call]?.next() }.map { .fail($0) } },
            claimOf: { [self] path, facts in
                let name = String(decoding: path.lastComponent, as: UTF8.self)
                while state.withLock({ $0.hanging.contains(name) }) { usleep(10_000) }
                let available = state.withLock { $0.available[name] } ?? VolumeScene.size
                (facts.totalBytes, facts.availableBytes, facts.freeBytes) = (VolumeScene.size, available, available)
                (facts.totalInodes, facts.freeInodes, facts.availableInodes) = (0, 0, 0)
            })
        let worker = try await site.worker(
            name, calls: files, settings: edited ?? settings, recovers: recovers, isByHand: isByHand,
            narrator: narrator,
            clock: { [self] in state.withLock { $0.time } },
            now: { [self] in
                Instant(microseconds: 1_795_000_000_000_000) + state.withLock { $0.time }
            })
        return (worker, narrator)
    }

    func pass(_ span: Duration) { state.withLock { $0.passed += span } }
    /// A fraction of the volume.
    func leave(_ share: Double, on name: String) {
        state.withLock { $0.available[name] = Int64(share * Double(VolumeScene.size)) }
    }
    func hang(_ name: String, _ hangs: Bool = true) {
        state.withLock { if hangs { $0.hanging.insert(name) } else { $0.hanging.remove(name) } }
    }
    func fail(_ call: FileCall, with number: CInt?, every: Int = 1) {
        state.withLock { $0.faults[call] = number.map { Fault(number: $0, every: every) } }
    }

    /// Brings a new recording.
    func deliver(_ id: Int64, by worker: Worker) async throws -> DeliveryOutcome? {
        let recording = try await site.record(id)
        return await worker.deliver(try await worker.claim(recording))
    }

    func stored(_ name: String) async throws -> String? {
        try await site.database.perform { session in
            try session.first("select state from takeup.volume where name = $1", [.text(name)])?.text("state")
        }
    }
}

extension MemoryNarrator {
    /// Those of volumes.
    var told: [Event] {
        entries.map(\.event).filter { ![.copyCommitted, .problemOpened, .problemClosed].contains($0) }
    }
    func incidents(of events: [Event]) -> Set<String> {
        Set(entries.filter { events.contains($0.event) }.compactMap { $0.facts.first { $0.name == .incident }?.value })
    }
    /// Every fact that its sentence and its advice need, and none that it may not carry.
    var isSound: Bool {
        entries.filter { told.contains($0.event) }.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty }
    }
}
