internal import ArgumentParser
internal import Glibc
internal import Muxer
internal import Settings
internal import Telemetry
internal import Vocabulary

/// How a mux worker of a GIR site is started: as the Recording Muxer Script is, and what that did not have.
struct SiteOptions: ParsableArguments {
    @Option(name: .customLong("config-file"), help: ArgumentHelp("The site's muxer.cfg.", valueName: "file"))
    var configFile: String?

    @Option(help: ArgumentHelp("primary or backup.", valueName: "type"))
    var muxerType: String?

    @Option(help: ArgumentHelp("Which shard, from 0; -1 for none.", valueName: "number"))
    var muxerId: String?

    @Option(help: ArgumentHelp("How many primary shards there are.", valueName: "number"))
    var totalMuxers: String?

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL database that all workers share, as a connection string without a password. Then any number of them may run.",
            valueName: "conninfo"))
    var ledger: String?

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp("Certificate authorities to trust, PEM, instead of the system's.", valueName: "file"))
    var authorities: String?

    @Option(
        name: .customLong("store"),
        help: ArgumentHelp("A WebDAV collection of screens that RWS's settings do not name.", valueName: "address"))
    var stores: [String] = []

    @Flag(
        help: """
            Black pictures while the sound was masked, by its record in RWS; that takes encoding. A mask that cannot be read or \
            placed makes no result.
            """)
    var blankMasked = false

    /// The others mean nothing without the file.
    func refuseWithoutFile() throws {
        let given = [
            ("--muxer-type", muxerType), ("--muxer-id", muxerId), ("--total-muxers", totalMuxers),
            ("--ledger", ledger), ("--ca-file", authorities), ("--store", stores.first),
            ("--blank-masked", blankMasked ? "" : nil),
        ].filter { $0.1 != nil }.map(\.0)
        if !given.isEmpty {
            throw ValidationError("\(given.joined(separator: ", ")) need --config-file, which names a muxer.cfg.")
        }
    }

    func run(_ file: FilePath) async throws {
        let environment = SettingsEnvironment.ofProcess()
        let loaded: (settings: GIRSettings, warnings: [SettingsProblem])
        do {
            loaded = try GIRSettings.load(
                file, arguments: MuxerArguments(type: muxerType, id: muxerId, total: totalMuxers),
                environment: environment)
        } catch {
            Terminal.complain(String(describing: error))
            throw ExitCode(78)  // EX_CONFIG of sysexits(3): a restart does not help.
        }
        let (settings, warnings) = loaded
        let narrator = narrator(settings, environment)
        for warning in warnings {
            narrator.tell(.settingsDoubtful, .settings(file), .detail(String(describing: warning)))
        }
        var options = SiteProcess.Options()
        options.ledger = ledger
        options.ledgerPassword = try? environment.ledgerPassword()
        options.authorities = authorities.map { FilePath($0) }
        options.stores = stores
        options.blanksMasked = blankMasked
        let process = SiteProcess(
            settings: settings, options: options, version: Version.text, environment: environment,
            manager: .ofProcess(), narrator: narrator, now: SystemClock.now)
        let work = Task { try await process.run() }
        StopSignals.onStop { work.cancel() }
        try await finish(work, isBatch: settings.batchQuery != nil, narrator)
    }

    private func finish(
        _ work: Task<SiteBatch?, any Error>, isBatch: Bool, _ narrator: any Narrator
    ) async throws {
        let batch: SiteBatch?
        do {
            batch = try await work.value
        } catch is CancellationError {
            batch = nil
        } catch {
            narrator.tell(.processFailed, .detail(error))
            throw isBatch ? ExitCode(75) : ExitCode.failure  // EX_TEMPFAIL of sysexits(3).
        }
        guard isBatch else { return }
        guard let batch else { throw ExitCode(75) }
        Terminal.say(batch.description + ".")
        if batch.failed > 0 { throw ExitCode.failure }
    }

    /// The journal or standard error, and the log file of the manual: in the working directory where nothing is said.
    private func narrator(_ settings: GIRSettings, _ environment: SettingsEnvironment) -> any Narrator {
        let standard = standardNarrator(least: .info, environment: environment.variables, now: SystemClock.now)
        let directory = settings.logDirectory ?? FilePath(".")
        let path = directory.appending("takeup-mux.log")
        guard access(directory.bytes.map { CChar(bitPattern: $0) } + [0], W_OK | X_OK) == 0 else {
            let why = String(cString: strerror(errno))
            standard.tell(
                .settingsDoubtful, .settings(path),
                .detail("[logfile] logfile_path: no log file is written there: \(why)"))
            return standard
        }
        return LogFileNarrator(standard, path: path, now: SystemClock.now)
    }
}

extension SettingsEnvironment {
    /// A credential of the unit; without it libpq looks where it always does.
    fileprivate func ledgerPassword() throws -> Secret? {
        let path = try credential(GIRSettings.ledgerCredential)
        let bytes = try readFile(path)
        let text = String(decoding: bytes, as: UTF8.self)
        return Secret(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
