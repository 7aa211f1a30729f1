package import Postgres
package import Vocabulary

/// Recordings whose voice tags wait for a phrase.
package enum AwaitedPhrases {
    /// The phrases of the replay changed: recordings of a source with an open problem of this kind are to be looked at
    /// again now.
    /// - Returns: how many there are.
    @discardableResult
    package static func reopen(source: SourceName, problem kind: String, in session: Session) throws -> Int {
        try session.execute(
            """
            with chosen as (
                select sighting.source, sighting.source_id from takeup.sighting
                where sighting.source = $1 and sighting.state = 'converged' and sighting.mark is null
                    and sighting.source_id in (
                        select substr(reference, length($1) + 2)::bigint from takeup.problem
                        where closed_at is null and kind = $2 and starts_with(reference, $1 || '/'))
                order by sighting.source, sighting.source_id for no key update of sighting
            )
            update takeup.sighting set state = 'waiting', why = 'its plan has to be made anew',
                not_before = statement_timestamp(), changed_at = statement_timestamp(), converged_at = null
            from chosen where sighting.source = chosen.source and sighting.source_id = chosen.source_id
            """, [Value(source), .text(kind)])
    }
}
