package import Postgres
package import Vocabulary

/// The callrec tables of a source. It reads, and sets marks; nothing else.
///
/// The SQL is nothing newer than PostgreSQL 9.1. A value: made once per source from any session, used with all.
package struct SourceCatalog: Sendable {
    package let source: SourceName
    /// The zone of the recorder's clock, as PostgreSQL names zones (`Europe/Prague`).
    package let timeZone: String
    package let columns: CatalogColumns
    /// Whether and how voice tags are read.
    package let voiceTags: VoiceTagReading
    let statements: SourceStatements

    /// - Parameter collectsVoiceTags: by the settings; they are left at the source where the role can't read them.
    /// - Throws: ``CatalogError`` where these are no callrec tables, ``PostgresError`` `badValue` for an unknown zone.
    package init(
        source: SourceName, timeZone: String, collectsVoiceTags: Bool = true, reading session: Session
    ) throws {
        self.source = source
        self.timeZone = timeZone
        columns = try CatalogColumns(reading: session)
        voiceTags = collectsVoiceTags ? try VoiceTagReading(of: columns, on: session) : .off
        statements = SourceStatements(columns: columns)
        _ = try localNow(on: session)
    }

    /// What the recorder's clock shows, by the clock that stamps its rows: the database's.
    package func localNow(on session: Session) throws -> WallTime {
        let row = try session.first("select clock_timestamp() at time zone $1::text as now", [.text(timeZone)])
        guard let time = try row?.raw("now").flatMap(CatalogText.wallTime) else {
            throw CatalogError(code: .tables, sentence: "The recorder's clock shows no time of this era.")
        }
        return time
    }

    /// One page of recordings by `(stop, id)`, in the query's order.
    package func recordings(
        _ query: SourceQuery, after cursor: SourceCursor? = nil, limit: Int, on session: Session
    ) throws -> SourceBatch {
        try batch(statements.page(query), pageValues(query, cursor, limit), limit: limit, on: session)
    }

    /// The newest recordings, newest first: the lane in which a recording of now does not wait behind a backlog.
    package func newestRecordings(_ query: SourceQuery, limit: Int, on session: Session) throws -> SourceBatch {
        let values: [Value] = [Value(query.lower), Value(query.upper), .integer(Int64(limit))]
        var batch = try batch(statements.newest(query), values, limit: limit, on: session)
        batch.next = nil
        return batch
    }

    /// The recordings with these ids, whatever their mark and state: what was hinted at. Those that are not there are
    /// not in the answer.
    package func recordings(ids: [Int64], on session: Session) throws -> [SourceRow] {
        guard !ids.isEmpty else { return [] }
        return try batch(statements.byID, [.integers(ids)], limit: ids.count, on: session).rows
    }

    /// One page, a lane of the newest where that is not all, and the recordings with these ids, in a number of statements
    /// that does not grow with them.
    package func look(
        _ query: SourceQuery, after cursor: SourceCursor? = nil, limit: Int, newest: Int, ids: [Int64],
        on session: Session
    ) throws -> SourceBatch {
        do {
            var rows = try session.query(statements.page(query), pageValues(query, cursor, limit) + [.text(timeZone)])
            let isMoreThere = rows.count == limit
            let next = isMoreThere ? try SourceReading.cursor(rows.last) : nil
            if isMoreThere {
                rows += try session.query(
                    statements.newest(query),
                    [Value(query.lower), Value(query.upper), .integer(Int64(newest)), .text(timeZone)])
            }
            if !ids.isEmpty { rows += try session.query(statements.byID, [.integers(ids), .text(timeZone)]) }
            var seen: Set<Int64> = []
            rows = try rows.filter { seen.insert(try $0.integer("id")).inserted }
            let parts = try parts(of: rows, on: session)
            return SourceBatch(rows: try rows.map { try SourceReading(catalog: self).row($0, parts) }, next: next)
        } catch let error as PostgresError where error.code == .badValue && !session.isInTransaction {
            var batch = try recordings(query, after: cursor, limit: limit, on: session)
            if batch.next != nil { batch.rows += try newestRecordings(query, limit: newest, on: session).rows }
            batch.rows += try recordings(ids: ids, on: session)
            return batch
        }
    }

    private func pageValues(_ query: SourceQuery, _ cursor: SourceCursor?, _ limit: Int) -> [Value] {
        if query.order == .newestFirst {
            let behind = cursor.flatMap { $0.stop < query.upper ? $0 : nil }
            return [
                Value(query.lower), .integer(behind?.id ?? Int64.min), Value(behind?.stop ?? query.upper),
                .integer(Int64(limit)),
            ]
        }
        let from = max(cursor?.stop ?? query.lower, query.lower)
        let after = cursor.map { $0.stop < query.lower ? Int64.min : $0.id } ?? Int64.min
        return [Value(from), .integer(after), Value(query.upper), .integer(Int64(limit))]
    }

    /// How many recordings that ended before `time` have no mark, counted up to `limit`. It reads the index over all
    /// that is older, so ask rarely.
    package func unmarkedCount(before time: WallTime, limit: Int, on session: Session) throws -> Int {
        let row = try session.first(
            """
            select count(*) as number from (
                select 1 from callrec.couples where synchronized is null and stop_ts < $1::timestamp limit $2::bigint
            ) counted
            """, [Value(time), .integer(Int64(limit))])
        return Int(try row?.integer("number") ?? 0)
    }

    /// Runs a statement that gives recordings, and reads what belongs to them: four statements for any number.
    private func batch(
        _ statement: String, _ values: [Value], limit: Int, on session: Session
    ) throws -> SourceBatch {
        let rows: [Row]
        do {
            rows = try session.query(statement, values + [.text(timeZone)])
            let parts = try parts(of: rows, on: session)
            let made = try rows.map { try SourceReading(catalog: self).row($0, parts) }
            return SourceBatch(rows: made, next: rows.count == limit ? try SourceReading.cursor(rows.last) : nil)
        } catch let error as PostgresError where error.code == .badValue && !session.isInTransaction {
            // One value that the server can't convert fails the whole statement: find out which, row by row.
            return try batchOneByOne(statement, values, limit: limit, on: session)
        }
    }

    private func batchOneByOne(
        _ statement: String, _ values: [Value], limit: Int, on session: Session
    ) throws -> SourceBatch {
        let keys = try session.query(statements.keysOnly(statement), values)
        let made = try keys.map { key in
            let id = try key.integer("id")
            do {
                let rows = try session.query(statements.byID, [.integers([id]), .text(timeZone)])
                let parts = try parts(of: rows, on: session)
                return try rows.first.map { try SourceReading(catalog: self).row($0, parts) }
            } catch let error as PostgresError where error.code == .badValue {
                return .refused(
                    RecordingReference(source: source, id: id),
                    "The database cannot give one of its values (\(error.sqlState)): bytes that are not of its encoding."
                )
            }
        }
        return SourceBatch(
            rows: made.compactMap { $0 }, next: keys.count == limit ? try SourceReading.cursor(keys.last) : nil)
    }

    private func parts(of rows: [Row], on session: Session) throws -> SourceParts {
        let ids = try rows.map { try $0.integer("id") }
        guard !ids.isEmpty else { return SourceParts() }
        let (media, data) = try session.ask(
            Question(statements.media, [.integers(ids)]) { $0 },
            Question(statements.externalData, [.integers(ids)]) { $0 })
        var parts = SourceParts()
        for row in media { parts.media[try row.integer("cplid"), default: []].append(row) }
        for row in data { parts.externalData[try row.integer("cplid"), default: []].append(row) }
        parts.voiceTags = try voiceTagRows(of: parts.media, on: session)
        return parts
    }
}

/// The rows that belong to recordings, by the recording's id.
struct SourceParts {
    var media: [Int64: [Row]] = [:]
    var externalData: [Int64: [Row]] = [:]
    var voiceTags: [Int64: [Row]] = [:]
}
