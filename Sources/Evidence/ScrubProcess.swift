internal import Delivery
internal import Glibc
internal import Ledger
package import Settings
package import Telemetry
internal import Vocabulary

/// A scrub as a process that systemd and the ledger know of.
package struct ScrubProcess: Sendable {
    private let settings: Settings
    private let version: String
    private let environment: SettingsEnvironment
    private let manager: ServiceManager
    private let narrator: any Narrator

    package init(
        settings: Settings, version: String, environment: SettingsEnvironment, manager: ServiceManager,
        narrator: any Narrator
    ) {
        self.settings = settings
        self.version = version
        self.environment = environment
        self.manager = manager
        self.narrator = narrator
    }

    /// Until nothing is due, or the task is cancelled. Throws what stands in the way of a start, or of all volumes.
    package func run() async throws -> ScrubTally.Sum {
        let base = try await ReplayBase(
            settings: settings, role: "scrub", version: version, environment: environment, narrator: narrator)
        let scrub = Scrub(settings: settings, base: base, environment: environment, narrator: narrator)
        let tally = scrub.tally
        let presence = PresenceService(
            replay: base.replay,
            beat: AgentBeat(
                holder: base.replay.holder, role: "scrub", host: ReplayBase.hostName(), processID: getpid(),
                version: version),
            manager: manager, loops: [], progress: Progress(), narrator: narrator
        ) {
            let now = tally.now
            return (
                "{\"copies\":\(now.copies),\"bytes\":\(now.bytes)}", "read \(now.copies) copies again, \(now.bad) bad"
            )
        }
        manager.ready(status: "reading copies again")
        return try await withThrowingTaskGroup(of: ScrubTally.Sum?.self) { group in
            group.addTask {
                await presence.run()
                return nil
            }
            group.addTask { try await scrub.run() }
            defer { manager.stopping(status: "done") }
            while let sum = try await group.next() {
                guard let sum else { continue }
                group.cancelAll()
                return sum
            }
            return tally.now
        }
    }
}
