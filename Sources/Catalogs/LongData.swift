package import Postgres
package import Vocabulary

extension ExternalDatum {
    /// Whether an index on it can refuse it: an entry of a B-tree has at most a third of a page of 8 KiB, after a compression
    /// that nobody can foresee.
    package var isLong: Bool { key.utf8.count + value.utf8.count > 2000 }
}

extension ReplayCatalog {
    /// Adds external data one by one, and goes on where an index refuses one for its length. In a transaction.
    /// - Returns: the places of those that were refused.
    package func attachLong(_ data: [(id: Int64, datum: ExternalDatum)], on session: Session) throws -> [Int] {
        var refused: [Int] = []
        for (place, one) in data.enumerated() {
            try session.execute("savepoint takeup_long_datum")
            do {
                try attach([(one.id, [one.datum])], on: session)
            } catch let error as PostgresError where error.sqlState == "54000" {
                try session.execute("rollback to savepoint takeup_long_datum")
                refused.append(place)
            }
            try session.execute("release savepoint takeup_long_datum")
        }
        return refused
    }
}
