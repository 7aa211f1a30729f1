package import Postgres
package import Vocabulary

/// Counting what a source has, a span of time at a time, by the index that leads by `stop_ts`.
extension SourceCatalog {
    /// The first `stop` of all that is a date, marked or not; nil where there is none before `time`.
    package func firstStop(before time: WallTime, on session: Session) throws -> WallTime? {
        let row = try session.first(
            """
            select p.stop_ts as stop from callrec.couples p
            where p.stop_ts >= timestamp '0001-01-03' and p.stop_ts < $1::timestamp order by p.stop_ts limit 1
            """, [Value(time)])
        return try row?.raw("stop").flatMap(CatalogText.wallTime)
    }

    /// The instant at which the recorder's clock shows `time`.
    package func instant(of time: WallTime, on session: Session) throws -> Instant {
        let row = try session.first(
            "select (extract(epoch from $1::timestamp at time zone $2::text) * 1000000)::bigint as instant",
            [Value(time), .text(timeZone)])
        return Instant(microseconds: try row?.integer("instant") ?? time.microseconds)
    }

    /// Unmarked recordings that ended within a span and whose media are still there, and the first `stop` of them.
    package func unmarked(
        in span: Range<WallTime>, onlyFinished: Bool, on session: Session
    ) throws -> UnmarkedCount {
        let gone = ["deleted": "D", "archived": "A"].sorted { $0.key < $1.key }
            .filter { columns.has($0.key, in: "couples") }
            .map { " and p.\($0.key) is distinct from '\($0.value)'" }.joined()
        let row = try session.first(
            """
            select count(*) as number, min(p.stop_ts) as first from callrec.couples p
            where p.synchronized is null and p.stop_ts >= $1::timestamp and p.stop_ts < $2::timestamp\(gone)\
            \(onlyFinished ? " and p.state = 'FINISHED'" : "")
            """, [Value(span.lowerBound), Value(span.upperBound)])
        return UnmarkedCount(
            recordings: Int(try row?.integer("number") ?? 0), first: try row?.raw("first").flatMap(CatalogText.wallTime)
        )
    }
}

/// How many unmarked recordings there are, and when the first of them ended.
package struct UnmarkedCount: Hashable, Sendable {
    package var recordings: Int
    package var first: WallTime?
    package init(recordings: Int = 0, first: WallTime? = nil) {
        self.recordings = recordings
        self.first = first
    }

    package static func + (one: UnmarkedCount, other: UnmarkedCount) -> UnmarkedCount {
        UnmarkedCount(
            recordings: one.recordings + other.recordings,
            first: [one.first, other.first].compactMap { $0 }.min())
    }
}
