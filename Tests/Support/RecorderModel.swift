package import Postgres
internal import Vocabulary

/// A recorder to play with: it writes files as they grow and rows as they come, like a real one, by a plan.
///
/// One task does everything in the order of its time, so that a plan with a seed gives the same recordings again.
package struct RecorderModel: Sendable {
    let plan: RecorderModelPlan
    let database: Database
    let maker: RecorderModelMaker
    let rows: RecorderModelRows

    /// Pieces that each file is written in.
    private static let pieceCount = 6
    /// From the last byte to FINISHED, and from FINISHED to the last byte where the row comes a hair early.
    private static let decoding: Duration = .milliseconds(30)
    /// How long a late file, or the rest of a growing one, lets wait for itself.
    private static let lateness: Duration = .seconds(3)

    /// Looks at the tables that there are. Throws ``PostgresError``, or ``RecorderModelFailure`` where there are none.
    package init(
        options: RecorderModelPlan.Options, database: Database, layout: RecorderModelLayout, media: RecorderModelMedia
    ) async throws {
        plan = RecorderModelPlan(options)
        self.database = database
        rows = try await database.perform { session in try RecorderModelRows(session) }
        maker = RecorderModelMaker(media: media, layout: layout, seed: options.seed, canDetach: rows.haveProperties)
    }

    /// How many recordings the plan holds, faulted ones included.
    package var plannedCount: Int { plan.recordings.count }

    /// Records. Where `shouldStop` says so no further call begins, and those that are on are brought to their end at
    /// once. A database that is away is waited for.
    /// - Parameter whenDone: called with each recording's truth in the order in which they end.
    package func run(
        shouldStop: @Sendable () -> Bool = { false }, whenDone: (RecorderModelTruth) throws -> Void
    ) async throws {
        let begin = ContinuousClock.now
        var lastCall: Int64?
        var queue = plan.recordings.map { Due(at: $0.begin, recording: $0, live: nil, step: .begin) }[...]
        while let next = queue.popFirst() {
            while !shouldStop(), ContinuousClock.now < begin + next.at {
                try await Task.sleep(until: min(begin + next.at, .now + .milliseconds(50)))
            }
            if next.step == .begin && shouldStop() { continue }
            let live = try next.live ?? make(next.recording)
            try await perform(next.step, of: live, &lastCall, shouldStop)
            if next.step == .begin {
                live.stepsLeft = 0
                for (offset, step) in steps(of: live) {
                    live.stepsLeft += 1
                    let due = Due(at: next.at + offset, recording: next.recording, live: live, step: step)
                    let place = queue.lastIndex { $0.at <= due.at }.map { $0 + 1 } ?? queue.startIndex
                    queue.insert(due, at: place)
                }
            } else {
                live.stepsLeft -= 1
                if live.stepsLeft == 0 { try whenDone(live.truth()) }
            }
        }
    }

    private enum Step: Equatable {
        case begin
        case write(file: Int, piece: Int)
        case decode
        case finish
    }

    private struct Due {
        var at: Duration
        var recording: RecorderModelPlan.Recording
        var live: RecorderModelLive?
        var step: Step
    }

    /// What is to be done for a recording after its begin, in order.
    private func steps(of live: RecorderModelLive) -> [(Duration, Step)] {
        let plan = live.plan
        let pace = 1 / self.plan.speed
        let length = Duration.seconds(Double(plan.seconds) * pace)
        var steps: [(Duration, Step)] = []
        for (file, content) in live.contents.enumerated() {
            let start = Duration.seconds(Double(content.delaySeconds) * pace)
            for piece in 0..<Self.pieceCount {
                var at = start + (length - start) * (piece + 1) / Self.pieceCount
                if plan.fault == .lateFile { at += length + Self.lateness }
                if plan.fault == .growing && piece == Self.pieceCount - 1 { at += Self.lateness }
                steps.append((at, .write(file: file, piece: piece)))
            }
        }
        if plan.fault != .orphan {
            let finish = plan.isEarly ? length - Self.decoding / 6 : length + Self.decoding
            steps.append((finish - Self.decoding / 2, .decode))
            steps.append((finish, .finish))
        }
        return steps.sorted { $0.0 < $1.0 }
    }

    private func make(_ recording: RecorderModelPlan.Recording) throws -> RecorderModelLive {
        let now = Now()
        // Only the clock on the wall knows a speed of one: a fast call began in the past.
        let length = Int64(recording.seconds) * 1_000_000
        let end = now.wall.microseconds + Int64(Double(length) / plan.speed)
        let start = WallTime(microseconds: end - length)
        return RecorderModelLive(
            plan: recording, contents: try maker.contents(of: recording, start: start),
            prefix: maker.layout.mountPrefix, start: start, stop: WallTime(microseconds: end))
    }

    /// - Parameter lastCall: the call that the recording may continue.
    private func perform(
        _ step: Step, of live: RecorderModelLive, _ lastCall: inout Int64?, _ shouldStop: @Sendable () -> Bool
    ) async throws {
        switch step {
        case .begin:
            guard live.plan.fault != .orphan else { return }
            let leg = RecorderModelRows.Leg(
                call: live.plan.continuesCall ? lastCall : nil, sid: live.sid(seed: maker.seed),
                start: live.start, plan: live.plan, external: live.firstExternal)
            (live.call, live.recording) = try await commit(shouldStop) { session in try rows.begin(leg, session) }
            lastCall = live.call
        case .write(let file, let piece):
            try live.write(file, piece: piece, of: Self.pieceCount)
        case .decode:
            guard let recording = live.recording else { return }
            let (media, external, start, stop) = (live.media, live.laterExternal, live.start, live.stop)
            live.mediaIDs = try await commit(shouldStop) { session in
                try rows.decode(media, external: external, recording: recording, start: start, stop: stop, session)
            }
        case .finish:
            guard let recording = live.recording, let call = live.call else { return }
            let stop = live.stop
            try await commit(shouldStop) { session in
                try rows.finish(recording: recording, call: call, stop: stop, session)
            }
            live.finished = Now().microseconds
        }
    }

    /// Commits, and tries again for as long as the database is away.
    private func commit<Outcome: Sendable>(
        _ shouldStop: @Sendable () -> Bool, _ body: @escaping @Sendable (Session) throws -> Outcome
    ) async throws -> Outcome {
        while true {
            do {
                return try await database.transaction(isDurable: false, body)
            } catch let error as PostgresError where error.isTransient && !shouldStop() {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
