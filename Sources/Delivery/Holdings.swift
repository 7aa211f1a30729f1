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
        let (rows, replicas, pointers, calls, restoring, tombstones) = try session.ask(
            catalog.rows(of: sids), Replicas.held(sids), Pointers.find(sids),
            Calls.bound(recordings.map(\.callReference)), Restorations.find(sids), ReplayCatalog.tombstones)
        var standing = try catalog.complete(rows, on: session)
        if recordings.contains(where: { $0.externalData.contains(where: \.isLong) }) {
            for (sid, data) in try KeptData.find(sids, in: session) { standing[sid]?.externalData.formUnion(data) }
        }
        let removed =
            tombstones.contains(.recordings) ? try session.answer(catalog.removed(sids: sids)) : []
        let removedMedia =
            tombstones.contains(.media) ? try session.answer(catalog.removedMedia(sids: sids)) : [:]
        let voiceTags = try voiceTags(of: recordings, on: standing, catalog, in: session)
        var holdings: [RecordingReference: ReplayHolding] = [:]
        for recording in recordings {
            holdings[recording.reference] = ReplayHolding(
                recording: standing[recording.sid], replicas: replicas[recording.sid] ?? [],
                pointers: pointers[recording.sid] ?? [], of: recording, isRemoved: removed.contains(recording.sid),
                removedMedia: removedMedia[recording.sid] ?? [], restoringSince: restoring[recording.sid])
            holdings[recording.reference]?.voiceTags = voiceTags
            holdings[recording.reference]?.boundCall = calls[recording.callReference]
            holdings[recording.reference]?.strayPointers = strayPointers(
                of: standing[recording.sid], replicas[recording.sid] ?? [], catalog)
        }
        return try measured(holdings, recordings, in: session)
    }

    /// Rows as Synchro makes them with *copy files* off, or as they stand after the ledger was given up.
    private static func strayPointers(
        of recording: ReplayRecording?, _ replicas: [Replica], _ catalog: ReplayCatalog
    ) -> Set<Int64> {
        let copied = Set(replicas.compactMap(\.content.replayMediaID))
        let stray = (recording?.media ?? []).filter { media in
            !copied.contains(media.id) && catalog.recorderMounts.contains { media.path.relative(to: $0) != nil }
        }
        return Set(stray.map(\.id))
    }

    /// With what was measured of files that are still the same.
    private static func measured(
        _ holdings: [RecordingReference: ReplayHolding], _ recordings: [SourceRecording], in session: Session
    ) throws -> [RecordingReference: ReplayHolding] {
        var wanted: Set<Measurement.Subject> = []
        for recording in recordings {
            // What the replay has nothing of competes with nothing.
            guard let held = holdings[recording.reference]?.recording, !held.media.isEmpty else { continue }
            wanted.formUnion(held.media.map { .replay($0.id) })
            wanted.formUnion(
                recording.media.map { .source(MediaOrigin(source: recording.source, mediaID: $0.id)) })
        }
        let known = try Measurements.find(wanted, in: session)
        if known.isEmpty { return holdings }
        var holdings = holdings
        for recording in recordings {
            for media in holdings[recording.reference]?.recording?.media ?? [] {
                guard let one = known[.replay(media.id)], one.fingerprint == Fingerprint(of: media).bytes else {
                    continue
                }
                holdings[recording.reference]?.measures[media.id] = one.measure
            }
            for media in recording.media {
                let subject = Measurement.Subject.source(MediaOrigin(source: recording.source, mediaID: media.id))
                guard let one = known[subject], one.fingerprint == Fingerprint(of: media).bytes else { continue }
                holdings[recording.reference]?.offers[media.id] = one.measure
            }
        }
        return holdings
    }
}
