internal import Catalogs
package import Copying
internal import Glibc
internal import Ledger
internal import Planning
package import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// What every process that delivers shares: the replay's database with its ledger brought up to date, volumes, problems
/// and a deliverer.
package struct ReplayBase: Sendable {
    package let replay: Replay
    package let problems: ProblemBook
    package let roster: VolumeRoster
    package let deliverer: Deliverer
    package let sweeper: Sweeper
    package let connection: ConnectionSettings
    /// Why marking was found stopped; told already.
    package let markingStopped: String?

    /// Roles of commands that a person runs.
    private static let commands = ["verify", "export", "audit"]

    /// How long work is ours after its last sign of life: a lost worker's is taken over within this and a sweep.
    package static let lease = Duration.seconds(30)

    /// Reaches the replay's database, and migrates the ledger where it is older. Throws what stands in the way of a
    /// start: an unreachable database, a ledger of a newer program, tables that are no callrec tables, a secret that
    /// can't be read, an owner that this machine does not know, a volume whose levels are in no order.
    package init(
        settings: Settings, role: String, serving mount: MountPath? = nil, version: String,
        environment: SettingsEnvironment, narrator: any Narrator, pace: SourcePace = SourcePace()
    ) async throws {
        connection = try ConnectionSettings(
            settings.replay.database, label: "replay", applicationName: "takeup \(role)", environment: environment)
        var byKey = connection
        byKey.looksUpByKey = true
        let database = Database(byKey, connections: 6)
        try await database.transaction { session in try Migrations.apply(program: version, in: session) }
        let stopped = try await database.transaction { session in try Marking.check(in: session) }
        if let stopped { narrator.tell(.markingStopped, .reason(stopped)) }
        markingStopped = stopped
        var catalog = try await database.perform { session in try ReplayCatalog(reading: session) }
        catalog.recorderMounts = settings.sources.flatMap { $0.mounts.map(\.directory) }
        let ownership = try Ownership(settings.replay.ownership)
        replay = Replay(database: database, catalog: catalog, holder: ReplayBase.holder())
        problems = ProblemBook(database: database, narrator: narrator)
        roster = VolumeRoster(
            replay: settings.replay, rules: LevelRules(settings.placement), recovers: settings.placement.autoRecover,
            copying: CopySettings(
                rereadsSource: settings.copying.level == .evidence, keepsAttributes: settings.copying.keepsAttributes),
            concurrency: settings.copying.concurrency, patience: settings.watching.callPatience, pace: pace,
            ownership: ownership, isByHand: ReplayBase.commands.contains(role), holder: replay.holder,
            database: database, problems: problems, narrator: narrator)
        for sample in try await roster.sample() {
            if let disorder = DisorderedLevels(sample, rules: LevelRules(settings.placement)) { throw disorder }
        }
        deliverer = Deliverer(
            replay: replay, settings: settings.replay, rules: LevelRules(settings.placement), roster: roster,
            resources: ResourceGate(
                process: "\(mount.map { "\(role) of \($0)" } ?? role) at \(ReplayBase.hostName())", problems: problems),
            narrator: narrator, lease: ReplayBase.lease)
        sweeper = Sweeper(replay: replay, roster: roster, narrator: narrator, grace: ReplayBase.lease)
    }

    /// Host, process id and a random part.
    private static func holder() -> Holder {
        Holder("\(hostName())/\(getpid())/\(Hex.text(of: UInt64.random(in: 0 ... .max)).prefix(8))")
    }

    package static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
