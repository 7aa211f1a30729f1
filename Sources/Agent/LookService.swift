internal import Catalogs
package import Delivery
package import Ledger
internal import Planning
internal import Postgres
package import Settings
internal import Telemetry
package import Vocabulary

/// Looks at a source's catalog for recordings to do, reconciles them with the replay, and writes down what to do.
/// Only the keeper of the source runs it.
package actor LookService {
    private let source: SourceLink
    private let replay: Replay
    private let planner: LookPlanner
    private let synchro: SynchroSettings
    private let problems: ProblemBook
    /// Nil: all waits in the ledger.
    private let direct: DirectWay?
    private var cursor: SourceCursor?
    private let request: LookRequest
    /// The page behind the cursor, asked for beforehand.
    private var ahead:
        (cursor: SourceCursor, begun: ContinuousClock.Instant, page: Task<LookRequest.Answer, any Error>)?
    /// How often the page behind the cursor could not be written down.
    private var failures = 0
    private static let triesOfPage = 3
    /// What hints brought since the page ahead was asked for: that page may show them as they were before.
    private var lookedAtSince: Set<Int64> = []
    /// A page that was read longer ago is read again.
    private static let aheadAtMost = Duration.seconds(5)
    private var nextTroubled = ContinuousClock.now
    private static let troubledPeriod = Duration.seconds(15)
    private var nextStrays = ContinuousClock.now
    private static let straysPeriod = Duration.seconds(60)
    private static let strayLimit = 100
    private var nextStranded = ContinuousClock.now
    private static let strandedPeriod = Duration.seconds(600)
    /// The replay's phrases when recordings were last opened again for them.
    private var phrases: String?
    private var nextPhrases = ContinuousClock.now
    /// What recordings wait for, as it was told last.
    private var awaited: AwaitedProblems.Standing?
    private var nextAwaited = ContinuousClock.now
    /// Rows that cannot be read, which are told of once.
    private var refusedRows: Set<RecordingReference> = []
    /// Recordings that the replay's database has no form for, as they were then.
    private var unstorable: [RecordingReference: Fingerprint] = [:]
    /// Rows that could not be read before, and can be now: their problem ends with their plan.
    private var readAgain: Set<RecordingReference> = []

    package init(
        source: SourceLink, replay: Replay, synchro: SynchroSettings, problems: ProblemBook, direct: DirectWay? = nil
    ) {
        self.direct = direct
        self.source = source
        self.replay = replay
        planner = LookPlanner(
            mounts: source.mounts, switches: SourceSwitches(source.settings, synchro),
            takesMarked: source.settings.synchronizedAlreadySynchronized)
        self.synchro = synchro
        request = LookRequest(source: source, synchro: synchro)
        self.problems = problems
    }

    package struct Look: Sendable {
        /// Recordings that were written down now.
        package var planned: Int
        /// Whether pages follow: the round through the unmarked recordings is not over.
        package var isMoreThere: Bool
        /// Whether a page of the round was looked at, and not only what was hinted at.
        package var wasRound: Bool
        /// What the statements took at the recorder.
        package var cost: Duration
        /// What the page of the round showed, and when its statements began.
        package var page: (ids: [Int64], begun: ContinuousClock.Instant)?
        /// Those of the planned that had their marks already, and bring something new.
        package var late: [RecordingReference]
    }

    /// One bounded look: what was hinted at, and, where the round is due or not over, what is due again, one page behind
    /// the cursor, and, while there is a backlog, a lane of the newest.
    /// - Parameters:
    ///   - waiting: what else was hinted at, and has its turn later.
    ///   - newest: beside what was hinted at, the newest are looked at, and no page.
    package func turn(
        hinted: Set<Int64>, waiting: Set<Int64> = [], isRound: Bool, newest: Bool = false, lease: KeeperLease
    ) async throws -> Look {
        if newest || !isRound && (cursor == nil || !hinted.isEmpty) {
            return try await look(at: hinted, newest: newest, lease: lease)
        }
        let source = source
        let catalog = try await source.catalog()
        if ContinuousClock.now >= nextPhrases {
            phrases = try await AwaitedPhraseWatch(source: source.name, replay: replay).turn(since: phrases)
            nextPhrases = .now + AwaitedPhraseWatch.period
        }
        let (due, now) = try await replay.database.perform { [synchro] session in
            let due = try Sightings.due(source: source.name, limit: synchro.callsPerPeriod, in: session)
            let row = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            return (due.map(\.reference.id), try row?.instant("now") ?? Instant(microseconds: 0))
        }
        try await replanStranded()
        if ContinuousClock.now >= nextAwaited {
            awaited = try await AwaitedProblems(source: source.name, replay: replay, problems: problems).turn(
                told: awaited)
            nextAwaited = .now + AwaitedProblems.period
        }
        let wanted = hinted.union(due)
        let troubled = try await troubled()
        let ids = LookPlaces.choose(hinted: hinted, due: due, limit: synchro.callsPerPeriod)
        let (page, begun) = try await page(catalog, ids: ids + Array(troubled))
        let behind = cursor
        cursor = page.batch.next
        // While this page is brought to the replay, the recorder gives the next one.
        if let next = cursor {
            lookedAtSince = []
            ahead = (next, .now, Task { [request] in try await request.read(catalog, after: next, ids: []) })
        }
        let planned: (count: Int, late: [RecordingReference])
        do {
            planned = try await handle(
                page.batch.rows, hinted: wanted.union(waiting), now: now, lease: lease)
            failures = 0
        } catch {
            // What was not written down is read again, and not a round later. A page that never can be holds up no other.
            failures += 1
            if failures < LookService.triesOfPage { (cursor, ahead) = (behind, nil) }
            throw error
        }
        // A row that was asked for and did not come is gone.
        try await giveUp(troubled.union(ids).subtracting(page.batch.rows.map(\.id)), lease: lease)
        return Look(
            planned: planned.count, isMoreThere: page.batch.next != nil, wasRound: true, cost: page.cost,
            page: (page.batch.rows.map(\.id), begun), late: planned.late)
    }

    /// Only what was hinted at, and the newest where that is wanted.
    private func look(at hinted: Set<Int64>, newest: Bool, lease: KeeperLease) async throws -> Look {
        let catalog = try await source.catalog()
        let answer = try await asking { [request] in
            try await request.read(catalog, ids: Array(hinted), strays: 0, newest: newest)
        }
        if ahead != nil { lookedAtSince.formUnion(hinted.union(answer.batch.rows.map(\.id))) }
        let planned: (count: Int, late: [RecordingReference])
        do {
            planned = try await handle(answer.batch.rows, hinted: hinted, now: nil, lease: lease)
        } catch {
            // The page ahead was cut by what is not written down.
            ahead = nil
            throw error
        }
        try await giveUp(hinted.subtracting(answer.batch.rows.map(\.id)), lease: lease)
        return Look(
            planned: planned.count, isMoreThere: false, wasRound: false, cost: answer.cost, late: planned.late)
    }

    /// Tables that are not what was read are read anew.
    private func asking(_ ask: () async throws -> LookRequest.Answer) async throws -> LookRequest.Answer {
        do {
            return try await ask()
        } catch let error as PostgresError where error.code == .schema {
            await source.forget()
            throw error
        }
    }

    /// The page behind the cursor and these recordings, and from time to time some that no page shows.
    /// - Returns: with the moment at which the first of its statements began.
    private func page(
        _ catalog: SourceCatalog, ids: [Int64]
    ) async throws -> (LookRequest.Answer, begun: ContinuousClock.Instant) {
        let standing = ahead
        ahead = nil
        let strays = ContinuousClock.now >= nextStrays ? LookService.strayLimit : 0
        var begun = ContinuousClock.now
        let answer = try await asking {
            var page: LookRequest.Answer
            if let standing, standing.cursor == cursor, .now - standing.begun < LookService.aheadAtMost {
                begun = standing.begun
                page = try await standing.page.value
                let newer = lookedAtSince
                page.batch.rows.removeAll { newer.contains($0.id) }
                if !ids.isEmpty || strays > 0 { page.add(try await request.read(catalog, ids: ids, strays: strays)) }
            } else {
                page = try await request.read(catalog, after: cursor, ids: ids, strays: strays)
            }
            if strays > 0 { nextStrays = .now + LookService.straysPeriod }
            return page
        }
        return (answer, begun)
    }

    /// Once, and from time to time: what waits for mounts that the settings have under another name by now.
    private func replanStranded() async throws {
        guard ContinuousClock.now >= nextStranded else { return }
        nextStranded = .now + LookService.strandedPeriod
        let name = source.name
        let mounts = source.settings.mounts.map(\.path)
        let served = source.mounts
        try await replay.database.transaction { session in
            try Transfers.replanStranded(source: name, mounts: mounts, in: session)
            try Afterlooks.move(source: name, mounts: mounts, in: session) { path in
                if case .on(let mount, _) = served.place(of: path) { mount } else { nil }
            }
        }
    }

    /// Recordings with problems, from time to time: one that its recorder deleted shows in no page and in no hint.
    private func troubled() async throws -> Set<Int64> {
        guard ContinuousClock.now >= nextTroubled else { return [] }
        nextTroubled = .now + LookService.troubledPeriod
        let (source, limit) = (source.name, synchro.callsPerPeriod)
        let awaiting = try await replay.database.perform { session in
            // Of many missing files only some have problems of their own.
            try Sightings.awaiting(source: source, limit: limit, in: session)
                .union(Transfers.missingRecordings(of: source, limit: limit, in: session))
        }
        return try await problems.recordings(
            of: source, ProblemKind.allCases.filter(\.endsWithMark), limit: limit
        ).union(awaiting)
    }

    /// What could not be brought so far, and is not at the source any more, never will be. What was brought of it stays.
    private func giveUp(_ gone: Set<Int64>, lease: KeeperLease) async throws {
        if gone.isEmpty { return }
        let source = source.name
        let sightings = try await replay.database.perform { session in
            try Sightings.awaitNothing(source: source, ids: gone, in: session)
            return try Sightings.find(source: source, ids: gone, in: session)
        }
        try await rest(sightings.values.compactMap(planner.giveUp), lease: lease)
        try await problems.close(
            ProblemKind.allCases.filter(\.endsWithMark),
            recordings: gone.map { RecordingReference(source: source, id: $0) }, place: source.rawValue,
            unmended: "Its recorder does not have the recording any more")
    }

    private func rest(_ plans: [SightingPlan], lease: KeeperLease) async throws {
        if plans.isEmpty { return }
        let isKeeper = try await replay.database.transaction { session in
            guard try Keepers.confirm(lease, in: session) else { return false }
            try Plans.record(plans, in: session)
            return true
        }
        guard isKeeper else { throw KeeperLost() }
    }

    private func handle(
        _ rows: [SourceRow], hinted: Set<Int64>, now known: Instant?, lease: KeeperLease
    ) async throws -> (count: Int, late: [RecordingReference]) {
        var recordings: [Int64: SourceRecording] = [:]
        for row in rows {
            switch row {
            case .recording(let recording):
                if refusedRows.remove(recording.reference) != nil { readAgain.insert(recording.reference) }
                recordings[recording.id] = recording
            case .refused(let reference, let sentence): try await refuse(reference, sentence)
            }
        }
        let source = source.name
        let ids = Array(recordings.keys)
        if ids.isEmpty { return (0, []) }
        let (sightings, clock) = try await replay.database.perform { session in
            try session.ask(Sightings.find(source: source, ids: ids, hasDetail: false), Sightings.now)
        }
        let now = known ?? clock
        try await rest(
            recordings.values.compactMap { row in sightings[row.id].flatMap { planner.leave(row, $0) } }, lease: lease)
        let open = recordings.values.filter { recording in
            guard planner.isWanted(recording, sightings[recording.id]) else { return false }
            if let refused = unstorable[recording.reference], refused == Fingerprint(of: recording) { return false }
            guard let sighting = sightings[recording.id] else { return true }
            if planner.comparesAgain(recording, sighting) { return true }
            return !planner.isSettled(sighting, recording, now: now, isHinted: hinted.contains(recording.id))
        }
        if open.isEmpty { return (0, []) }
        return try await planStorable(Array(open), sightings: sightings, hinted: hinted, now: now, lease: lease)
    }

    /// All together; where the replay's encoding has no form for a value of one, each by itself, so that it takes no other
    /// with it.
    private func planStorable(
        _ recordings: [SourceRecording], sightings: [Int64: Sighting], hinted: Set<Int64>, now: Instant,
        lease: KeeperLease
    ) async throws -> (count: Int, late: [RecordingReference]) {
        do {
            let outcome = try await plan(recordings, sightings: sightings, hinted: hinted, now: now, lease: lease)
            for recording in recordings { unstorable[recording.reference] = nil }
            return outcome
        } catch let error as PostgresError where error.code == .badValue {
            guard recordings.count > 1 else {
                for recording in recordings {
                    unstorable[recording.reference] = Fingerprint(of: recording)
                    refusedRows.remove(recording.reference)
                    try await refuse(
                        recording.reference, "The replay's database cannot hold one of its values (\(error.sqlState)).")
                }
                return (0, [])
            }
            var all: (count: Int, late: [RecordingReference]) = (0, [])
            for recording in recordings {
                let one = try await planStorable(
                    [recording], sightings: sightings, hinted: hinted, now: now, lease: lease)
                all.count += one.count
                all.late += one.late
            }
            return all
        }
    }

    private func plan(
        _ recordings: [SourceRecording], sightings: [Int64: Sighting], hinted: Set<Int64>, now: Instant,
        lease: KeeperLease
    ) async throws -> (count: Int, late: [RecordingReference]) {
        // One sid once: a second row of the same sid at one source is a problem of that row, and waits its turn.
        let recordings = Array(
            Dictionary(recordings.sorted { $0.id < $1.id }.map { ($0.sid, $0) }, uniquingKeysWith: { one, _ in one })
                .values)
        let view = try await holdings(of: recordings)
        var plans: [SightingPlan] = []
        var rows: [RowsPlan] = []
        var findings: [ProblemBook.Finding] = []
        var healed: [RecordingReference] = []
        var late: [RecordingReference] = []
        for recording in recordings.sorted(by: { $0.id < $1.id }) {
            let sighting = sightings[recording.id]
            let verdict = planner.verdict(
                on: recording, holding: view.holdings[recording.reference] ?? ReplayHolding(),
                missingKeys: view.missingKeys,
                attempts: sighting?.attempts ?? 0)
            if let needed = verdict.rows(of: recording) { rows.append(needed) }
            findings += verdict.problems
            if recording.mark != nil, verdict.needsMetadata || verdict.outcome.bringsMedia {
                late.append(recording.reference)
            }
            if verdict.isClean,
                readAgain.remove(recording.reference) != nil || sighting?.isHeldUp == true
            {
                healed.append(recording.reference)
            }
            if planner.saysNothingNew(verdict, of: recording, sighting) { continue }
            plans.append(
                SightingPlan(
                    reference: recording.reference, sid: recording.sid, stopped: recording.stopInstant,
                    finished: hinted.contains(recording.id) && sighting == nil ? now : nil, outcome: verdict.outcome,
                    standing: recording.mark, awaits: verdict.awaits))
        }
        let done = try await commit(rows, missingKeys: view.missingKeys, sightings)
        for place in plans.indices {
            if done.stale.contains(plans[place].reference) {
                plans[place].outcome = .wait(why: "the replay changed while it was planned", delay: .zero)
            }
            guard let refusal = done.refused[plans[place].reference] else { continue }
            guard let seen = recordings.first(where: { $0.reference == plans[place].reference }) else { continue }
            let times = refuse(&plans[place], of: seen, refusal, sightings[seen.id])
            findings.append(
                ProblemBook.Finding(
                    .commitRefused, recording: seen.reference,
                    what:
                        "The replay's database did not take the rows of \(seen.reference)\(times): \(refusal.why)."))
        }
        try await write(
            plans, moving: Set(sightings.values.filter { $0.state == .transferring }.map(\.reference)),
            known: Set(sightings.values.map(\.reference)), of: recordings,
            lease)
        for finding in findings { try await problems.open(finding) }
        try await problems.close(
            [.sidCollision, .removedAtReplay, .rowRefused, .commitRefused],
            recordings: healed.filter { done.refused[$0] == nil }, place: source.name.rawValue)
        try await endRestorations(of: recordings.filter { view.holdings[$0.reference]?.isRestoring == true })
        return (plans.count, late)
    }

    /// - Parameters:
    ///   - moving: those that were transferring when the plans were made.
    ///   - known: those that the ledger knew before.
    private func write(
        _ plans: [SightingPlan], moving: Set<RecordingReference>, known: Set<RecordingReference>,
        of recordings: [SourceRecording],
        _ lease: KeeperLease
    ) async throws {
        let own = Set(
            plans.filter { plan in direct.map { plan.outcome.brings(from: $0.mount) } ?? false }.map(\.reference))
        let way = own.isEmpty || direct?.enter() != true ? nil : direct
        let atOnce = way.map {
            Plans.AtOnce(mount: $0.mount, holder: replay.holder, lease: TransferService.lease)
        }
        do {
            let seen = Dictionary(recordings.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
            var plans = plans
            for place in plans.indices {
                let plan = plans[place]
                // What is carried out here at once need not be written down for others.
                if let way, !known.contains(plan.reference), plan.outcome.brings(onlyFrom: way.mount) { continue }
                plans[place].detail = try seen[plan.reference].flatMap { try detail(of: $0, plan.outcome) }
            }
            let written = plans
            let claimed = try await replay.database.transaction { session in
                try Keepers.confirm(lease, in: session)
                    ? try Plans.write(written, moving: moving, claiming: atOnce, in: session) : nil
            }
            guard let claimed else { throw KeeperLost() }
            way?.deliver(claimed, of: seen.filter { own.contains($0.key) })
        } catch {
            way?.leave()
            throw error
        }
    }

    /// Its rows were not taken: again after growing pauses. Where they failed by themselves that is counted, and the
    /// recording given up where that is wanted.
    ///
    /// - Returns: how often, in words; nothing where it is not counted.
    private func refuse(
        _ plan: inout SightingPlan, of seen: SourceRecording, _ refusal: RowsCommit.Refusal, _ sighting: Sighting?
    ) -> String {
        var times = ""
        var attempts = (sighting?.attempts ?? 0) + 1
        if refusal.blame == .recording {
            attempts = (sighting?.failures ?? 0) + 1
            times = ", \(attempts) times by now"
            plan.failure = "the replay did not take its rows\(times): \(refusal.why)"
            if synchro.markErroneous, attempts >= synchro.erroneousAfter {
                plan.outcome = .keep(mark: .erroneous, fingerprint: Fingerprint(of: seen).bytes)
                return times
            }
        }
        var chance = SystemRandomNumberGenerator()
        plan.outcome = .wait(
            why: "the replay did not take its rows: \(refusal.why)",
            delay: max(.seconds(2), Retry.work.wait(afterAttempts: attempts, using: &chance)))
        return times
    }

    /// What is wanted back and needs no copy is back by now.
    private func endRestorations(of recordings: [SourceRecording]) async throws {
        if recordings.isEmpty { return }
        let catalog = replay.catalog
        let sids = recordings.map(\.sid)
        try await replay.database.transaction { session in
            try Recordings.lock(sids, in: session)
            try RestorationEnd.end(sids, catalog: catalog, in: session)
        }
    }

    /// Under the locks of the commit every plan is made again, from what the replay has then.
    private func commit(
        _ rows: [RowsPlan], missingKeys: Set<String>, _ sightings: [Int64: Sighting]
    ) async throws -> RowsCommit.Outcome {
        let planner = planner
        let commit = RowsCommit(replay: replay) { recording, holding in
            planner.verdict(
                on: recording, holding: holding, missingKeys: missingKeys,
                attempts: sightings[recording.id]?.attempts ?? 0
            ).rows(of: recording)
        }
        return try await commit.run(rows)
    }

    /// What the agents that copy need to know; nobody else asks.
    private func detail(of recording: SourceRecording, _ outcome: SightingPlan.Outcome) throws -> [UInt8]? {
        switch outcome {
        case .transfer: try Snapshot.encode(recording)
        case .wait, .keep, .rest, .refuse: nil
        }
    }

    private struct View: Sendable {
        var holdings: [RecordingReference: ReplayHolding]
        var missingKeys: Set<String>
    }

    private func holdings(of recordings: [SourceRecording]) async throws -> View {
        let keys = Set(recordings.flatMap { $0.media.compactMap(\.keyID) })
        let catalog = replay.catalog
        return try await replay.database.perform { session in
            View(
                holdings: try Holdings.find(for: recordings, catalog: catalog, in: session),
                missingKeys: try catalog.missingKeys(keys, on: session))
        }
    }

    private func refuse(_ reference: RecordingReference, _ sentence: String) async throws {
        guard refusedRows.insert(reference).inserted else { return }
        try await problems.open(
            ProblemBook.Finding(.rowRefused, recording: reference, what: "Recording \(reference): \(sentence)"))
    }
}

/// Another agent keeps the source now: what was decided is not written down.
package struct KeeperLost: Error, CustomStringConvertible {
    package var description: String { "another agent keeps the source now" }
}

extension SourceRow {
    fileprivate var id: Int64 {
        switch self {
        case .recording(let recording): recording.id
        case .refused(let reference, _): reference.id
        }
    }
}

extension SightingPlan.Outcome {
    fileprivate func brings(onlyFrom mount: MountPath) -> Bool {
        switch self {
        case .transfer(let transfers, mark: _, fingerprint: _):
            transfers.allSatisfy { $0.mount == mount && $0.purpose == .copy }
        case .wait, .keep, .rest, .refuse: false
        }
    }
    fileprivate func brings(from mount: MountPath) -> Bool {
        switch self {
        case .transfer(let transfers, mark: _, fingerprint: _): transfers.contains { $0.mount == mount }
        case .wait, .keep, .rest, .refuse: false
        }
    }
}

extension Sighting {
    fileprivate var isHeldUp: Bool {
        switch state {
        case .waiting, .refused: true
        case .transferring, .converged, .marked: false
        }
    }
}
