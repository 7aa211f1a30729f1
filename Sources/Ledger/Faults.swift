package import Postgres
package import Vocabulary

/// Recordings whose own files failed again and again.
package struct FaultyRecording: Hashable, Sendable {
    package let reference: RecordingReference
    /// `cfiles.id` of the worst of its media.
    package let mediaID: Int64
    package let faults: Int
    package let lastError: String?
}

package enum Faults {
    /// Recordings of a source all of whose open transfers failed so often by their own faults, and none of which is being
    /// copied. One bad file gives up no good one that only has not come yet: its mount may be away, or its lane full.
    package static func find(
        source: SourceName, atLeast limit: Int, in session: Session
    ) throws -> [FaultyRecording] {
        try session.query(
            """
            select distinct on (source_id) source_id, source_media_id, faults, last_error from takeup.transfer
            where source = $1 and state = 'waiting' and faults >= greatest($2, 3)
                and not exists (
                    select from takeup.transfer as other
                    where other.source = transfer.source and other.source_id = transfer.source_id
                        and (other.state = 'claimed'
                            or other.state = 'waiting' and other.faults < greatest($2, 3)))
                -- What many files of a mount have in common is their disk's fault, and none of theirs.
                and (unreadable_since is null or (
                    select count(*) from takeup.transfer as beside
                    where beside.mount = transfer.mount and beside.state in ('waiting', 'claimed')
                        and beside.unreadable_since is not null) <= $3)
            order by source_id, faults desc limit 200
            """, [Value(source), Value(limit), Value(Transfers.unreadableOneByOne)]
        ).map { row in
            FaultyRecording(
                reference: RecordingReference(source: source, id: try row.integer("source_id")),
                mediaID: try row.integer("source_media_id"), faults: try row.count("faults"),
                lastError: try row.optionalText("last_error"))
        }
    }

    /// Gives a recording up: its transfers rest, and its source row is to get mark E as it is. For the keeper, after
    /// ``Keepers/confirm(_:in:)``.
    ///
    /// - Parameter limit: as it was found.
    /// - Returns: false where it has moved on meanwhile.
    package static func giveUp(
        _ faulty: FaultyRecording, atLeast limit: Int, why: String, in session: Session
    ) throws -> Bool {
        let transfers = try session.query(
            """
            select state, faults from takeup.transfer where source = $1 and source_id = $2
            order by id for no key update
            """, [Value(faulty.reference.source), .integer(faulty.reference.id)])
        let stands = try transfers.contains {
            try $0.text("state") == "waiting" && $0.count("faults") >= faulty.faults
        }
        let isMoving = try transfers.contains { transfer in
            switch try transfer.text("state") {
            case "claimed": true
            case "waiting": try transfer.count("faults") < max(limit, 3)
            default: false
            }
        }
        guard stands, !isMoving,
            let sighting = try Sightings.find(
                source: faulty.reference.source, ids: [faulty.reference.id], in: session)[faulty.reference.id],
            sighting.state == .transferring, let fingerprint = sighting.fingerprint
        else { return false }
        try Plans.record(
            [
                SightingPlan(
                    reference: sighting.reference, sid: sighting.sid, stopped: sighting.stopped,
                    outcome: .keep(mark: .erroneous, fingerprint: fingerprint), standing: sighting.standing,
                    detail: sighting.detail, failure: why)
            ], in: session)
        return true
    }
}
