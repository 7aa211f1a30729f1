package import Ledger
package import Postgres
package import Vocabulary

/// What the ledger says, at one moment.
package struct StatusLook: Sendable {
    /// By the database's clock.
    package var at: Instant
    package var counts: StatusCounts
    /// Of the last hour.
    package var delays: Delays?
    /// The newest open ones, newest first.
    package var problems: [Problem]

    package static let delaySpan = Duration.seconds(3600)
    private static let problemLimit = 20

    package init(at: Instant, counts: StatusCounts, delays: Delays?, problems: [Problem]) {
        self.at = at
        self.counts = counts
        self.delays = delays
        self.problems = problems
    }

    /// Throws `LedgerError` where the ledger is of another version or not there yet, and what the database throws.
    package static func take(from database: Database) async throws -> StatusLook {
        try await database.transaction(.repeatableRead, isDurable: false) { session in
            try Migrations.confirm(in: session)
            let clock = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            return StatusLook(
                at: try clock?.instant("now") ?? Instant(microseconds: 0), counts: try StatusCounts.take(in: session),
                delays: try Delays.take(over: delaySpan, in: session),
                problems: try Problems.newest(limit: problemLimit, in: session))
        }
    }
}
