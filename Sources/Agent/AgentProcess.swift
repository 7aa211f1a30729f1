internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import Glibc
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
package import Vocabulary
internal import Watching

/// The agent of one mount: its services, wired.
package struct AgentProcess: Sendable {
    private let settings: Settings
    private let source: SourceSettings
    private let mount: MountSettings
    private let version: String
    private let environment: SettingsEnvironment
    private let manager: ServiceManager
    private let narrator: any Narrator
    private let now: @Sendable () -> Instant

    /// Why an agent does not start.
    package enum Refusal: Error, CustomStringConvertible {
        case unknownMount(MountPath, known: [MountPath])
        case disabledSource(SourceName)
        case mountTaken(MountPath)

        package var description: String {
            switch self {
            case .unknownMount(let mount, let known):
                "No source has a mount \(mount). The settings have: \(known.map(\.rawValue).joined(separator: ", "))."
            case .disabledSource(let source): "The source \(source) is not enabled in the settings."
            case .mountTaken(let mount):
                "Another agent serves \(mount) already. Stop it first; `takeup status` shows which one it is."
            }
        }
    }

    package init(
        settings: Settings, mount path: MountPath, version: String, environment: SettingsEnvironment,
        manager: ServiceManager, narrator: any Narrator, now: @escaping @Sendable () -> Instant
    ) throws {
        guard let (source, mount) = settings.mount(at: path) else {
            throw Refusal.unknownMount(path, known: settings.sources.flatMap { $0.mounts.map(\.path) })
        }
        guard source.isEnabled else { throw Refusal.disabledSource(source.name) }
        self.settings = settings
        self.source = source
        self.mount = mount
        self.version = version
        self.environment = environment
        self.manager = manager
        self.narrator = narrator
        self.now = now
    }

    /// Runs until the task is cancelled. Throws only what stands in the way of a start.
    package func run() async throws {
        ProcessLimits.prepare()
        RecorderClock.use(timeZone: source.timeZone)
        let isReadWanted = Wake()
        let pace = SourcePace { isReadWanted.wake() }
        let base = try await ReplayBase(
            settings: settings, role: "agent", serving: mount.path, version: version, environment: environment,
            narrator: narrator, pace: pace)
        guard let lock = try await MountLock.take(mount.path, base.connection) else {
            await tellTaken(base.replay)
            throw Refusal.mountTaken(mount.path)
        }
        let reach = try ConnectionSettings(
            source.database, label: "source \(source.name)", applicationName: "takeup agent", environment: environment)
        let database = Database(reach, connections: 2)
        let replayReach = base.connection
        let hearing = Hearing()
        let link = SourceLink(
            settings: source, database: database,
            gate: PauseGate(source: source.name, ledger: base.replay.database, narrator: narrator, hearing: hearing),
            guardian: DatabaseGuard(
                source: source, others: settings.sources.filter { $0.isEnabled && $0.name != source.name },
                database: database, replay: base.replay,
                isSame: { try await SameDatabase.isReached(by: replayReach, and: reach) }, problems: base.problems,
                narrator: narrator),
            collectsVoiceTags: settings.synchro.voiceTags)
        let readLimit = ReadLimitService(
            source: source.name, setting: source.readLimit, sharers: source.mounts.count,
            ledger: base.replay.database, pace: pace, hearing: hearing, narrator: narrator,
            wake: isReadWanted)
        if settings.synchro.isEnabled { await readLimit.load() }
        let services = Services(base: base, link: link, hearing: hearing, readLimit: readLimit, process: self)
        narrator.tell(.agentReady, .mount(mount.path), .source(source.name), .version(version))
        if !settings.synchro.isEnabled { narrator.tell(.collectingOff, .mount(mount.path), .source(source.name)) }
        manager.ready(status: "serving \(mount.path)")
        await withTaskGroup(of: Void.self) { group in
            services.start(in: &group)
            group.addTask { await keep(lock, base.replay) }
            // All services run until the task is cancelled; none ends by itself.
            await group.waitForAll()
        }
        try? await lock.release()
        narrator.tell(.agentStopping, .mount(mount.path), .source(source.name), .reason("it was told to"))
        manager.stopping(status: "stopped")
    }

    /// The lock ends with its connection: taken again when that is back, and waited for where another agent was faster.
    private func keep(_ lock: MountLock, _ replay: Replay) async {
        while !Task.isCancelled {
            await Wake.rest(.seconds(5))
            if Task.isCancelled { return }
            // While the replay is away nothing is committed either, and transfers are fenced one by one.
            if (try? await lock.retake()) == false { await tellTaken(replay) }
        }
    }

    private func tellTaken(_ replay: Replay) async {
        let agents = (try? await replay.database.perform { session in try Agents.all(in: session) }) ?? []
        let other = agents.first { $0.beat.mount == mount.path && $0.beat.holder != replay.holder }
        narrator.tell(
            .mountTaken, .mount(mount.path), .source(source.name),
            .holder(other?.beat.holder ?? Holder("another agent")))
    }

    /// Not among them: transfers and sweep, which may rightly take as long as a file is large. What hangs in one of them is
    /// ended by the limits of its own calls.
    private static let watchedLoops = ["keeper", "attention", "volumes"]
    private static let idleLoops = [IdleService.loop, "volumes"]

    private struct Services {
        let guardian: MountGuard
        let keeper: KeeperService
        let follow: FollowService
        let screens: ScreenWaitService
        let transfers: TransferService
        let direct: DirectWay
        let measures: MeasureService
        let afterlooks: AfterlookService
        let watch: WatchService
        let attention: AttentionService
        let volumes: VolumeService
        let backlog: BacklogService
        let sweep: SweepService
        let presence: PresenceService
        let ear: WorkEar
        let readLimit: ReadLimitService
        let idle: IdleService
        private let isCollecting: Bool
        private let source: SourceLink

        init(
            base: ReplayBase, link: SourceLink, hearing: Hearing, readLimit: ReadLimitService, process: AgentProcess
        ) {
            self.readLimit = readLimit
            let settings = process.settings
            let narrator = process.narrator
            let progress = Progress()
            let transferWake = Wake()
            let keeperWake = Wake()
            // File calls on the mount have threads of their own: looking, watching and proving must not wait in one line.
            func threads(_ name: String, _ count: Int) -> FileThreads { FileThreads(name: name, count: count) }
            let patience = settings.watching.callPatience
            let (looking, measuring) = (threads("mount-look", 8), threads("measure", 2))
            let (watching, listing) = (threads("mount-watch", 2), threads("mount-list", 1))
            let again = threads("mount-again", 2)
            let proof = MountProof(
                MountExpectation(
                    path: process.mount.directory, mustBeMountPoint: process.mount.isMountPoint,
                    marker: process.mount.marker?.utf8Text),
                threads: threads("mount-proof", 1), timeout: settings.watching.unresponsiveAfter)
            let news = Wake()
            let guardOfMount = MountGuard(
                mount: process.mount.path, source: link.name, proof: proof, problems: base.problems, narrator: narrator,
                replaced: { [roster = base.roster] in
                    for threads in [looking, measuring, watching, listing, again] { threads.renounce() }
                    roster.renounceSilentCopies()
                }
            ) {
                news.wake()
                transferWake.wake()
            }
            guardian = guardOfMount
            let marking = MarkingGuard(
                source: link.name, replay: base.replay,
                file: settings.replay.stateDirectory.map {
                    WitnessFile(directory: $0, replay: settings.replay.name, source: link.name)
                },
                narrator: narrator, told: base.markingStopped)
            direct = DirectWay(mount: process.mount.path)
            keeper = KeeperService(
                source: link, replay: base.replay, marking: marking,
                synchro: settings.synchro, problems: base.problems, narrator: narrator, wake: keeperWake,
                progress: progress, direct: direct)
            let mux = settings.mux
            measures = MeasureService(
                source: link, mount: guardOfMount, replay: base.replay, roster: base.roster,
                measurer: MediaMeasurer(
                    tools: MediaTools(
                        ffmpeg: mux.ffmpeg, ffprobe: mux.ffprobe,
                        limits: ToolLimits(
                            processorTime: mux.muxTimeout, deadline: mux.muxTimeout,
                            addressSpaceBytes: UInt64(mux.memoryLimit))),
                    threads: measuring, patience: patience), problems: base.problems)
            follow = FollowService(
                source: link, replay: base.replay, keeper: keeper, synchro: settings.synchro, problems: base.problems,
                narrator: narrator, progress: progress, prefixes: settings.sources.map(\.mountPath))
            screens = ScreenWaitService(
                source: link, replay: base.replay, keeper: keeper, settings: mux.screenWait, narrator: narrator,
                progress: progress)
            afterlooks = AfterlookService(
                source: link, replay: base.replay, mount: guardOfMount,
                looker: OriginalLooker(
                    root: process.mount.directory, threads: again, timeout: patience),
                watching: settings.watching, keeper: keeper, narrator: narrator, progress: progress)
            transfers = TransferService(
                source: link, replay: base.replay, mount: guardOfMount,
                looker: FileLooker(
                    root: process.mount.directory, threads: looking, timeout: patience),
                deliverer: base.deliverer, measures: measures, afterlooks: afterlooks, settings: settings,
                problems: base.problems,
                narrator: narrator,
                wake: transferWake, committed: keeperWake, hearing: hearing, progress: progress,
                readLimit: { readLimit.limit })
            let watcher = TreeWatcher(
                proof: proof, threads: watching,
                settings: WatchSettings(
                    mode: WatchMode(rawValue: process.mount.watch.rawValue),
                    poll: PollSettings(
                        period: settings.watching.hotPeriod, coldPeriod: settings.watching.rescanPeriod),
                    // The guard proves every few seconds, and tells the watcher of every change.
                    proofPeriod: .seconds(60),
                    timeout: patience, utcOffset: RecorderClock.utcOffset(at:)))
            let watch = WatchService(
                source: link, replay: base.replay, mount: process.mount.path, watcher: watcher, keeper: keeper,
                afterlooks: afterlooks,
                narrator: narrator, progress: progress)
            self.watch = watch
            attention = AttentionService(
                source: link, replay: base.replay, mount: guardOfMount, threads: listing,
                watching: settings.watching, problems: base.problems, narrator: narrator, progress: progress,
                now: process.now)
            volumes = VolumeService(roster: base.roster, narrator: narrator, progress: progress)
            backlog = BacklogService(
                database: base.replay.database, narrator: narrator, limit: settings.synchro.backlogLimit,
                now: process.now)
            let sweeper = base.sweeper.comparing { [name = link.name] in
                try await marking.check()
                return [name]
            }
            sweep = SweepService(sweeper: sweeper, narrator: narrator, progress: progress)
            idle = IdleService(mount: guardOfMount, progress: progress)
            let isCollecting = settings.synchro.isEnabled
            self.isCollecting = isCollecting
            source = link
            let keeperOfSource = keeper
            presence = PresenceService(
                replay: base.replay,
                beat: AgentBeat(
                    holder: base.replay.holder, role: "agent", mount: process.mount.path, host: ReplayBase.hostName(),
                    processID: getpid(), version: process.version),
                manager: process.manager, loops: isCollecting ? AgentProcess.watchedLoops : AgentProcess.idleLoops,
                progress: progress, narrator: narrator, news: news
            ) {
                let state = await AgentState(
                    source: link.name, mount: guardOfMount.state, isKeeper: keeperOfSource.isKeeper,
                    words: isCollecting ? watch.words : nil, readRate: await readLimit.measuredRate(),
                    copiesAtOnce: base.roster.foundWidths)
                return (state.json, state.line)
            }
            ear = WorkEar(
                connection: base.connection, mount: process.mount.path, source: link, transfers: transferWake,
                keeper: keeper, hearing: hearing, readLimit: readLimit)
        }

        func start(in group: inout TaskGroup<Void>) {
            group.addTask { await volumes.run() }
            group.addTask { await presence.run() }
            group.addTask { await guardian.run() }
            guard isCollecting else {
                group.addTask { await idle.run() }
                return
            }
            group.addTask { await source.keepConfirming() }
            group.addTask { await readLimit.run() }
            group.addTask { await keeper.run() }
            group.addTask { await follow.run() }
            group.addTask { await screens.run() }
            group.addTask { await transfers.run() }
            group.addTask { await direct.run(with: transfers) }
            group.addTask { await measures.run() }
            group.addTask { await afterlooks.run() }
            group.addTask { await watch.run() }
            group.addTask { await attention.run() }
            group.addTask { await sweep.run() }
            group.addTask { await backlog.run() }
            group.addTask { await ear.run() }
        }
    }
}
