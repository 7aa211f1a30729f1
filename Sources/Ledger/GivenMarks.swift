package import Planning
package import Postgres
package import Vocabulary

/// How many marks the ledger gave to each source: what is compared with what was remembered elsewhere, to see a ledger
/// that went back in time.
package enum GivenMarks {
    /// What the ledger says of itself, and when an audit passed on it last.
    package static func standing(
        source: SourceName, in session: Session
    ) throws -> (witness: MarkWitness, audited: Instant?) {
        let row = try session.first(
            """
            select meta.ledger_id, coalesce(given.marks, 0) as marks, \(SQL.microseconds("statement_timestamp()")) as now,
                \(SQL.microseconds("meta.resumed_at")) as resumed
            from takeup.meta left join takeup.given_marks as given on given.source = $1
            """, [Value(source)])
        guard let row else { preconditionFailure("the ledger's table meta has no row") }
        return (
            MarkWitness(
                ledger: try row.text("ledger_id"), marks: try row.integer("marks"), at: try row.instant("now")),
            try row.optionalInstant("resumed")
        )
    }

    /// So many more are about to be given. Committed durably before the first of them. After
    /// ``Keepers/confirm(_:in:)``: only the keeper counts.
    package static func add(_ count: Int, source: SourceName, in session: Session) throws {
        try session.execute(
            """
            insert into takeup.given_marks as standing (source, marks) values ($1, $2)
            on conflict (source) do update set marks = standing.marks + excluded.marks
            """, [Value(source), Value(count)])
    }
}
