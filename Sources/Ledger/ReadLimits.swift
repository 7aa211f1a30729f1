internal import Planning
package import Postgres
package import Vocabulary

/// What an operator said about how fast a source may be read, in place of what its settings say.
package struct ReadLimitWord: Hashable, Sendable {
    package var source: SourceName
    /// Nil: as fast as it goes.
    package var bytesPerSecond: Int64?
    package var since: Instant

    package init(source: SourceName, bytesPerSecond: Int64?, since: Instant) {
        self.source = source
        self.bytesPerSecond = bytesPerSecond
        self.since = since
    }
}

/// How fast sources may be read. What stands here outlives every process, and all agents of a source share it.
package enum ReadLimits {
    package static func all(in session: Session) throws -> [ReadLimitWord] {
        try session.query("select \(columns.text(of: "read_limit")) from takeup.read_limit order by source").map(word)
    }

    package static func find(_ source: SourceName, in session: Session) throws -> ReadLimitWord? {
        try session.first(
            "select \(columns.text(of: "read_limit")) from takeup.read_limit where source = $1", [Value(source)]
        ).map(word)
    }

    /// - Parameter bytesPerSecond: nil for as fast as it goes.
    package static func say(
        _ bytesPerSecond: Int64?, of sources: [SourceName], in session: Session
    ) throws {
        try session.execute(
            """
            insert into takeup.read_limit (source, bytes_per_second)
            select source, $2 from unnest($1::text[]) as source order by source collate "C"
            on conflict (source) do update set bytes_per_second = excluded.bytes_per_second,
                since = case when takeup.read_limit.bytes_per_second is distinct from excluded.bytes_per_second
                    then excluded.since else takeup.read_limit.since end
            """, [.names(sources), Value(bytesPerSecond)])
        try WorkChannel.notify(limitOf: sources, in: session)
    }

    /// The settings say it again.
    package static func forget(_ sources: [SourceName], in session: Session) throws {
        try session.execute("delete from takeup.read_limit where source = any($1::text[])", [.names(sources)])
        try WorkChannel.notify(limitOf: sources, in: session)
    }

    /// Takes bytes of what all agents of a source may read together; gives how long to wait before they may be read.
    package static func take(
        _ bytes: Int64, limit: Int64, of source: SourceName, in session: Session
    ) throws -> Duration {
        try session.execute(
            """
            insert into takeup.read_account (source, free_us) values ($1, 0) on conflict (source) do nothing
            """, [Value(source)])
        // The clock is read when the row is ours, so that all who share it see it go forward.
        let row = try session.first(
            """
            select free_us, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us
            from (select free_us from takeup.read_account where source = $1 for update) as account
            """, [Value(source)])
        guard let row else { return .zero }
        var bucket = ReadBucket(freeAt: .microseconds(try row.integer("free_us")))
        let wait = bucket.take(bytes, limit: limit, at: .microseconds(try row.integer("now_us")))
        try session.execute(
            "update takeup.read_account set free_us = $2 where source = $1",
            [Value(source), .integer(bucket.freeAt.wholeMicroseconds)])
        return wait
    }

    private static let columns = ColumnList(plain: ["source", "bytes_per_second"], times: ["since"])

    private static func word(_ row: Row) throws -> ReadLimitWord {
        ReadLimitWord(
            source: try row.name("source"), bytesPerSecond: try row.optionalInteger("bytes_per_second"),
            since: try row.instant("since"))
    }
}
