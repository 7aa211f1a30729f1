internal import Catalogs
package import Delivery
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary

/// Waits for the screens that recordings of a source announced and do not have, while this agent keeps the source: finds
/// such recordings, hints at them to the keeper with growing intervals, and gives them up at a stated age.
///
/// It brings nothing itself. A screen that comes at any time is collected and muxed as any, and ends the wait in its commit.
package struct ScreenWaitService: Sendable {
    private let source: SourceLink
    private let replay: Replay
    private let keeper: KeeperService
    private let words: Set<String>
    private let rules: ScreenWaitRules
    private let narrator: any Narrator
    private let progress: Progress

    /// Recordings of one turn.
    private static let batch = 200
    /// Copies that are gone through in one turn.
    private static let page = 500
    private static let period = Duration.seconds(5)
    private static let pauseBetweenPages = Duration.milliseconds(200)

    package init(
        source: SourceLink, replay: Replay, keeper: KeeperService, settings: ScreenWaitSettings,
        narrator: any Narrator, progress: Progress
    ) {
        self.source = source
        self.replay = replay
        self.keeper = keeper
        words = Set(settings.announcedBy)
        rules = ScreenWaitRules(
            shortest: settings.shortest, longest: settings.longest, giveUpAfter: settings.giveUpAfter)
        self.narrator = narrator
        self.progress = progress
    }

    package func run() async {
        while !Task.isCancelled {
            var pause = ScreenWaitService.period
            do {
                pause = try await turn()
            } catch is CancellationError {
                return
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch {
                narrator.tell(.turnFailed, .service("screens"), .source(source.name), .detail(error))
            }
            progress.advance("screens")
            await Wake.rest(pause)
        }
    }

    /// One page of what may have announced a screen, and what is due of those that wait. Gives the pause until the next.
    func turn() async throws -> Duration {
        if try await source.gate.isPaused() { return ScreenWaitService.period }
        guard await keeper.role != nil else { return ScreenWaitService.period }
        let isMore = try await search()
        try await lookAgain()
        return isMore ? ScreenWaitService.pauseBetweenPages : min(rules.shortest, ScreenWaitService.period)
    }

    // MARK: Who waits

    /// Gives whether more may follow at once.
    private func search() async throws -> Bool {
        guard case .look(let pause) = screenWait(age: .zero, rules: rules) else { return false }
        let (name, mounts, words, age) = (source.name, source.settings.mounts.map(\.path), words, rules.shortest)
        let catalog = replay.catalog
        return try await replay.database.transaction(isDurable: false) { session in
            let missing = try ScreenlessSounds.withMissingScreen(
                source: name, mounts: mounts, age: age, limit: ScreenWaitService.batch, in: session)
            try ScreenWaits.begin(
                missing.map { (ScreenWaitKey($0.recording), $0.sid, .row) }, firstLookAfter: pause, in: session)
            // Without words nothing is gone through, so that all is there when there are some.
            if words.isEmpty { return false }
            let (sounds, isMore) = try ScreenlessSounds.page(
                source: name, age: age, limit: ScreenWaitService.page, in: session)
            if sounds.isEmpty { return isMore }
            let known = try catalog.find(sids: sounds.map(\.sid), on: session)
            let announced = sounds.filter { sound in
                known[sound.sid].map { ScreenAnnouncement.isMade(in: $0.externalData, words: words) } ?? false
            }
            try ScreenWaits.begin(
                announced.map { (ScreenWaitKey($0.recording), $0.sid, .data) }, firstLookAfter: pause, in: session)
            return isMore
        }
    }

    // MARK: Looking again

    private func lookAgain() async throws {
        let (name, rules) = (source.name, rules)
        let (due, ended) = try await replay.database.perform { session in
            try ScreenWaits.forget(in: session)
            let due = try ScreenWaits.due(.callrec, name, limit: ScreenWaitService.batch, in: session)
            return (due, try ScreenlessSounds.ended(due.compactMap(\.sid), in: session))
        }
        if due.isEmpty { return }
        let over = due.filter { $0.sid.map(ended.contains) ?? false }
        let open = due.filter { !($0.sid.map(ended.contains) ?? false) }
        let decisions = Dictionary(uniqueKeysWithValues: open.map { ($0.key, screenWait(age: $0.age, rules: rules)) })
        let references = open.compactMap { wait in
            wait.key.recordingID.map { RecordingReference(source: name, id: $0) }
        }
        try await replay.database.transaction(isDurable: false) { session in
            try Transfers.wakeMissing(of: references, in: session)
        }
        try await replay.database.transaction(isDurable: false) { session in
            try ScreenWaits.end(over.map(\.key), in: session)
            try ScreenWaits.note(decisions, in: session)
        }
        await keeper.look(at: references.map(\.id))
        let givenUp = open.filter { decisions[$0.key] == .giveUp }
        guard let example = givenUp.compactMap(\.key.recordingID).first else { return }
        narrator.tell(
            .screenGivenUp, .source(name), .recording(RecordingReference(source: name, id: example)),
            .count(givenUp.count), .elapsed(rules.giveUpAfter))
    }
}
