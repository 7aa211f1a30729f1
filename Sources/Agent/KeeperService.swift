internal import Catalogs
package import Delivery
package import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary

/// The keeper role of a source: while this agent holds it, it looks, plans and marks.
///
/// Any agent of the source can hold it, also while its own mount is absent; the lease passes on when its holder dies.
package actor KeeperService {
    private let source: SourceLink
    private let replay: Replay
    private let look: LookService
    private let marks: MarkService
    /// Nil where the settings say so.
    private let definitions: DefinitionService?
    private let marking: MarkingGuard
    private let erroneous: ErroneousService
    private let synchro: SynchroSettings
    private let narrator: any Narrator
    private let wake: Wake
    private let progress: Progress
    /// One outage, one sentence: the source's.
    private var outage: Outage
    /// A hint after a rest brings a look at once. Recordings that come faster than the pace share looks, transactions and
    /// groups of copies all the way to their commit.
    private var gathering = HintGathering()
    private var hinted = HintedRecordings(limit: KeeperService.hintLimit)
    private let direct: DirectWay
    /// While looks are held back for a lane.
    private var heldUntil: Duration?
    private static let heldAtMost = Duration.seconds(1)
    private var lease: KeeperLease?
    private var listening: Task<Void, Never>?
    private var nextRound: Duration = .zero
    /// Whether the round was hinted at since its last look began: that look may have missed what the hint was about.
    private var isRoundHinted = false
    /// Whether somebody hinted at the source without a name: while a round goes on, the newest are looked at beside it.
    private var isNewestHinted = false
    /// When they are also without a hint: its file can be there before a recording's row.
    private var nextNewest: Duration = .zero
    private var isMoreThere = false
    /// Whether the last look was at a page of the round.
    private var wasRound = false
    /// Whether a look failed, and no page was looked at since.
    private var hasFailed = false
    /// When the lease is lengthened, or the role is asked for.
    private var nextTake: Duration = .zero
    private var nextCheck: Duration = .zero
    private var nextMarks: Duration = .zero
    /// Marks that are being set, beside the looks: neither waits for the other.
    private var markWork: Task<Void, Never>?
    private var markFailure: (any Error)?
    private var marksExpectedUntil: Duration = .zero
    private var nextDefinitions: Duration = .zero
    /// Where the batch of marks before ended, while more are to follow.
    private var lastMark: Instant?
    /// When marks are asked for from the beginning again, also while more are to follow.
    private var nextMarkRound: Duration = .zero
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let started: ContinuousClock.Instant

    private static let leaseSpan = Duration.seconds(15)
    /// Who is not the keeper asks again after this.
    private static let candidacy = Duration.seconds(3)
    /// A lease is lengthened this long after it was.
    private static let renewal = Duration.seconds(5)
    /// What is done so much before its time where the loop turns anyway.
    private static let company = Duration.seconds(1)
    private static let checkPeriod = Duration.seconds(60)
    /// Between two looks for marks to set: those that come meanwhile become one batch.
    private static let markPeriod = Duration.milliseconds(500)
    private static let markRound = Duration.seconds(5)
    /// The same while nothing is known to be on its way: what another agent commits after a long wait.
    private static let markRest = Duration.seconds(5)
    /// How long after something was found marks are expected.
    private static let expectation = Duration.seconds(30)
    /// Between the starts of two batches of marks while more are to follow: what the recorder has to do for them in a
    /// second is bounded.
    private static let markSpacing = Duration.milliseconds(125)
    /// Batches in one turn.
    private static let markBatches = 4
    /// Between two looks at the newest while a round goes on, without hints.
    private static let newestPeriod = Duration.milliseconds(500)
    /// Hints beyond this are dropped: the page finds what they were about.
    private static let hintLimit = 50_000
    /// A look at hints alone has room for so many times `calls_per_period`: it reads no page beside them.
    private static let batchesOfHints = 5
    /// A turn of a group is passed on after this at the latest.
    private static let groupLease = Duration.seconds(30)

    package init(
        source: SourceLink, replay: Replay, marking: MarkingGuard, synchro: SynchroSettings, problems: ProblemBook,
        narrator: any Narrator, wake: Wake, progress: Progress, direct: DirectWay,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.clock = clock
        started = clock()
        self.source = source
        self.replay = replay
        look = LookService(
            source: source, replay: replay, synchro: synchro, problems: problems, direct: direct)
        erroneous = ErroneousService(source: source, replay: replay, synchro: synchro)
        self.marking = marking
        marks = MarkService(
            source: source, replay: replay, marking: marking, problems: problems, narrator: narrator)
        definitions =
            synchro.speechDefinitions ? DefinitionService(source: source, replay: replay, narrator: narrator) : nil
        self.direct = direct
        direct.onFree { wake.wake() }
        self.synchro = synchro
        self.narrator = narrator
        self.wake = wake
        self.progress = progress
        outage = Outage(
            down: .sourceUnreachable, up: .sourceBack, facts: [.source(source.name)], narrator: narrator)
    }

    /// Whether this agent keeps the source now.
    package var isKeeper: Bool { lease != nil }

    /// The role while this agent has it.
    package var role: KeeperLease? { lease }

    package func run() async {
        while !Task.isCancelled {
            let pause: Duration
            do {
                pause = try await turn()
                outage.over()
            } catch is KeeperLost {
                lose(reason: "another agent took the role")
                pause = KeeperService.candidacy
            } catch {
                pause = failed(error)
            }
            progress.advance("keeper")
            await wake.wait(atMost: pause)
        }
        listening?.cancel()
        markWork?.cancel()
        await markWork?.value
        if let lease {
            try? await replay.database.perform { session in try Keepers.release(lease, in: session) }
        }
    }

    /// One turn: keep the lease, mark what converged, and look where a look is due. Gives the pause until the next.
    func turn() async throws -> Duration {
        guard let lease = try await standingLease() else { return max(.milliseconds(1), nextTake - elapsed) }
        // The lease is kept meanwhile: a source that is resumed goes on at once.
        if try await source.gate.isPaused() { return .seconds(1) }
        // Who could not be reached is tried without the turn of its group: others need not wait for that.
        if outage.isOn { try await source.database.perform { session in _ = try session.query("select 1") } }
        guard try await hasTurn() else { return .milliseconds(200) }
        do {
            try await work(lease)
        } catch {
            // A source that fails must not keep the turn of its group.
            try? await yieldTurn()
            throw error
        }
        try await yieldTurn()
        return pause
    }

    /// The lease, taken or lengthened where it is time to. Nil: another agent has it.
    private func standingLease() async throws -> KeeperLease? {
        // Who is awake for something else does not wake again for this a moment later.
        guard elapsed + KeeperService.company >= nextTake else { return lease }
        let name = source.name
        let holder = replay.holder
        let taken = try await replay.database.perform { session in
            try Keepers.take(source: name, holder: holder, lease: KeeperService.leaseSpan, in: session)
        }
        nextTake = elapsed + (taken == nil ? KeeperService.candidacy : KeeperService.renewal)
        if let taken {
            if lease?.token != taken.token {
                nextCheck = .zero
                await take(taken)
            }
        } else if lease != nil {
            lose(reason: "its lease ran out")
        }
        lease = taken
        // Asked again with each batch of marks, and by every sweep; here it is for what is told.
        if taken != nil, elapsed >= nextCheck {
            try await marking.check()
            nextCheck = elapsed + KeeperService.checkPeriod
        }
        return taken
    }

    private func work(_ lease: KeeperLease) async throws {
        if let failure = markFailure {
            markFailure = nil
            throw failure
        }
        beginMarks(lease)
        // Sources of a group take turns with all that they do.
        if source.settings.group != nil { await markWork?.value }
        if let definitions, elapsed >= nextDefinitions {
            nextDefinitions = elapsed + DefinitionService.period
            try await definitions.turn(lease: lease)
        }
        try await lookIfDue(lease)
    }

    private func beginMarks(_ lease: KeeperLease) {
        let isResting = elapsed >= marksExpectedUntil
        guard markWork == nil, elapsed + (isResting ? KeeperService.company : .zero) >= nextMarks else { return }
        markWork = Task { await markBeside(lease) }
    }

    private func markBeside(_ lease: KeeperLease) async {
        do {
            try await mark(lease)
        } catch {
            markFailure = error
        }
        markWork = nil
        // Whoever waits went by when the lease ends, while this was under way.
        wake.wake()
    }

    private func mark(_ lease: KeeperLease) async throws {
        nextMarks = elapsed + KeeperService.markPeriod
        try await erroneous.turn(lease: lease)
        if elapsed >= nextMarkRound {
            // What was committed late can be due before what was marked.
            lastMark = nil
            nextMarkRound = elapsed + KeeperService.markRound
        }
        for _ in 0..<KeeperService.markBatches {
            let begun = elapsed
            let marked = try await marks.turn(lease: lease, after: lastMark)
            lastMark = marked.last
            look(at: marked.changed)
            guard marked.last != nil else { return restFromMarks(marked) }
            nextMarks = begun + KeeperService.markSpacing
            try await Task.sleep(for: max(.zero, nextMarks - elapsed))
        }
    }

    private func lookIfDue(_ lease: KeeperLease) async throws {
        let now = elapsed
        if holdsBack(at: now) { return }
        // While hints come and a round goes on, both get every other look.
        let isNewestDue = isMoreThere && (isNewestHinted || now >= nextNewest)
        let isRound = now >= nextRound && (hinted.isEmpty && !isNewestDue || !wasRound)
        if !hinted.isEmpty || isNewestDue || isRound { gathering.hint(at: now) }
        if gathering.begin(at: now) {
            // After a failure each by itself, so that what cannot be looked at holds up only its own kind.
            let most = (isRound ? 1 : KeeperService.batchesOfHints) * synchro.callsPerPeriod
            let ids = isRound && hasFailed ? [] : hinted.take(most)
            if isRound { isRoundHinted = false }
            // A page of the round that is not under way shows the newest as well.
            let newest = isNewestDue && !isRound
            if newest || !isMoreThere { isNewestHinted = false }
            if newest { nextNewest = now + KeeperService.newestPeriod }
            do {
                let found = try await look.turn(
                    hinted: ids, waiting: isRound ? hinted.ids : [], isRound: isRound, newest: newest, lease: lease)
                if let page = found.page { hinted.cover(page.ids, lookedAtSince: page.begun - started) }
                for recording in found.late {
                    narrator.tell(.lateChange, .source(source.name), .recording(recording))
                }
                if found.planned > 0 { expectMarks() }
                wasRound = found.wasRound
                if isRound { hasFailed = false }
                if found.wasRound {
                    isMoreThere = found.isMoreThere
                    nextRound = found.isMoreThere || isRoundHinted ? .zero : elapsed + synchro.sleepPeriod
                }
                gathering.end(
                    at: elapsed, measured: found.cost,
                    more: !hinted.isEmpty || isNewestHinted && isMoreThere || elapsed >= nextRound)
            } catch {
                hinted.giveBack(ids, at: elapsed)
                isNewestHinted = isNewestHinted || newest
                (wasRound, hasFailed) = (isRound, true)
                gathering.end(at: elapsed, measured: .zero)
                throw error
            }
        }
    }

    /// While so many are hinted at that each look is full, and all lanes of the direct way are taken: what is planned now
    /// would only go the longer way through the ledger. Not for long, as others may have files of these recordings.
    private func holdsBack(at now: Duration) -> Bool {
        guard direct.isFull, hinted.count >= synchro.callsPerPeriod else {
            heldUntil = nil
            return false
        }
        if heldUntil == nil { heldUntil = now + KeeperService.heldAtMost }
        return heldUntil.map { now < $0 } ?? false
    }

    /// Until something is due.
    private var pause: Duration {
        let look = max(gathering.due ?? nextRound, heldUntil ?? .zero)
        let next = min(markWork == nil ? nextMarks : nextTake, nextTake, look)
        return max(.milliseconds(1), next - elapsed)
    }

    private var elapsed: Duration { clock() - started }

    /// Sources of one group take turns. One without a group waits for nobody.
    private func hasTurn() async throws -> Bool {
        guard let group = source.settings.group else { return true }
        let name = source.name
        let holder = replay.holder
        return try await replay.database.transaction { session in
            try Turns.take(
                group: group, source: name, holder: holder, lease: KeeperService.groupLease, patience: .seconds(5),
                in: session)
        }
    }

    private func yieldTurn() async throws {
        guard let group = source.settings.group else { return }
        let name = source.name
        let holder = replay.holder
        try await replay.database.transaction { session in
            try Turns.yield(group: group, source: name, holder: holder, in: session)
        }
    }

    private func take(_ lease: KeeperLease) async {
        narrator.tell(.keeperTaken, .source(source.name), .holder(lease.holder))
        nextRound = .zero
        nextMarks = .zero
        markFailure = nil
        listening?.cancel()
        listening = Task { [weak self, source] in await KeeperService.listen(to: source, for: self) }
    }

    private func lose(reason: String) {
        lease = nil
        nextTake = elapsed + KeeperService.candidacy
        listening?.cancel()
        listening = nil
        narrator.tell(.keeperLost, .source(source.name), .reason(reason))
    }

    /// Hears the recorder where its operator installed the trigger. A notification is a hint; a lost connection only
    /// means that the next round finds what it would have told.
    private static func listen(to source: SourceLink, for keeper: KeeperService?) async {
        let listener = Listener(source.database.settings, channels: [SourceNotification.channel])
        await withTaskCancellationHandler {
            for await events in listener.events {
                guard let keeper else { return }
                await keeper.heard(events)
            }
        } onCancel: {
            listener.stop()
        }
    }

    private func heard(_ events: [ListenerEvent]) {
        let now = elapsed
        for event in events {
            switch event {
            case .connected:
                nextRound = .zero
                isRoundHinted = true
            case .lost: break
            case .notified(_, let payload):
                if let id = Int64(payload), hinted.add(id, at: now) { continue }
                nextRound = .zero
                isRoundHinted = true
            }
        }
        if !hinted.isEmpty { expectMarks() }
        gathering.hint(at: elapsed)
        wake.wake()
    }

    /// Something is on its way, so that marks will be due.
    private func expectMarks() {
        marksExpectedUntil = elapsed + KeeperService.expectation
        nextMarks = min(nextMarks, elapsed + KeeperService.markPeriod)
    }

    /// Where nothing comes, marks are asked for less often.
    private func restFromMarks(_ last: MarkService.Marks) {
        if last.done > 0 || !last.changed.isEmpty { return expectMarks() }
        if elapsed >= marksExpectedUntil { nextMarks = max(nextMarks, elapsed + KeeperService.markRest) }
    }

    private func failed(_ error: any Error) -> Duration {
        if let error = error as? PostgresError, error.isOutage || error.code == .permission,
            error.doing.contains(source.database.settings.label)
        {
            return outage.met(error)
        }
        // Told by the guard of its database, once.
        if error is SharedDatabase { return .seconds(5) }
        if !((error as? PostgresError)?.isOutage ?? false) {
            narrator.tell(.turnFailed, .service("keeper"), .source(source.name), .detail(error))
        }
        return .seconds(1)
    }
}

extension KeeperService {
    /// Something may be new at the source.
    package func hintLook() {
        nextRound = .zero
        isRoundHinted = true
        isNewestHinted = true
        wake.wake()
    }

    /// These recordings changed at the source. What is too much is dropped: who found them finds them again.
    package func look(at ids: some Sequence<Int64>) {
        let now = elapsed
        for id in ids { hinted.add(id, at: now) }
        gathering.hint(at: elapsed)
        wake.wake()
    }
}
