internal import Catalogs
internal import Ledger
package import Planning
internal import Postgres
package import Vocabulary

/// Brings to the replay what needs no copy: recordings' rows, external data, and media rows that point at a source's own
/// files. A batch is one transaction of a few statements, however many recordings it holds.
///
/// It takes locks as every commit does: recordings by `sid`, then calls.
package struct RowsCommit: Sendable {
    private let replay: Replay
    /// The plan that holds against what the replay has now; nil where the recording needs something else by now.
    private let replan: @Sendable (SourceRecording, ReplayHolding) -> RowsPlan?

    package struct Outcome: Sendable {
        /// Not what the replay needs any more: to be looked at again.
        package var stale: Set<RecordingReference> = []
        /// The replay's database does not take these.
        package var refused: [RecordingReference: Refusal] = [:]
    }

    package struct Refusal: Hashable, Sendable {
        package var why: String
        /// A lost grant, a changed table, a lock that is not given: what any row would have met counts against none.
        package var blame: Blame
    }

    package init(
        replay: Replay, replan: @escaping @Sendable (SourceRecording, ReplayHolding) -> RowsPlan?
    ) {
        self.replay = replay
        self.replan = replan
    }

    /// All in one transaction; where the database refuses one, each by itself, so that it takes no other with it.
    /// - Throws: what nothing can be concluded from: the database is away, or the work was cancelled.
    package func run(_ plans: [RowsPlan]) async throws -> Outcome {
        if plans.isEmpty { return Outcome() }
        do {
            return Outcome(stale: try await commit(plans))
        } catch {
            if RowsCommit.isOutage(error) { throw error }
        }
        var outcome = Outcome()
        for plan in plans {
            do {
                outcome.stale.formUnion(try await commit([plan]))
            } catch {
                if RowsCommit.isOutage(error) { throw error }
                outcome.refused[plan.recording.reference] = Refusal(
                    why: String(describing: error), blame: Blame(committing: error))
            }
        }
        return outcome
    }

    private static func isOutage(_ error: any Error) -> Bool {
        (error as? PostgresError)?.isOutage ?? (error is CancellationError)
    }

    private func commit(_ plans: [RowsPlan]) async throws -> Set<RecordingReference> {
        let (replay, replan) = (replay, replan)
        return try await replay.database.transaction(isDurable: true, rerunsUniqueViolations: true) { session in
            let recordings = plans.map(\.recording)
            // Legs as well: which call they hang on may change.
            try Recordings.lock(recordings.flatMap { [$0.sid] + $0.call.legs }, in: session)
            var book = try CallBook(recordings, catalog: replay.catalog, in: session)
            let holdings = try Holdings.find(for: recordings, catalog: replay.catalog, in: session)
            // Between plan and commit another source may have brought the same recording.
            let good = plans.filter { plan in
                replan(plan.recording, holdings[plan.recording.reference] ?? ReplayHolding()) == plan
            }
            let ids = try book.ensure(good.map(\.recording), in: session)
            let corrected = good.compactMap { plan in
                let holding = holdings[plan.recording.reference] ?? ReplayHolding()
                return rowChange(of: plan.recording, with: holding) == .corrects
                    ? ids[plan.recording.reference].map { (id: $0, plan.recording) } : nil
            }
            for round in CallBook.rounds(corrected) {
                try replay.catalog.adopt(round.map { (id: $0.id, recording: $0.1) }, on: session)
            }
            try RowsCommit.point(good, ids, holdings, replay.catalog, in: session)
            try book.close(in: session)
            try VoiceTags.attach(good.map(\.recording), replay.catalog, in: session)
            return Set(recordings.map(\.reference)).subtracting(good.map(\.recording.reference))
        }
    }

    private static func point(
        _ plans: [RowsPlan], _ ids: [RecordingReference: Int64], _ holdings: [RecordingReference: ReplayHolding],
        _ catalog: ReplayCatalog, in session: Session
    ) throws {
        let wanted = plans.flatMap { plan in plan.pointers.map { (recording: plan.recording, pointer: $0) } }
        let new = wanted.filter { $0.pointer.replacesMediaID == nil }
        let made = try catalog.addMedia(
            new.compactMap { one in
                ids[one.recording.reference].map { (MediaRow(pointingTo: one.pointer), $0) }
            }, on: session)
        let taken = wanted.compactMap { one in one.pointer.replacesMediaID.map { (id: $0, one: one) } }
        try catalog.replaceMedia(taken.map { ($0.id, MediaRow(pointingTo: $0.one.pointer)) }, on: session)
        let changed = Dictionary(taken.map { ($0.one.recording.reference, $0.one.recording) }) { first, _ in first }
        let adopted = changed.compactMap { reference, recording in
            isRowAdopted(of: recording, with: holdings[reference] ?? ReplayHolding())
                ? ids[reference].map { (id: $0, recording) } : nil
        }
        for round in CallBook.rounds(adopted) {
            try catalog.adopt(round.map { (id: $0.id, recording: $0.1) }, on: session)
        }
        try Commit.retire(replayMedia: taken.map(\.id), of: taken.map(\.one.recording.sid), in: session)
        try Pointers.write(
            zip(new, made).map { MediaPointer($0.recording, $0.pointer, replayMediaID: $1) }
                + taken.map { MediaPointer($0.one.recording, $0.one.pointer, replayMediaID: $0.id) }, in: session)
    }
}

extension MediaRow {
    fileprivate init(pointingTo pointer: PointerPlan) {
        self.init(copyOf: pointer.media, path: pointer.path, size: pointer.media.size ?? -1)
    }
}

extension MediaPointer {
    fileprivate init(_ recording: SourceRecording, _ pointer: PointerPlan, replayMediaID: Int64) {
        self.init(
            sid: recording.sid, source: recording.source, sourceMediaID: pointer.media.id,
            sourceFingerprint: Fingerprint(of: pointer.media).bytes, replayMediaID: replayMediaID, path: pointer.path)
    }
}
