internal import Catalogs
package import Delivery
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// Goes slowly, page by page, through what has its mark, while this agent keeps the source: finds what changed after the
/// mark, and counts what deletion at the recorder would lose. It plans nothing itself: what changed is hinted to the
/// keeper. A round in which nothing changed writes nothing.
package actor FollowService {
    private let source: SourceLink
    private let replay: Replay
    private let keeper: KeeperService
    private let planner: LookPlanner
    private let synchro: SynchroSettings
    private let problems: ProblemBook
    private let narrator: any Narrator
    private let progress: Progress
    private let pace: FollowPace
    /// `mount_path` of every source.
    private let prefixes: [FilePath]
    private let started = ContinuousClock.now
    /// Nil between two rounds.
    private var round: Round?
    private var nextRound: Duration = .zero
    private var told = Told()

    /// References in the text of a problem.
    private static let exampleLimit = 5
    /// Who is not the keeper asks again after this.
    private static let candidacy = Duration.seconds(1)
    /// Between two rounds it is looked this often whether the role was lost.
    private static let rest = Duration.seconds(5)

    package init(
        source: SourceLink, replay: Replay, keeper: KeeperService, synchro: SynchroSettings, problems: ProblemBook,
        narrator: any Narrator, progress: Progress, prefixes: [FilePath]
    ) {
        self.prefixes = prefixes
        self.source = source
        self.replay = replay
        self.keeper = keeper
        planner = LookPlanner(mounts: source.mounts, switches: SourceSwitches(source.settings, synchro))
        self.synchro = synchro
        self.problems = problems
        self.narrator = narrator
        self.progress = progress
        pace = FollowPace(round: synchro.followPeriod)
    }

    /// A round on its way. Goes through marked pages first, then counts what is unmarked.
    private struct Round {
        let began: Duration
        /// By the recorder's clock.
        let window: Range<WallTime>
        let nearBefore: WallTime?
        var cursor: SourceCursor?
        var notHeld: [MediaKind: Int] = [:]
        var examples: [RecordingReference] = []
        var counting: Counting?
    }

    /// Unmarked recordings from the oldest on, a span at a time.
    private struct Counting {
        var from: WallTime
        var span = CountingSpan()
        var older = UnmarkedCount()
        var near = UnmarkedCount()
    }

    /// What was said last, so that nothing is said or written twice. Lost with the process, which says it once more.
    private struct Told {
        var texts: [ProblemKind: String?] = [:]
        var older: Int?
    }

    package func run() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(5)
            do {
                pause = try await turn()
            } catch is CancellationError {
                return
            } catch let error as PostgresError where error.isOutage || error.code == .permission {
                // Told by the keeper, which asks the same databases.
            } catch is SharedDatabase {
                // Told by the guard of the source's database.
            } catch {
                narrator.tell(.turnFailed, .service("follow"), .source(source.name), .detail(error))
            }
            progress.advance("follow")
            // The pause after a page is the recorder's, and never shortened.
            await Wake().wait(atMost: pause, early: round == nil ? pause / 5 : .zero)
        }
    }

    /// One page, or one count. Gives the pause until the next.
    func turn() async throws -> Duration {
        if try await source.gate.isPaused() { return FollowService.candidacy }
        guard await keeper.role != nil else {
            round = nil
            nextRound = .zero
            told = Told()
            return FollowService.candidacy
        }
        guard elapsed >= nextRound else { return min(nextRound - elapsed, FollowService.rest) }
        let catalog = try await source.catalog()
        if round == nil { round = try await begin(catalog) }
        guard let standing = round else { return .zero }
        do {
            let cost: Duration
            if standing.counting == nil {
                cost = try await follow(standing, catalog)
            } else {
                cost = try await count(standing, catalog)
            }
            if round != nil { return pace.pause(afterPageOf: cost) }
            let pause = pace.pause(afterRoundOf: elapsed - standing.began)
            nextRound = elapsed + pause
            return min(pause, FollowService.rest)
        } catch let error as PostgresError where error.code == .schema {
            await source.forget()
            throw error
        }
    }

    private var elapsed: Duration { ContinuousClock.now - started }

    private func begin(_ catalog: SourceCatalog) async throws -> Round {
        let now = try await source.database.perform { session in try catalog.localNow(on: session) }
        let near = source.settings.deletionIsNearAfter.map {
            WallTime(microseconds: now.microseconds - $0.wholeMicroseconds)
        }
        return Round(began: elapsed, window: source.settings.interval.stops(at: now), nearBefore: near)
    }

    // MARK: What has its mark

    private func follow(_ standing: Round, _ catalog: SourceCatalog) async throws -> Duration {
        var next = standing
        let query = SourceQuery(
            lower: standing.window.lowerBound, upper: standing.window.upperBound, onlyFinished: synchro.onlyFinished,
            marks: .only([.synchronized, .notUsed, .erroneous]))
        let limit = synchro.callsPerPeriod
        let started = ContinuousClock.now
        let page = try await source.database.perform { session in
            try catalog.recordings(query, after: standing.cursor, limit: limit, on: session)
        }
        let cost = ContinuousClock.now - started
        let recordings = page.rows.compactMap(\.recording)
        let view = try await look(at: recordings)
        let late = recordings.filter { planner.isLate($0, view.sightings[$0.id], now: view.now) }
        if !late.isEmpty { await keeper.look(at: late.map(\.id)) }
        let lateIDs = Set(late.map(\.id))
        for recording in recordings where !lateIDs.contains(recording.id) {
            // What is on its way is not at risk: if it does not arrive, that is a problem of its own.
            if view.sightings[recording.id]?.state == .transferring { continue }
            // What was given up is a problem of its own, and its mark promises nothing.
            if recording.mark == .erroneous { continue }
            let kinds = kindsNotHeld(
                of: recording, with: view.holdings[recording.reference] ?? ReplayHolding(),
                pointingBelow: prefixes)
            for kind in kinds { next.notHeld[kind, default: 0] += 1 }
            if !kinds.isEmpty, next.examples.count < FollowService.exampleLimit {
                next.examples.append(recording.reference)
            }
        }
        next.cursor = page.next
        if page.next == nil {
            try await tellNotHeld(next)
            next = try await beginCounting(next, catalog)
        }
        round = next
        return cost
    }

    private struct View: Sendable {
        var sightings: [Int64: Sighting]
        var holdings: [RecordingReference: ReplayHolding]
        /// By the ledger's clock.
        var now: Instant
    }

    private func look(at recordings: [SourceRecording]) async throws -> View {
        if recordings.isEmpty { return View(sightings: [:], holdings: [:], now: Instant(microseconds: 0)) }
        let name = source.name
        let catalog = replay.catalog
        return try await replay.database.perform { session in
            let row = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            return View(
                sightings: try Sightings.find(source: name, ids: recordings.map(\.id), in: session),
                holdings: try Holdings.find(for: recordings, catalog: catalog, in: session),
                now: try row?.instant("now") ?? Instant(microseconds: 0))
        }
    }

    private func tellNotHeld(_ round: Round) async throws {
        let risks = round.notHeld.map { Risk(.markedNotHeld, kind: $0.key, recordings: $0.value) }
        try await note(risks, of: [.markedNotHeld])
        guard !risks.isEmpty else { return try await tell(.markedNotHeld, nil) }
        let kinds = round.notHeld.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.key.rawValue) of \($0.value)" }.joined(separator: ", ")
        let examples = round.examples.map(\.description).joined(separator: ", ")
        try await tell(
            .markedNotHeld,
            "\(source.name) has marked recordings whose media are not held here: \(kinds), such as \(examples).")
    }

    // MARK: What has no mark

    private func beginCounting(_ round: Round, _ catalog: SourceCatalog) async throws -> Round {
        var next = round
        let end = FollowService.end(of: round)
        let first = try await source.database.perform { session in try catalog.firstStop(before: end, on: session) }
        next.counting = Counting(from: first ?? end)
        return next
    }

    private static func end(of round: Round) -> WallTime {
        max(round.window.lowerBound, round.nearBefore ?? round.window.lowerBound)
    }

    private func count(_ standing: Round, _ catalog: SourceCatalog) async throws -> Duration {
        guard var counting = standing.counting else { return .zero }
        let end = FollowService.end(of: standing)
        guard counting.from < end else {
            try await tellUnmarked(standing, counting)
            round = nil
            return .zero
        }
        // No span reaches over an edge: each of its recordings is on one side.
        let edges = [standing.window.lowerBound, standing.nearBefore, end].compactMap { $0 }.filter {
            $0 > counting.from
        }
        let whole = WallTime(microseconds: counting.from.microseconds + counting.span.length.wholeMicroseconds)
        let span = counting.from..<min(whole, edges.min() ?? end)
        let onlyFinished = synchro.onlyFinished
        let started = ContinuousClock.now
        let found = try await source.database.perform { session in
            try catalog.unmarked(in: span, onlyFinished: onlyFinished, on: session)
        }
        let cost = ContinuousClock.now - started
        counting.span.took(cost)
        if span.upperBound <= standing.window.lowerBound { counting.older = counting.older + found }
        if let near = standing.nearBefore, span.upperBound <= near { counting.near = counting.near + found }
        counting.from = span.upperBound
        round?.counting = counting
        return cost
    }

    private func tellUnmarked(_ round: Round, _ counting: Counting) async throws {
        var older = counting.older
        older.recordings = max(0, older.recordings - (try await doneWithoutMark(before: round.window.lowerBound)))
        if older.recordings == 0 { older.first = nil }
        let near = counting.near
        try await note(
            [
                Risk(.unmarkedOlder, recordings: older.recordings), Risk(.deletionNear, recordings: near.recordings),
            ], of: [.unmarkedOlder, .deletionNear])
        if isNotableChange(from: told.older ?? 0, to: older.recordings) {
            if older.recordings > 0 {
                narrator.tell(.unmarkedOlder, .source(source.name), .count(older.recordings))
            }
            told.older = older.recordings
        }
        try await tell(
            .unmarkedOlder,
            older.first.map { first in
                "\(source.name) has \(older.recordings) unmarked recordings that ended before its interval begins, the "
                    + "first on \(FollowService.day(first))."
            })
        let age = source.settings.deletionAge.map { $0.wholeMicroseconds / 86_400_000_000 } ?? 0
        try await tell(
            .deletionNear,
            near.first.map { first in
                "\(source.name) has \(near.recordings) unmarked recordings near their deletion at \(age) days, the "
                    + "first of \(FollowService.day(first))."
            })
    }

    /// Recordings that the switches leave without a mark for good are not forgotten, only unmarked.
    private func doneWithoutMark(before time: WallTime) async throws -> Int {
        guard source.settings.leavesBytesUncopied, !source.settings.allowMarkWithoutCopy else { return 0 }
        let catalog = try await source.catalog()
        let name = source.name
        let stopped = try await source.database.perform { session in try catalog.instant(of: time, on: session) }
        return try await replay.database.perform { session in
            try Sightings.doneWithoutMark(source: name, before: stopped, in: session)
        }
    }

    private static func day(_ time: WallTime) -> String { String(time.secondsText(separator: " ").prefix(10)) }

    // MARK: Telling

    private func note(_ risks: [Risk], of whats: Set<Risk.What>) async throws {
        let name = source.name
        try await replay.database.transaction(isDurable: false) { session in
            try Risks.note(risks, of: whats, source: name, in: session)
        }
    }

    /// Opens the problem of this source where there is a text, closes it where there is none; once for each text.
    private func tell(_ kind: ProblemKind, _ text: String?) async throws {
        if let last = told.texts[kind], last == text { return }
        let place = source.name.rawValue
        if let text {
            try await problems.open(ProblemBook.Finding(kind, subject: "source \(place)", place: place, what: text))
        } else {
            try await problems.close(kind, subject: "source \(place)", place: place)
        }
        told.texts[kind] = .some(text)
    }
}
