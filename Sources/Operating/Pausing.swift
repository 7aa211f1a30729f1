internal import Ledger
package import Postgres
package import Settings
internal import Vocabulary

/// Lets sources rest, and go on. It is kept in the ledger: whatever runs obeys within two seconds, whatever starts later
/// obeys too.
package enum Pausing {
    /// What was done, a line for each source.
    package struct Report: Hashable, Sendable {
        package let lines: [String]
    }

    /// Throws ``SourceChoice/Unknown``, `LedgerError` where there is no ledger of this version, and what the database
    /// throws.
    package static func pause(
        _ choice: SourceChoice, reason: String?, settings: Settings, in database: Database
    ) async throws -> Report {
        let sources = try choice.sources(of: settings)
        let (fresh, all) = try await database.transaction { session in
            try Migrations.confirm(in: session)
            let fresh = try Pauses.pause(sources, reason: reason, in: session)
            return (fresh, try Pauses.all(in: session))
        }
        return Report(
            lines: sources.map { name in
                let pause = all.first { $0.source == name }
                let since = fresh.contains(name) ? "now" : "since \(pause?.since.text ?? "before")"
                return "Source \(name) is paused \(since)" + (pause?.reason.map { ": \($0)" } ?? ".")
            })
    }

    /// Throws as ``pause(_:reason:settings:in:)`` does. A paused source that the settings forgot can be resumed, too.
    package static func resume(
        _ choice: SourceChoice, settings: Settings, in database: Database
    ) async throws -> Report {
        let standing = try await database.transaction { session in
            try Migrations.confirm(in: session)
            return try Pauses.all(in: session).map(\.source)
        }
        let sources = try choice.sources(of: settings, known: standing)
        let resumed = try await database.transaction { session in try Pauses.resume(sources, in: session) }
        return Report(
            lines: sources.map { name in
                resumed.contains(name) ? "Source \(name) goes on." : "Source \(name) was not paused."
            })
    }
}
