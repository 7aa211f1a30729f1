internal import Delivery
internal import Files
internal import Glibc
internal import HTTP
internal import Interaction
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// A mux worker of a GIR site, by its `muxer.cfg`.
package struct SiteProcess: Sendable {
    /// What the command line says besides the file.
    package struct Options: Sendable {
        /// A connection string of libpq; nil: this worker knows nothing of others.
        package var ledger: String?
        package var ledgerPassword: Secret?
        /// PEM file of certificate authorities; nil: the system's.
        package var authorities: FilePath?
        /// WebDAV stores that RWS's settings do not name.
        package var stores: [String] = []
        /// Whether screens are black while their sound was masked.
        package var blanksMasked = false
        package init() {}
    }

    private let settings: GIRSettings
    private let options: Options
    private let version: String
    private let environment: SettingsEnvironment
    private let manager: ServiceManager
    private let narrator: any Narrator
    private let now: @Sendable () -> Instant

    package init(
        settings: GIRSettings, options: Options, version: String, environment: SettingsEnvironment,
        manager: ServiceManager, narrator: any Narrator, now: @escaping @Sendable () -> Instant
    ) {
        self.settings = settings
        self.options = options
        self.version = version
        self.environment = environment
        self.manager = manager
        self.narrator = narrator
        self.now = now
    }

    /// Runs until the task is cancelled, or the batch is over. Throws what stands in the way of a start, and a batch's end.
    ///
    /// - Returns: how the batch ended; nil where there was none.
    package func run() async throws -> SiteBatch? {
        try proveTools()
        let directory = try WorkerDirectory(below: temporaryDirectory)
        tellWhereClearBytesPass(directory.path)
        let (book, worker) = try await book()
        let progress = Progress()
        narrator.tell(.workerReady, .version(version), .count(settings.workerThreads))
        manager.ready(status: "muxing with \(settings.workerThreads) threads")
        defer {
            narrator.tell(.workerStopping, .reason(Task.isCancelled ? "it was told to" : "the batch is over"))
            manager.stopping(status: "stopped")
        }
        return try await withThrowingTaskGroup(of: SiteBatch?.self) { group in
            group.addTask {
                guard let access = try await access(progress) else { return nil }
                let service = SiteService(
                    access: access, work: try work(access, directory, worker), book: book, settings: settings,
                    narrator: narrator, progress: progress, now: now)
                if settings.batchQuery != nil { return try await service.runBatch() }
                await service.run()
                return nil
            }
            group.addTask {
                await feedWatchdog(progress)
                return nil
            }
            defer { group.cancelAll() }
            // Whichever ends first: the watchdog does so only with the task itself, or where there is none.
            while let ended = try await group.next() {
                if let ended { return ended }
                if Task.isCancelled { return nil }
            }
            return nil
        }
    }

    /// How much a result's length may differ from what was planned: as of pairs on volumes.
    private static let lengthTolerance = Duration.milliseconds(100)

    private var ffmpeg: FilePath { settings.tools.ffmpeg ?? FilePath("/usr/bin/ffmpeg") }
    private var ffprobe: FilePath { settings.tools.ffprobe ?? FilePath("/usr/bin/ffprobe") }

    /// One that can't be run would fail every call.
    private func proveTools() throws {
        for (option, path) in [(MuxerOption.ffmpeg, ffmpeg), (.ffprobe, ffprobe)]
        where Glibc.access(path.cPath, X_OK) != 0 {
            throw SiteAccess.Unusable(
                description: "\(option.place): \(path.displayText) can't be run: \(String(cString: strerror(errno)))")
        }
    }

    /// Of the unit, where there is one: that is a tmpfs of the worker's own.
    private var temporaryDirectory: FilePath {
        if let path = settings.temporaryDirectory { return path }
        let variables = environment.variables
        return FilePath(
            variables["RUNTIME_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) }
                ?? variables["TMPDIR"] ?? "/tmp")
    }

    private func tellWhereClearBytesPass(_ path: FilePath) {
        guard settings.rcs != nil, let kind = PrivateDirectory.fileSystem(of: path), !kind.isMemory else { return }
        narrator.tell(.clearOnDisk, .detail("\(path.displayText), which is on \(kind)"))
    }

    /// And this worker's part of staged names: with a ledger, which has them on record, one of its own; else the same
    /// after a restart, so that what was left is written over.
    private func book() async throws -> (any SiteBook, worker: String) {
        let host = String(ReplayBase.hostName().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        guard let ledger = options.ledger else {
            return (MemorySiteBook(interval: settings.pollInterval), "\(host)-\(settings.ownPart)")
        }
        var connection = ConnectionSettings(
            connectionString: ledger, password: options.ledgerPassword?.reveal(), applicationName: "takeup mux",
            label: "ledger")
        connection.looksUpByKey = true
        let database = Database(connection, connections: 4)
        let version = version
        _ = try await database.transaction { session in try Migrations.apply(program: version, in: session) }
        let random = Hex.text(of: UInt64.random(in: 0 ... .max)).prefix(8)
        let holder = Holder("\(ReplayBase.hostName())/\(getpid())/\(random)")
        let book = LedgerSiteBook(
            database: database, site: LedgerSiteBook.site(settings), kind: settings.searchKind,
            interval: settings.pollInterval,
            holder: holder)
        return (book, "\(host)-\(getpid())-\(random)")
    }

    /// Waits for a site that does not answer; nil where the task was cancelled meanwhile.
    private func access(_ progress: Progress) async throws -> SiteAccess? {
        let stores = try options.stores.enumerated().map { number, text in
            guard let address = HTTPAddress(text) else {
                // As it is it may hold a password.
                throw SiteAccess.Unusable(
                    description: "--store number \(number + 1) is no address of a WebDAV collection, such as "
                        + "https://host/path/; its account is that of [webdav], and stands in no address")
            }
            return address
        }
        var failures = 0
        while !Task.isCancelled {
            do {
                return try await SiteAccess.open(settings, authorities: options.authorities, moreStores: stores)
            } catch let error as SiteError {
                // A wrong password may be set right at the service as well as here: only a batch ends with it.
                failures += 1
                guard settings.batchQuery == nil || error.isTransient && failures < 3 else { throw error }
                if Task.isCancelled { return nil }
                if failures.nonzeroBitCount == 1 {
                    narrator.tell(.turnFailed, .service(SiteService.loop), .detail(error), .attempt(failures))
                }
                var chance = SystemRandomNumberGenerator()
                let retry = error.isTransient ? Retry.connection : Retry.work
                try? await Task.sleep(for: retry.wait(afterAttempts: failures, using: &chance))
                progress.advance(SiteService.loop)
            }
        }
        return nil
    }

    private func work(_ access: SiteAccess, _ directory: WorkerDirectory, _ worker: String) throws -> SiteWork {
        var tools = MediaTools(
            ffmpeg: ffmpeg, ffprobe: ffprobe,
            limits: ToolLimits(
                processorTime: .seconds(3600), deadline: .seconds(3600), addressSpaceBytes: 2 << 30),
            probeTimeout: .seconds(60))
        tools.slices = PaddingSlices(directory: directory.path.appending("slices"))
        tools.sliceLength = settings.paddingSliceLength
        let checks = MuxChecks(
            tools: tools, pictureCheck: .unvouched, threads: FileThreads(name: "mux-read", count: 2),
            patience: .seconds(300))
        var work = SiteWork(
            access: access, checks: checks, rules: ArrangeRules(mostOverlap: settings.maxOverlapAllowed),
            tolerance: SiteProcess.lengthTolerance, madeBy: "Takeup \(version)", directory: directory, worker: worker,
            certificates: SiteCertificates())
        work.blanksMasked = options.blanksMasked
        return work
    }

    /// Only while the work moves.
    private func feedWatchdog(_ progress: Progress) async {
        guard let interval = manager.watchdogInterval else { return }
        let started = ContinuousClock.now
        var watchdog = Watchdog()
        watchdog.watch(SiteService.loop, bound: .seconds(3600), turns: 0, at: .zero)
        while !Task.isCancelled {
            switch watchdog.look(turns: progress.turns, at: .now - started) {
            case .feed: manager.feedWatchdog()
            case .withhold(let stalled):
                for one in stalled { narrator.tell(.progressStalled, .service(one.loop), .elapsed(one.still)) }
            }
            try? await Task.sleep(for: interval / 2)
        }
    }
}
