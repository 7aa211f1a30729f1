internal import Catalogs
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// What a look asks a source's catalog.
struct LookRequest: Sendable {
    let source: SourceLink
    let synchro: SynchroSettings

    struct Answer: Sendable {
        var batch: SourceBatch
        /// What the statements took at the recorder, and the way there.
        var cost: Duration

        /// What was read later stands.
        mutating func add(_ other: Answer) {
            let fresh = Set(other.batch.rows.map(\.reference))
            batch.rows = batch.rows.filter { !fresh.contains($0.reference) } + other.batch.rows
            cost += other.cost
        }
    }

    /// One page behind the cursor, while there is a backlog a lane of the newest, these recordings, and up to `strays` that
    /// no page shows.
    func read(
        _ catalog: SourceCatalog, after cursor: SourceCursor?, ids: [Int64], strays: Int = 0
    ) async throws -> Answer {
        try await measured { session in
            let now = try catalog.localNow(on: session)
            return try catalog.look(
                query(at: now), after: cursor, limit: synchro.callsPerPeriod, newest: lane,
                ids: try with(strays, ids, now, catalog, on: session), on: session)
        }
    }

    /// These recordings alone, up to `strays` that no page shows, and a lane of the newest where that is wanted.
    func read(_ catalog: SourceCatalog, ids: [Int64], strays: Int, newest: Bool = false) async throws -> Answer {
        try await measured { session in
            if !newest && strays == 0 {
                return SourceBatch(rows: try catalog.recordings(ids: ids, on: session), next: nil)
            }
            let now = try catalog.localNow(on: session)
            var rows = try catalog.recordings(ids: try with(strays, ids, now, catalog, on: session), on: session)
            if newest { rows += try catalog.newestRecordings(query(at: now), limit: lane, on: session).rows }
            return SourceBatch(rows: rows, next: nil)
        }
    }

    /// Recordings in a lane of the newest.
    private var lane: Int { max(1, synchro.callsPerPeriod / 4) }

    private func query(at now: WallTime) -> SourceQuery {
        let stops = source.settings.interval.stops(at: now)
        return SourceQuery(
            lower: stops.lowerBound, upper: stops.upperBound, onlyFinished: synchro.onlyFinished,
            marks: source.settings.synchronizedAlreadySynchronized
                ? .noneOr([.synchronized, .notUsed, .erroneous, .failed]) : .none,
            order: synchro.backlog == .newest ? .newestFirst : .oldestFirst)
    }

    private func with(
        _ strays: Int, _ ids: [Int64], _ now: WallTime, _ catalog: SourceCatalog, on session: Session
    ) throws -> [Int64] {
        guard strays > 0 else { return ids }
        let found = try catalog.strays(
            from: source.settings.interval.stops(at: now).lowerBound, horizon: Interval.horizon(at: now), limit: strays,
            on: session)
        return ids + found.subtracting(ids)
    }

    private func measured(_ ask: @escaping @Sendable (Session) throws -> SourceBatch) async throws -> Answer {
        try await source.database.perform { session in
            let before = session.timeAtServer
            let batch = try ask(session)
            return Answer(batch: batch, cost: session.timeAtServer - before)
        }
    }
}
