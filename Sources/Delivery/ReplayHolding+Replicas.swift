internal import Catalogs
package import Ledger
package import Planning
package import Vocabulary

extension ReplayHolding {
    /// What the replay has of a recording, by its rows, by the held copies, and by what only points.
    ///
    /// A copy stands for a media row of this source only while the row still says what it said when it was copied.
    package init(
        recording: ReplayRecording?, replicas: [Replica], pointers: [MediaPointer] = [], of wanted: SourceRecording?,
        isRemoved: Bool = false
    ) {
        self.init(recording: recording, isRemoved: isRemoved)
        var now: [MediaOrigin: [UInt8]] = [:]
        for media in wanted?.media ?? [] {
            guard let source = wanted?.source else { continue }
            now[MediaOrigin(source: source, mediaID: media.id)] = Fingerprint(of: media).bytes
        }
        for replica in replicas {
            guard let row = replica.content.replayMediaID else { continue }
            if replica.content.isResult { results.insert(row) }
            claims[row] = replica.content.claims
            guard let source = replica.content.source, let id = replica.content.sourceMediaID else { continue }
            let origin = MediaOrigin(source: source, mediaID: id)
            let isCurrent = now[origin].map { $0 == replica.content.sourceFingerprint } ?? true
            if isCurrent { origins[origin] = row } else { outdated[origin] = row }
        }
        for pointer in pointers {
            let origin = MediaOrigin(source: pointer.source, mediaID: pointer.sourceMediaID)
            self.pointers[origin] = Pointer(
                replayMediaID: pointer.replayMediaID, path: pointer.path,
                isCurrent: now[origin].map { $0 == pointer.sourceFingerprint } ?? true)
        }
    }
}
