internal import Catalogs
internal import Ledger
internal import Planning
internal import Postgres
internal import Vocabulary

/// Index files in a commit. They have no row in the replay's catalog: the ledger's replica is what names them, beside the
/// sound's.
enum IndexFiles {
    /// Whether the sound is still the one that is held, or is to be.
    static func isWanted(
        ofSound media: SourceMedia, _ recording: SourceRecording, _ holding: ReplayHolding, _ switches: SourceSwitches
    ) -> Bool {
        guard case .plan(let plan) = reconcile(recording, with: holding, switches: switches) else { return false }
        return plan.takesIndex(ofSound: media.id)
    }

    /// Index files go with the sounds that they were made of: put aside with those that a better one of another row
    /// replaced.
    static func retire(
        with retired: [Replica], replacedBy origin: MediaOrigin, of sid: Sid, in session: Session
    ) throws -> [Replica] {
        let gone = Set(retired.compactMap(\.origin)).subtracting([origin])
        if gone.isEmpty { return [] }
        return try retire(of: sid, in: session) { $0.origin.map(gone.contains) ?? false }
    }

    /// An index file that comes anew, as its sound changed: the one of before from the same place is put aside.
    static func retireEarlier(
        of origin: MediaOrigin, by work: Intent.Work, of sid: Sid, in session: Session
    ) throws -> [Replica] {
        guard case .transfer(let claim) = work else { return [] }
        let held = try Replicas.held([sid], in: session)[sid] ?? []
        let known = held.filter { $0.content.kind == .index && $0.origin == origin }.compactMap(\.content.transfer)
        if known.isEmpty { return [] }
        let transfers = try Transfers.find(known + [claim.id], in: session)
        let path = transfers.first { $0.id == claim.id }?.path
        let earlier = Set(transfers.filter { $0.path == path && $0.id != claim.id }.map(\.id))
        return try retire(of: sid, in: session) { replica in
            // What is brought again by the same transfer was doubted.
            replica.content.transfer.map { earlier.contains($0) || $0 == claim.id && replica.isDoubted } ?? false
        }
    }

    private static func retire(
        of sid: Sid, in session: Session, _ isGone: (Replica) -> Bool
    ) throws -> [Replica] {
        var quarantine: [Replica.ID: FilePath] = [:]
        for replica in try Replicas.held([sid], in: session)[sid] ?? []
        where replica.content.kind == .index && isGone(replica) {
            quarantine[replica.id] = Quarantine.path(of: replica.content.path, day: Quarantine.today)
        }
        return try Replicas.retire(quarantine, keep: Quarantine.keep, in: session)
    }
}

extension Replica {
    fileprivate var origin: MediaOrigin? {
        guard let source = content.source, let media = content.sourceMediaID else { return nil }
        return MediaOrigin(source: source, mediaID: media)
    }
}
