package import Postgres
package import Vocabulary

extension SourceCatalog {
    /// Which of these paths a media row names, among recordings that stopped in a window, and those that claim to stop at
    /// `horizon` or later, or at no time; marked or not. Paths have no index, so the window of `stop_ts` bounds what is
    /// read. Not in a transaction.
    package func namedPaths(
        of paths: some Collection<FilePath>, in window: Range<WallTime>, horizon: WallTime, on session: Session
    ) throws -> Set<FilePath> {
        let wanted = Set(paths)
        let inside = "c.stop_ts >= $1::timestamp and c.stop_ts < $2::timestamp"
        let named = try named(wanted, where: inside, [Value(window.lowerBound), Value(window.upperBound)], session)
        let left = wanted.subtracting(named)
        let outside = "(c.stop_ts is null or c.stop_ts >= $1::timestamp)"
        return named.union(try self.named(left, where: outside, [Value(horizon)], session))
    }

    private func named(
        _ paths: Set<FilePath>, where condition: String, _ values: [Value], _ session: Session
    ) throws -> Set<FilePath> {
        if paths.isEmpty { return [] }
        let from = "select f.cfpath as path from callrec.couples c join callrec.cfiles f on f.cplid = c.id"
        let texts = paths.compactMap(\.utf8Text)
        func read(_ rows: [Row]) throws -> Set<FilePath> {
            Set(try rows.compactMap { try $0.raw("path").map { FilePath(bytes: $0) } }).intersection(paths)
        }
        if texts.count == paths.count {
            do {
                // A join and no list: an old server goes through a list for every row.
                return try read(
                    try session.query(
                        """
                        \(from) join unnest($\(values.count + 1)::text[]) as wanted(path) on f.cfpath = wanted.path
                        where \(condition)
                        """, values + [.texts(texts)]))
            } catch let error as PostgresError where error.code == .badValue {
                // A letter that the database's encoding lacks; what it has is compared here.
            }
        }
        return try read(try session.query("\(from) where \(condition)", values))
    }
}
