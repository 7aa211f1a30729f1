package import Catalogs
package import Ledger
package import Planning
package import Vocabulary

extension ReplayHolding {
    /// What the replay has of a recording, by its rows, by the held copies, and by what only points.
    ///
    /// A copy stands for a media row of this source only while the row still says what it said when it was copied.
    package init(
        recording: ReplayRecording?, replicas: [Replica], pointers: [MediaPointer] = [], of wanted: SourceRecording?,
        isRemoved: Bool = false, removedMedia: Set<RemovedMedia> = [], restoringSince: Instant? = nil
    ) {
        self.init(recording: recording, isRemoved: isRemoved)
        isRestoring = restoringSince != nil
        let standing = Set((recording?.media ?? []).map(\.id))
        let isTakenAway = recording?.isTakenAway == true
        var now: [MediaOrigin: [UInt8]] = [:]
        for media in wanted?.media ?? [] {
            guard let source = wanted?.source else { continue }
            now[MediaOrigin(source: source, mediaID: media.id)] = Fingerprint(of: media).bytes
        }
        for replica in replicas {
            guard let row = replica.content.replayMediaID else { continue }
            if replica.content.isResult { results.insert(row) }
            // What was taken away and is wanted back does not count, though its copy is on record.
            if let restoringSince, replica.committed < restoringSince, isTakenAway || !standing.contains(row) {
                continue
            }
            if replica.isDoubted { doubted.insert(row) } else { claims[row] = replica.content.claims }
            guard let source = replica.content.source, let id = replica.content.sourceMediaID else { continue }
            let origin = MediaOrigin(source: source, mediaID: id)
            let isCurrent = now[origin].map { $0 == replica.content.sourceFingerprint } ?? true
            if isCurrent && !replica.isDoubted { origins[origin] = row } else { outdated[origin] = row }
        }
        for pointer in pointers where !isRestoring || standing.contains(pointer.replayMediaID) {
            let origin = MediaOrigin(source: pointer.source, mediaID: pointer.sourceMediaID)
            self.pointers[origin] = Pointer(
                replayMediaID: pointer.replayMediaID, path: pointer.path,
                isCurrent: now[origin].map { $0 == pointer.sourceFingerprint } ?? true)
        }
        noteGone(replicas, pointers, removedMedia, wanted)
    }

    /// Rows of media that are not there any more, by what still names them.
    private mutating func noteGone(
        _ replicas: [Replica], _ pointers: [MediaPointer], _ removed: Set<RemovedMedia>, _ wanted: SourceRecording?
    ) {
        guard let recording, !isRestoring else { return }
        let standing = Set(recording.media.map(\.id))
        var named: [Int64: MediaKind] = [:]
        for replica in replicas where !replica.content.isResult {
            if let row = replica.content.replayMediaID { named[row] = replica.content.kind }
        }
        let kinds = Dictionary(
            (wanted?.media ?? []).map { ($0.id, $0.kind) }, uniquingKeysWith: { first, _ in first })
        for pointer in pointers where pointer.source == wanted?.source {
            if let kind = kinds[pointer.sourceMediaID] { named[pointer.replayMediaID] = kind }
        }
        for media in removed where !results.contains(media.id) {
            named[media.id] = media.kind
            removedMedia.insert(media.id)
        }
        gone = named.filter { !standing.contains($0.key) }
    }
}
