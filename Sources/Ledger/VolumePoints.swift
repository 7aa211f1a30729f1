package import Postgres
package import Vocabulary

/// Free space of volumes by the minute, for a day: what predictions are made of.
package enum VolumePoints {
    private static let kept: Int64 = 25 * 60

    /// Notes the space of a minute; gives whether this process did, first of all.
    package static func note(
        _ volume: VolumeID, minute: Int64, available: Int64, in session: Session
    ) throws -> Bool {
        let isFirst =
            try session.first(
                """
                insert into takeup.volume_point (volume_id, minute, available_bytes) values ($1, $2, $3)
                on conflict do nothing returning minute
                """, [Value(volume), .integer(minute), .integer(available)]) != nil
        if isFirst {
            try session.execute(
                "delete from takeup.volume_point where volume_id = $1 and minute < $2",
                [Value(volume), .integer(minute - kept)])
        }
        return isFirst
    }

    /// The oldest first.
    package static func all(
        of volume: VolumeID, in session: Session
    ) throws -> [(minute: Int64, available: Int64)] {
        try session.query(
            "select minute, available_bytes from takeup.volume_point where volume_id = $1 order by minute",
            [Value(volume)]
        ).map { (try $0.integer("minute"), try $0.integer("available_bytes")) }
    }
}
