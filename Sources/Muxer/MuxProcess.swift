internal import Delivery
internal import Files
internal import Glibc
internal import Ledger
internal import Media
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary

/// A mux worker: several jobs at a time, volumes, sweep and presence, wired.
package struct MuxProcess: Sendable {
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

    /// Runs until the task is cancelled. Throws only what stands in the way of a start.
    package func run() async throws {
        let keys = try KeyRing(loading: settings.mux.keys.map(files(of:)))
        let resultKey = try resultKey()
        let base = try await ReplayBase(
            settings: settings, role: "mux", version: version, environment: environment, narrator: narrator)
        try PrivateDirectory.prove(settings.mux.temporaryDirectory)
        PrivateDirectory.removeAbandoned(below: settings.mux.temporaryDirectory)
        tellWhereClearBytesPass()
        if let gap = Confinement.tried().gap { narrator.tell(.toolsUnconfined, .detail(gap)) }
        let progress = Progress()
        let numbers = Array(1...settings.mux.workers)
        let wakes = numbers.map { _ in Wake() }
        let services = zip(numbers, wakes).map { number, wake in
            MuxService(
                base: base, settings: settings, keys: keys, resultKey: resultKey, version: version, narrator: narrator,
                wake: wake, progress: progress, number: number)
        }
        let presence = PresenceService(
            replay: base.replay,
            beat: AgentBeat(
                holder: base.replay.holder, role: "mux", host: ReplayBase.hostName(), processID: getpid(),
                version: version),
            manager: manager, loops: ["volumes"], progress: progress, narrator: narrator
        ) { ("{\"workers\":\(numbers.count)}", "muxing with \(numbers.count) workers") }
        narrator.tell(.workerReady, .version(version), .count(numbers.count))
        manager.ready(status: "muxing with \(numbers.count) workers")
        await withTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { await service.run() } }
            group.addTask {
                await VolumeService(roster: base.roster, narrator: narrator, progress: progress).run()
            }
            group.addTask { await SweepService(sweeper: base.sweeper, narrator: narrator, progress: progress).run() }
            group.addTask { await presence.run() }
            group.addTask { await listen(base.connection, wakes) }
            group.addTask { await closeOverProblems(base.problems, base.replay.database) }
            await group.waitForAll()
        }
        narrator.tell(.workerStopping, .reason("it was told to"))
        manager.stopping(status: "stopped")
    }

    private func files(of key: KeySettings) throws -> KeyRing.KeyFiles {
        KeyRing.KeyFiles(
            privateKey: try key.key.path(in: environment), certificates: try key.certificate.path(in: environment))
    }

    /// The settings were checked: a key of that name is there, and has an id.
    private func resultKey() throws -> MuxWork.ResultKey? {
        guard let key = settings.mux.keys.first(where: { $0.name == settings.mux.resultKey }), let id = key.id else {
            return nil
        }
        let cipher: Encryptor.Cipher =
            switch settings.mux.resultCipher {
            case .cbc: .aes256CBC
            case .gcm: .aes256GCM
            }
        return MuxWork.ResultKey(encryptor: try Encryptor(loading: files(of: key), cipher: cipher), id: id)
    }

    /// Of media that come clear, a disk has the clear bytes anyway.
    private func tellWhereClearBytesPass() {
        guard !settings.mux.keys.isEmpty,
            let kind = PrivateDirectory.fileSystem(of: settings.mux.temporaryDirectory), !kind.isMemory
        else { return }
        narrator.tell(.clearOnDisk, .detail("\(settings.mux.temporaryDirectory.displayText), which is on \(kind)"))
    }

    /// A better half supersedes a job, and with it what was wrong with it: nobody else would close that. Once, what was left
    /// out of results is tried again.
    private func closeOverProblems(_ problems: ProblemBook, _ database: Database) async {
        var isTried = false
        while !Task.isCancelled {
            // Where the ledger is away, the next time finds the same.
            try? await problems.closeOverMuxJobs()
            if !isTried {
                isTried = (try? await database.transaction { try MuxJobs.tryLeftOut(in: $0) }) != nil
            }
            try? await Task.sleep(for: .seconds(15))
        }
    }

    /// New jobs are told of; every idle worker looks.
    private func listen(_ connection: ConnectionSettings, _ wakes: [Wake]) async {
        let listener = Listener(connection, channels: [WorkChannel.name])
        await withTaskCancellationHandler {
            for await events in listener.events {
                let isForUs = events.contains { event in
                    switch event {
                    case .connected: true
                    case .lost: false
                    case .notified(_, let payload): payload == WorkChannel.muxPayload
                    }
                }
                if isForUs { for wake in wakes { wake.wake() } }
            }
        } onCancel: {
            listener.stop()
        }
    }
}
