internal import Ledger
package import Postgres
package import Settings
internal import Vocabulary

/// Has what waits or was given up tried again at once: by the agents that run, or by the next that starts.
package enum Retrying {
    package struct Report: Hashable, Sendable {
        package let line: String
        /// False where nothing in the ledger is what was asked for.
        package let isKnown: Bool
    }

    /// Throws `LedgerError` where there is no ledger of this version, and what the database throws.
    package static func retry(
        _ choice: RecordingChoice, settings: Settings, in database: Database
    ) async throws -> Report {
        let (count, sources) = try await database.transaction { session in
            try Migrations.confirm(in: session)
            let sid = try choice.sid(settings: settings, in: session)
            let sources = try Sightings.find(sid: sid, in: session).map(\.reference.source)
            return (try Retries.retry(.recording(sid), in: session), sources)
        }
        guard count.known > 0 else {
            return Report(
                line: "The ledger knows no such recording. `takeup restore` asks the recorders for it by its sid.",
                isKnown: false)
        }
        return Report(line: text(count) + (try await pauses(of: sources, in: database)), isKnown: true)
    }

    /// Throws ``SourceChoice/Unknown``, too.
    package static func retry(
        _ choice: SourceChoice, settings: Settings, in database: Database
    ) async throws -> Report {
        let sources = try choice.sources(of: settings)
        let count = try await retry(.sources(sources), in: database)
        return Report(line: text(count) + (try await pauses(of: sources, in: database)), isKnown: true)
    }

    /// Of those that rest: nothing is tried there before they are resumed.
    private static func pauses(of sources: [SourceName], in database: Database) async throws -> String {
        let paused = try await database.transaction { session in
            try Pauses.all(in: session).map(\.source).filter(sources.contains)
        }
        return paused.map { " Source \($0) is paused: nothing is tried there before `takeup resume --source \($0)`." }
            .joined()
    }

    private static func retry(_ scope: Retries.Scope, in database: Database) async throws -> Retries.Count {
        try await database.transaction { session in
            try Migrations.confirm(in: session)
            return try Retries.retry(scope, in: session)
        }
    }

    private static func text(_ count: Retries.Count) -> String {
        if count.due + count.reopened == 0 { return "Nothing waits or was given up." }
        return "\(recordings(count.due)) due now; \(recordings(count.reopened)) marked erroneous taken up again."
    }

    private static func recordings(_ count: Int) -> String { count == 1 ? "1 recording" : "\(count) recordings" }
}
