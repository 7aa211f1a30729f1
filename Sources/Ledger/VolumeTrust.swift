package import Postgres
package import Vocabulary

/// What writes to volumes showed, for all processes: limits, doubts, rests, and when they are tried again.
package enum VolumeTrust {
    /// Writes that are remembered.
    private static let remembered = 3

    /// Takes in how writes to a volume went, the oldest first: true where it kept what was written.
    /// - Returns: the last ones, `1` for each that it kept and `0` for each that it did not.
    package static func note(_ writes: [Bool], on volume: VolumeID, in session: Session) throws -> String {
        let word = writes.suffix(remembered).map { $0 ? "1" : "0" }.joined()
        let row = try session.first(
            """
            update takeup.volume set recent_writes = right(recent_writes || $2, $3) where id = $1 returning recent_writes
            """, [Value(volume), .text(word), Value(remembered)])
        return try row?.text("recent_writes") ?? ""
    }

    /// Nothing is placed there for a while.
    package static func rest(_ volume: VolumeID, for span: Duration, in session: Session) throws {
        try session.execute(
            "update takeup.volume set rests_until = statement_timestamp() + $2::interval where id = $1",
            [Value(volume), Value(span)])
    }

    /// When a volume in trouble is tried for the first time; later the sooner it is back in trouble: its trials may pass,
    /// and what is copied fails all the same.
    /// - Parameter bytes: what is to be reserved then.
    package static func plan(
        trialOf volume: VolumeID, bytes: Int64, after pause: Duration, atMost: Duration, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.volume set trial_at = statement_timestamp() + next.pause, trial_pause = next.pause,
                trial_bytes = $3, trusted_at = null
            from (
                select case when forgiven_at > statement_timestamp() - interval '1 hour'
                    then greatest($2::interval, least(forgiven_pause, $4::interval))
                    else $2::interval end as pause
                from takeup.volume where id = $1
            ) as next
            where id = $1
            """, [Value(volume), Value(pause), .integer(bytes), Value(atMost)])
    }

    /// Takes the trial of a volume that is due, for whichever process comes first; the next is due after twice the pause.
    /// - Returns: nil where none is due; else what is to be reserved.
    package static func take(
        trialOf volume: VolumeID, atMost: Duration, in session: Session
    ) throws -> Int64? {
        try session.first(
            """
            update takeup.volume set trial_pause = least(trial_pause * 2, $2::interval),
                trial_at = statement_timestamp() + least(trial_pause * 2, $2::interval)
            where id = $1 and trial_at <= statement_timestamp() returning coalesce(trial_bytes, 0) as bytes
            """, [Value(volume), Value(atMost)]
        )?.integer("bytes")
    }

    /// It passed: what was held against it is forgotten, bad copies that are known included.
    package static func forgive(_ volume: VolumeID, in session: Session) throws {
        try session.execute(
            "update takeup.bad_copy set is_forgiven = true where volume_id = $1 and not is_forgiven", [Value(volume)])
        try session.execute(
            """
            update takeup.volume set recent_writes = '', forgiven_at = statement_timestamp(),
                forgiven_pause = trial_pause, trial_at = null, trial_pause = null, trial_bytes = null,
                trusted_at = null where id = $1
            """, [Value(volume)])
    }

    /// An operator's word that a volume may be used again once it passes its trial, which is due now.
    /// - Returns: nil where the ledger knows no such volume; else whether it was suspect.
    package static func acknowledge(_ name: VolumeName, in session: Session) throws -> Bool? {
        let states = try session.query("select state from takeup.volume where name = $1", [Value(name)]).map {
            try $0.text("state")
        }
        if states.isEmpty { return nil }
        try session.execute(
            """
            update takeup.volume set trusted_at = statement_timestamp(), trial_at = statement_timestamp()
            where name = $1 and state = 'suspect'
            """, [Value(name)])
        return states.contains("suspect")
    }
}
