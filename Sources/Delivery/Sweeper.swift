internal import Copying
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Synchronization
package import Telemetry
package import Vocabulary

/// Removes what dead attempts left behind, by their intents, and finishes what a crash cut short. Any process may sweep;
/// several never take the same intent.
package struct Sweeper: Sendable {
    private let replay: Replay
    private let roster: VolumeRoster
    private let narrator: any Narrator
    /// From the end of a lease until its leavings are swept: a worker that only stood still gets the chance to see
    /// that it is late.
    private let grace: Duration
    /// Compares the ledger with what this process remembers of marks, and gives the sources for which it agrees: what
    /// may have been published for others is left to their agents.
    private let compared: @Sendable () async throws -> [SourceName]
    private let pairs = PairRound()
    private static let batch = 200
    /// Replicas of one turn that are looked at for pairs without a job: those behind the last turn's, and the newest.
    private static let pairsPage = 500
    private static let newestPairs = 200
    private static let lease = Duration.seconds(60)
    /// How long a swept intent keeps its path from others. A removal that one host began, and that its server hears of
    /// only when the network is back, goes by the name: longer than any outage in which calls are still under way.
    private static let remembrance = Duration.seconds(86_400)
    /// After this nobody comes any more to compare the marks of an intent's source: it was taken out of the settings.
    private static let abandonment = Duration.seconds(30 * 86_400)

    package init(
        replay: Replay, roster: VolumeRoster, narrator: any Narrator, grace: Duration,
        compared: @escaping @Sendable () async throws -> [SourceName] = { [] }
    ) {
        self.replay = replay
        self.roster = roster
        self.narrator = narrator
        self.grace = grace
        self.compared = compared
    }

    /// The same, of a process that remembers marks.
    package func comparing(_ compared: @escaping @Sendable () async throws -> [SourceName]) -> Sweeper {
        Sweeper(replay: replay, roster: roster, narrator: narrator, grace: grace, compared: compared)
    }

    /// One bounded turn. Gives whether more may be left.
    @discardableResult
    package func turn() async throws -> Bool {
        let samples = try await roster.current().filter { $0.proof != nil && $0.condition == nil }
        let names = Dictionary(
            samples.compactMap { sample in sample.proof.map { ($0.id, sample.settings.name) } },
            uniquingKeysWith: { first, _ in first })
        let isMoreLeft = try await sweepIntents(names)
        try await sweepRetired(names)
        try await ProblemBook(database: replay.database, narrator: narrator).closeReplacedCopies()
        try await repairPairs()
        return isMoreLeft
    }

    private func sweepIntents(_ names: [VolumeID: VolumeName]) async throws -> Bool {
        let volumes = Array(names.keys)
        let grace = grace
        let holder = replay.holder
        let compared = try await compared()
        let condemned = try await replay.database.transaction { session in
            try Intents.forgetSwept(olderThan: Sweeper.remembrance, in: session)
            return try Intents.condemn(
                on: volumes, compared: compared, grace: grace, abandonment: Sweeper.abandonment, holder: holder,
                limit: Sweeper.batch, lease: Sweeper.lease, in: session)
        }
        var swept: [FencingToken] = []
        var removed: [VolumeID: Int] = [:]
        var readOnly: Set<VolumeID> = []
        for intent in condemned where !readOnly.contains(intent.volume) {
            guard let name = names[intent.volume], let copier = await roster.copier(of: intent.volume, named: name)
            else { continue }
            do {
                // A sweeper that stood still must not remove what another commits under the name by now.
                guard try await isStillOurs(intent) else { break }
                removed[intent.volume, default: 0] += try await clear(intent, with: copier)
                swept.append(intent.token)
            } catch {
                if await roster.isReadOnly(name, after: error) {
                    readOnly.insert(intent.volume)
                } else {
                    narrator.tell(.turnFailed, .service("sweep"), .detail(error))
                }
            }
        }
        let done = swept
        if !done.isEmpty { try await replay.database.perform { session in try Intents.swept(done, in: session) } }
        for (volume, count) in removed where count > 0 {
            guard let name = names[volume] else { continue }
            narrator.tell(.swept, .volume(name), .volumeID(volume), .count(count))
        }
        return condemned.count == Sweeper.batch
    }

    /// Gives how many files were removed.
    private func clear(_ intent: Intent, with copier: Copier) async throws -> Int {
        guard let beside = intent.finalPath ?? intent.stagedName else { return 0 }
        var count = try await copier.sweepStaged(intent.token, for: beside) == .removed ? 1 : 0
        // Only what this intent was about to publish: anything else under the name is not ours to remove.
        if let path = intent.finalPath, let ready = intent.ready {
            let removal = try await copier.removeUncommitted(path, size: ready.size, digest: ready.digest)
            if removal == .removed { count += 1 }
        }
        return count
    }

    private func isStillOurs(_ intent: Intent) async throws -> Bool {
        let holder = replay.holder
        return try await replay.database.perform { session in
            try Intents.isCondemned(intent.token, holder: holder, in: session)
        }
    }

    /// Replaced copies: moved aside where a crash or the way of their commit left them in place, and removed when their
    /// time is over.
    private func sweepRetired(_ names: [VolumeID: VolumeName]) async throws {
        let volumes = Array(names.keys)
        let retiring = Retiring(replay: replay, roster: roster, narrator: narrator)
        try await retiring.putAside(
            try await replay.database.perform { session in
                try Replicas.inPlace(on: volumes, limit: Sweeper.batch, in: session)
            })
        try await retiring.remove(
            try await replay.database.perform { session in
                try Replicas.removable(on: volumes, limit: Sweeper.batch, in: session)
            })
    }

    /// Pairs that are complete and have no job: nothing should leave any, and everything would miss them.
    private func repairPairs() async throws {
        let last = pairs.last.withLock { $0 }
        let (found, next) = try await replay.database.perform { session in
            try MuxJobs.pairsWithoutJob(
                after: last, limit: Sweeper.pairsPage, newest: Sweeper.newestPairs, in: session)
        }
        pairs.last.withLock { $0 = next }
        if found.isEmpty { return }
        try await replay.database.transaction { session in
            try Recordings.lock(found, in: session)
            try MuxJobs.ensure(found, in: session)
        }
    }
}

/// How far the round through all replicas has come.
private final class PairRound: Sendable {
    let last = Mutex<Replica.ID?>(nil)
}
