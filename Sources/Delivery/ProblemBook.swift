package import Ledger
package import Postgres
package import Telemetry
package import Vocabulary

/// Opens and closes problems in the ledger, and tells of each once, however many processes meet it.
package struct ProblemBook: Sendable {
    private let database: Database
    private let narrator: any Narrator

    package init(database: Database, narrator: any Narrator) {
        self.database = database
        self.narrator = narrator
    }

    /// What was met. Texts hold no phone number and no name of a media file.
    package struct Finding: Sendable {
        package var kind: ProblemKind
        /// The same each time: a recording's reference with the media's id, a mount, a volume.
        package var subject: String
        package var recording: RecordingReference?
        /// The source, mount or volume that it is at, for the journal.
        package var place: String
        /// What is wrong, in one sentence.
        package var what: String

        package init(
            _ kind: ProblemKind, subject: String, recording: RecordingReference? = nil, place: String, what: String
        ) {
            self.kind = kind
            self.subject = subject
            self.recording = recording
            self.place = place
            self.what = what
        }

        /// About a recording, or one of its media.
        package init(_ kind: ProblemKind, recording: RecordingReference, media: Int64? = nil, what: String) {
            self.init(
                kind, subject: Finding.subject(recording, media: media), recording: recording,
                place: recording.source.rawValue, what: what)
        }

        package static func subject(_ recording: RecordingReference, media: Int64?) -> String {
            media.map { "\(recording)#\($0)" } ?? "\(recording)#"
        }
    }

    package func open(_ finding: Finding) async throws { _ = try await opens(finding) }

    /// Gives whether it was not open before.
    package func opens(_ finding: Finding) async throws -> Bool {
        let problem = try await database.perform { session in
            try Problems.open(
                kind: finding.kind.rawValue, subject: finding.subject, reference: finding.recording?.description,
                what: finding.what, hint: finding.kind.hint, in: session)
        }
        guard problem.isNew else { return false }
        narrator.tell(
            .problemOpened, facts: facts(problem, place: finding.place) + [.detail(finding.what)])
        return true
    }

    package func close(_ kind: ProblemKind, subject: String, place: String) async throws {
        let closed = try await database.perform { session in
            try Problems.close(kind: kind.rawValue, subject: subject, in: session)
        }
        if let closed { tellClosed(closed, place: place) }
    }

    /// Closes all of these kinds about one medium or recording: it is over, whatever it was.
    package func close(_ kinds: [ProblemKind], subjects: [String], place: String) async throws {
        guard !subjects.isEmpty else { return }
        let closed = try await database.perform { session in
            try kinds.flatMap { kind in
                try subjects.compactMap { try Problems.close(kind: kind.rawValue, subject: $0, in: session) }
            }
        }
        for problem in closed { tellClosed(problem, place: place) }
    }

    /// Closes all of a kind whose subject begins with `prefix`, but for these.
    package func close(_ kind: ProblemKind, below prefix: String, except kept: Set<String>, place: String) async throws
    {
        let closed = try await database.perform { session in
            try Problems.close(kind: kind.rawValue, subjectPrefix: prefix, except: kept, in: session)
        }
        for problem in closed { tellClosed(problem, place: place) }
    }

    /// Closes all of these kinds about recordings and any of their media.
    /// - Parameter unmended: why nothing is tried any more, where that is how it ends.
    package func close(
        _ kinds: [ProblemKind], recordings: [RecordingReference], place: String, unmended: String? = nil
    ) async throws {
        if recordings.isEmpty { return }
        let closed = try await database.perform { session in
            try Problems.close(kinds: kinds.map(\.rawValue), recordings: recordings, in: session)
        }
        for problem in closed { tellClosed(problem, place: place, unmended: unmended) }
    }

    /// Closes those of damaged media whose copy serves no more.
    package func closeReplacedDamage(of source: SourceName) async throws {
        let closed = try await database.perform { session in
            try Problems.closeReplaced(
                kind: ProblemKind.damagedMedia.rawValue, of: source, limit: 100, in: session)
        }
        for problem in closed { tellClosed(problem, place: source.rawValue) }
    }

    /// Kinds of problems about single copies.
    private static let ofCopies: [ProblemKind] = [.copyChanged, .copyMissing, .copyUnreadable]

    /// These copies were read, and are what was copied.
    package func close(copies ids: [Replica.ID], place: String) async throws {
        let closed = try await database.perform { session in
            try CopyProblems.close(ProblemBook.ofCopies.map(\.rawValue), of: ids, in: session)
        }
        for problem in closed { tellClosed(problem, place: place) }
    }

    /// Closes those of copies that others took the place of.
    package func closeReplacedCopies() async throws {
        let closed = try await database.perform { session in
            try CopyProblems.closeReplaced(ProblemBook.ofCopies.map(\.rawValue), limit: 100, in: session)
        }
        for problem in closed { tellClosed(problem, place: "replay") }
    }

    /// How problems of mux jobs are called.
    package static let muxSubject = "mux job "

    /// Closes those of mux jobs that are over without having been told of.
    package func closeOverMuxJobs() async throws {
        let closed = try await database.perform { session in
            try Problems.closeOverMuxJobs(
                kinds: [ProblemKind.muxFailed.rawValue, ProblemKind.keyMissing.rawValue],
                subjectPrefix: ProblemBook.muxSubject, in: session)
                + Problems.closeCompletedMuxes(
                    kind: ProblemKind.screenLeftOut.rawValue, subjectPrefix: ProblemBook.muxSubject, in: session)
        }
        for problem in closed { tellClosed(problem, place: "replay") }
    }

    /// Recordings of a source with open problems of these kinds; any of them, where there are more.
    package func recordings(of source: SourceName, _ kinds: [ProblemKind], limit: Int) async throws -> Set<Int64> {
        try await database.perform { session in
            try Problems.recordings(of: source, kinds: kinds.map(\.rawValue), limit: limit, in: session)
        }
    }

    private func tellClosed(_ problem: Problem, place: String, unmended: String? = nil) {
        let elapsed = (problem.closed ?? problem.last) - problem.opened
        let told = facts(problem, place: place) + [.elapsed(elapsed), .detail(problem.what)]
        if let unmended {
            narrator.tell(.problemGivenUp, facts: told + [.reason(unmended)])
        } else {
            narrator.tell(.problemClosed, facts: told)
        }
    }

    private func facts(_ problem: Problem, place: String) -> [Fact] {
        [.problem(problem.kind), .source(SourceName(place)), .count(problem.count)]
            + (problem.reference.flatMap { RecordingReference($0) }.map { [.recording($0)] } ?? [])
    }
}
