package import Postgres
package import Vocabulary

/// A muxed file that does not show all that its halves hold.
package struct NotedMux: Hashable, Sendable {
    package var recording: RecordingReference
    /// What who plays it cannot see, and should know.
    package var notes: String
    /// Whether a screen was refused.
    package var lacksScreens: Bool
    /// Since it was muxed.
    package var age: Duration
}

extension MuxJobs {
    /// Of the job in this row: it has notes, and its result stands.
    private static func isNoted(_ job: String) -> String {
        """
        \(job).notes is not null and (\(job).state = 'done' or \(job).left_out is not null) and exists (
            select from takeup.replica as result where result.id = \(job).result_id and result.state = 'held')
        """
    }

    /// The newest first.
    package static func newestNoted(
        source: SourceName? = nil, limit: Int, in session: Session
    ) throws -> [NotedMux] {
        try session.query(
            """
            select sighting.source, sighting.source_id, job.notes, job.left_out is not null as lacks,
                (extract(epoch from statement_timestamp() - job.changed_at) * 1000000)::bigint as age
            from takeup.mux_job as job
            join takeup.replica as sound on sound.id = job.sound_id
            join takeup.sighting on sighting.sid = job.sid and sighting.source = sound.source
            where \(isNoted("job")) and ($1::text is null or sighting.source = $1)
            order by job.id desc limit $2
            """, [Value(source?.rawValue), Value(limit)]
        ).map { row in
            NotedMux(
                recording: RecordingReference(source: try row.name("source"), id: try row.integer("source_id")),
                notes: try row.text("notes"), lacksScreens: try row.boolean("lacks"),
                age: try row.optionalSpan("age") ?? .zero)
        }
    }

    package static func countNoted(source: SourceName? = nil, in session: Session) throws -> Int {
        try session.first(
            """
            select count(*) from takeup.mux_job as job join takeup.replica as sound on sound.id = job.sound_id
            where \(isNoted("job")) and ($1::text is null or sound.source = $1)
            """, [Value(source?.rawValue)])?.count("count") ?? 0
    }
}
