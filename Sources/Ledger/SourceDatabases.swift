package import Postgres
package import Vocabulary

/// Which running database each source was last seen to be: two sources that are one show here.
package enum SourceDatabases {
    /// A source's database as an agent reached it.
    package struct Seen: Hashable, Sendable {
        package var source: SourceName
        /// What the settings call it, without secrets: what was seen by other settings is of no weight.
        package var address: String
        /// When its server was started.
        package var started: Instant
        /// The database's oid there.
        package var number: Int64

        package init(source: SourceName, address: String, started: Instant, number: Int64) {
            self.source = source
            self.address = address
            self.started = started
            self.number = number
        }
    }

    /// Changes nothing where it is on record already.
    package static func note(_ seen: Seen, in session: Session) throws {
        try session.execute(
            """
            insert into takeup.source_database as standing (source, address, started_at, number)
            values ($1, $2, $3, $4)
            on conflict (source) do update set
                address = excluded.address, started_at = excluded.started_at, number = excluded.number
            where (standing.address, standing.started_at, standing.number)
                is distinct from (excluded.address, excluded.started_at, excluded.number)
            """, [Value(seen.source), .text(seen.address), Value(seen.started), .integer(seen.number)])
    }

    /// Forgets sources that the settings do not have any more. Gives which they were.
    package static func forget(allBut names: [SourceName], in session: Session) throws -> [SourceName] {
        try session.query(
            "delete from takeup.source_database where source <> all($1::text[]) returning source", [.names(names)]
        ).map { try $0.name("source") }
    }

    /// Others that were seen to be the same running database.
    package static func others(as seen: Seen, in session: Session) throws -> [Seen] {
        try session.query(
            """
            select source, address, \(SQL.microseconds("started_at")) as started, number from takeup.source_database
            where started_at = $1 and number = $2 and source <> $3 order by source
            """, [Value(seen.started), .integer(seen.number), Value(seen.source)]
        ).map { row in
            Seen(
                source: try row.name("source"), address: try row.text("address"), started: try row.instant("started"),
                number: try row.integer("number"))
        }
    }
}
