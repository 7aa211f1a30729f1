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
    /// Recordings of a source with a waiting transfer that failed so often by its own fault, and none that is being
    /// copied: what is under way ends first.
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
                        and other.state = 'claimed')
            order by source_id, faults desc limit 200
            """, [Value(source), Value(limit)]
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
    /// - Returns: false where it has moved on meanwhile.
    package static func giveUp(_ faulty: FaultyRecording, why: String, in session: Session) throws -> Bool {
        let transfers = try session.query(
            """
            select state, faults from takeup.transfer where source = $1 and source_id = $2
            order by id for no key update
            """, [Value(faulty.reference.source), .integer(faulty.reference.id)])
        let stands = try transfers.contains {
            try $0.text("state") == "waiting" && $0.count("faults") >= faulty.faults
        }
        let isCopying = try transfers.contains { try $0.text("state") == "claimed" }
        guard stands, !isCopying,
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
