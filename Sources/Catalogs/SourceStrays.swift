package import Postgres
package import Vocabulary

extension SourceCatalog {
    /// Unmarked recordings that no page shows, so that each is carried or refused by name instead of being passed over:
    /// those that claim to end at `horizon` or later (a clock that is days ahead, or no date at all), and those between
    /// `lower` and `horizon` whose state is none that is known.
    ///
    /// It reads the index from `lower` on, so ask rarely.
    /// - Returns: `couples.id`, at most `limit` of each sort.
    package func strays(
        from lower: WallTime, horizon: WallTime, limit: Int, on session: Session
    ) throws -> Set<Int64> {
        let late = try session.query(
            """
            select id from callrec.couples where synchronized is null and stop_ts >= $1::timestamp
            order by stop_ts desc limit $2::bigint
            """, [Value(horizon), .integer(Int64(limit))])
        let known = SourceReading.knownStates.map { "'\($0)'" }.joined(separator: ", ")
        let odd = try session.query(
            """
            select id from callrec.couples
            where synchronized is null and stop_ts >= $1::timestamp and stop_ts < $2::timestamp
                and (state is null or state not in (\(known)))
            order by stop_ts desc limit $3::bigint
            """, [Value(lower), Value(horizon), .integer(Int64(limit))])
        return Set(try (late + odd).map { try $0.integer("id") })
    }
}
