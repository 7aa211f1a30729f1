package import Ledger
package import Postgres
package import Vocabulary

/// Recordings that have no screen to mux, and why, one by one.
package struct ScreensLook: Sendable {
    /// By the database's clock.
    package let at: Instant
    package let counts: [WaitingScreen.State: Int]
    /// The newest first.
    package let listed: [WaitingScreen]
    /// Recordings whose screens are RECD alone, which no worker has a converter for: how many, and the newest.
    package let notMuxable: Int
    package let listedNotMuxable: [(recording: RecordingReference, age: Duration)]
    /// Muxed files that do not show all that their halves hold: how many, and the newest.
    package let noted: Int
    package let listedNoted: [NotedMux]
    /// Calls of GIR sites whose result could not be made: how many, and the newest.
    package let failing: Int
    package let listedFailing: [SiteBacklog.Failing]

    /// - Parameters:
    ///   - source: nil: all of them. A GIR site's is its contact center.
    ///   - limit: recordings listed.
    /// - Throws: `LedgerError` where the ledger is of another version or not there yet, and what the database throws.
    package static func take(
        source: SourceName?, limit: Int, from database: Database
    ) async throws -> ScreensLook {
        try await database.transaction(.repeatableRead, isDurable: false) { session in
            try Migrations.confirm(in: session)
            let clock = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            return ScreensLook(
                at: try clock?.instant("now") ?? Instant(microseconds: 0),
                counts: try ScreenWaits.counts(source: source, in: session),
                listed: try ScreenWaits.newest(source: source, limit: limit, in: session),
                notMuxable: try MuxJobs.countNotMuxable(source: source, in: session),
                listedNotMuxable: try MuxJobs.newestNotMuxable(source: source, limit: limit, in: session),
                noted: try MuxJobs.countNoted(source: source, in: session),
                listedNoted: try MuxJobs.newestNoted(source: source, limit: limit, in: session),
                failing: try SiteBacklog.countFailing(site: source?.rawValue, in: session),
                listedFailing: try SiteBacklog.failing(site: source?.rawValue, limit: limit, in: session))
        }
    }

    var total: Int { counts.values.reduce(0, +) }
}
