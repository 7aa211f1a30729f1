internal import Ledger
internal import Postgres

/// Why there is no status, in a sentence.
package enum StatusFailure {
    package static func sentence(_ error: any Error) -> String {
        if let error = error as? LedgerError { return error.sentence }
        guard let error = error as? PostgresError else { return "The ledger could not be read: \(error)." }
        if error.isOutage || error.code == .timeout {
            return "The replay's database is away: \(error.message)"
        }
        return "The replay's database refuses: \(error.message)"
    }

    package static func lines(_ error: any Error, columns: Int) -> [ScreenLine] {
        wrapped(sentence(error), to: columns).map { ScreenLine($0, .bad) }
    }
}
