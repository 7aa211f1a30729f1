package import Catalogs
internal import Ledger
package import Planning
package import Postgres
package import Vocabulary

/// What the replay has of recordings, as it stands in a transaction: rows, copies, tombstones.
package enum Holdings {
    /// - Returns: a holding for each recording, also where the replay has nothing.
    package static func find(
        for recordings: [SourceRecording], catalog: ReplayCatalog, in session: Session
    ) throws -> [RecordingReference: ReplayHolding] {
        let sids = Array(Set(recordings.map(\.sid)))
        let standing = try catalog.find(sids: sids, on: session)
        let replicas = try Replicas.held(sids, in: session)
        let removed = try catalog.removed(sids: sids, on: session)
        var holdings: [RecordingReference: ReplayHolding] = [:]
        for recording in recordings {
            holdings[recording.reference] = ReplayHolding(
                recording: standing[recording.sid], replicas: replicas[recording.sid] ?? [], of: recording,
                isRemoved: removed.contains(recording.sid))
        }
        return holdings
    }
}
