internal import Catalogs
internal import Ledger
internal import Planning
internal import Postgres
internal import Vocabulary

/// Copies that are not what they were.
enum CopyDoubt {
    /// From now on they count for nobody, and whoever could bring them is looked at again: first where they came from, which
    /// was the best, and a while later all others.
    static func write(_ replicas: [Replica], _ sightings: [Sid: [Sighting]], in session: Session) throws {
        let origins = Dictionary(grouping: replicas, by: \.content.sid).mapValues { Set($0.map(\.content.source)) }
        let again = origins.flatMap { sid, sources in
            (sightings[sid] ?? []).map { sighting in
                SightingPlan(
                    reference: sighting.reference, sid: sid, stopped: sighting.stopped,
                    outcome: .wait(
                        why: "a copy of it is not on its volume",
                        delay: sources.contains(sighting.reference.source) ? .zero : SourceAudit.second))
            }
        }
        try Plans.write(again, in: session)
        try Replicas.doubt(replicas.map(\.id), in: session)
    }
}

extension NewReplica {
    /// Whether the replay still names it: an index file is named by its sound.
    func isNamed(by recording: ReplayRecording?) -> Bool {
        guard let recording, !recording.isTakenAway else { return false }
        return kind == .index
            ? recording.media.contains { $0.kind == .audio }
            : recording.media.contains { $0.id == replayMediaID }
    }
}
