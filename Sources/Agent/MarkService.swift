internal import Catalogs
package import Delivery
package import Ledger
internal import Planning
internal import Postgres
package import Telemetry
package import Vocabulary

/// Sets the marks of a source: last of all, and only where its rows are still what was committed.
package struct MarkService: Sendable {
    private let source: SourceLink
    private let replay: Replay
    private let problems: ProblemBook
    private let narrator: any Narrator
    private let marking: MarkingGuard
    private static let batch = 500

    package init(
        source: SourceLink, replay: Replay, marking: MarkingGuard, problems: ProblemBook, narrator: any Narrator
    ) {
        self.marking = marking
        self.source = source
        self.replay = replay
        self.problems = problems
        self.narrator = narrator
    }

    package struct Marks: Sendable {
        package var done: Int
        /// Recordings that changed since they were looked at: look again.
        package var changed: Set<Int64>
        /// Where the next batch goes on; nil where this was the last.
        package var last: Instant?
    }

    /// One batch: one transaction at the source, then one in the ledger. If the second is lost, the next turn finds the
    /// marks set and only notes them.
    /// - Parameter after: where the last batch of a row of batches ended.
    package func turn(lease: KeeperLease, after: Instant? = nil) async throws -> Marks {
        let name = source.name
        if after == nil {
            // Mostly there is nothing, and one statement says so; only what follows decides.
            let first = try await replay.database.perform { session in
                try Sightings.toMark(source: name, limit: 1, in: session)
            }
            if first.isEmpty { return Marks(done: 0, changed: []) }
        }
        let converged = try await marking.promise(lease, after: after, limit: MarkService.batch)
        if converged.isEmpty { return Marks(done: 0, changed: []) }
        let requests = converged.compactMap { sighting in
            sighting.mark.map { mark in
                MarkRequest(
                    id: sighting.reference.id, mark: mark, standing: sighting.standing,
                    fingerprint: Fingerprint(bytes: sighting.fingerprint ?? []))
            }
        }
        let (outcomes, failed) = try await set(requests, try await source.catalog())
        var standing: [Sighting] = []
        for sighting in converged {
            if let error = failed[sighting.reference.id] {
                try await postpone(sighting, error)
            } else {
                standing.append(sighting)
            }
        }
        var marks = try await note(standing, outcomes)
        if converged.count == MarkService.batch { marks.last = converged.last?.notBefore }
        return marks
    }

    /// One row that the recorder refuses must not keep the others from their marks: it is found by halves.
    private func set(
        _ requests: [MarkRequest], _ catalog: SourceCatalog
    ) async throws -> (outcomes: [Int64: MarkOutcome], failed: [Int64: any Error]) {
        do {
            return (try await catalog.setMarks(requests, in: source.database), [:])
        } catch  where !isOutage(error) {
            guard requests.count > 1 else {
                return ([:], Dictionary(requests.map { ($0.id, error) }) { one, _ in one })
            }
            let middle = requests.count / 2
            let first = try await set(Array(requests[..<middle]), catalog)
            let second = try await set(Array(requests[middle...]), catalog)
            return (
                first.outcomes.merging(second.outcomes) { one, _ in one },
                first.failed.merging(second.failed) { one, _ in one }
            )
        }
    }

    private func isOutage(_ error: any Error) -> Bool {
        (error as? PostgresError)?.isOutage ?? (error is CancellationError)
    }

    private func note(_ sightings: [Sighting], _ outcomes: [Int64: MarkOutcome]) async throws -> Marks {
        var marked: [Sighting] = []
        var changed: Set<Int64> = []
        // Rows that can't be read as recordings any more: no look will plan them anew, so they wait here.
        var unreadable: [RecordingReference] = []
        for sighting in sightings {
            switch outcomes[sighting.reference.id] {
            case .marked, .alreadyMarked: marked.append(sighting)
            case .changed(let row):
                changed.insert(sighting.reference.id)
                if row.recording == nil { unreadable.append(sighting.reference) }
                narrator.tell(
                    .markRefused, .source(source.name), .recording(sighting.reference), .reason("it changed"))
            case .gone:
                // The recorder deleted an unmarked recording; what we hold stays, and nothing is left to mark.
                marked.append(sighting)
                narrator.tell(
                    .markRefused, .source(source.name), .recording(sighting.reference), .reason("its row is gone"))
            case nil: break
            }
        }
        let waiting = unreadable
        if !waiting.isEmpty {
            try await replay.database.perform { session in
                try Sightings.postpone(
                    waiting, delay: .seconds(600), error: "its row cannot be read any more", in: session)
            }
        }
        // Before it is noted: what is told twice is told, what is lost is not.
        for sighting in marked where sighting.mark == .erroneous {
            if case .marked = outcomes[sighting.reference.id] { try await tellErroneous(sighting) }
            if case .alreadyMarked(.erroneous) = outcomes[sighting.reference.id] { try await tellErroneous(sighting) }
        }
        let done = marked
        try await replay.database.transaction { session in _ = try Sightings.marked(done, in: session) }
        for sighting in marked where sighting.standing == nil || sighting.standing != sighting.mark {
            narrator.tell(
                .recordingMarked,
                facts: [.source(source.name), .recording(sighting.reference)]
                    + (sighting.mark.map { [.mark($0)] } ?? []))
        }
        if !done.isEmpty {
            // Also of rows that were corrected: what was wrong before hangs on no transfer any more.
            let brought = done.filter { $0.mark != .erroneous }.map(\.reference)
            try await problems.close(
                ProblemKind.allCases.filter { $0.endsWithMark || $0 == .markedErroneous }, recordings: brought,
                place: source.name.rawValue)
            try await problems.close(
                ProblemKind.allCases.filter(\.endsWithMark),
                recordings: done.filter { $0.mark == .erroneous }.map(\.reference), place: source.name.rawValue,
                unmended: "The recording was given up with mark E")
            try await problems.close(.markFailed, subject: "source \(source.name)", place: source.name.rawValue)
        }
        return Marks(done: done.count, changed: changed)
    }

    private func tellErroneous(_ sighting: Sighting) async throws {
        try await problems.open(
            ProblemBook.Finding(
                .markedErroneous, recording: sighting.reference,
                what: "Recording \(sighting.reference) was given up and marked erroneous: "
                    + "\(sighting.lastError ?? "the reason is not known")."))
    }

    private func postpone(_ sighting: Sighting, _ error: any Error) async throws {
        var chance = SystemRandomNumberGenerator()
        let delay = Retry.work.wait(afterAttempts: sighting.attempts + 1, using: &chance)
        try await replay.database.perform { session in
            try Sightings.postpone([sighting.reference], delay: delay, error: String(describing: error), in: session)
        }
        try await problems.open(
            ProblemBook.Finding(
                .markFailed, subject: "source \(source.name)", recording: sighting.reference,
                place: source.name.rawValue, what: "Marks cannot be set at \(source.name): \(error)."))
    }
}
