internal import Catalogs
package import Ledger
package import Vocabulary

/// What becomes of recordings that carry a mark which the ledger did not give. Pure.
extension LookPlanner {
    /// The end of what waits here and was marked by others meanwhile: it would come due for ever. Nil where it is to be
    /// looked at all the same, or goes by itself.
    package func leave(_ recording: SourceRecording, _ sighting: Sighting) -> SightingPlan? {
        guard recording.mark != nil, !takesMarked, sighting.reopened == nil else { return nil }
        switch sighting.state {
        case .waiting, .refused:
            // A late change of what we marked ourselves goes on.
            if sighting.marked != nil { return nil }
            return SightingPlan(
                reference: sighting.reference, sid: sighting.sid, stopped: sighting.stopped,
                outcome: .rest(why: "others marked it at its recorder"))
        case .transferring, .converged, .marked: return nil
        }
    }

    /// Whether a row that carries a mark is to be compared with what is held, though nothing of it changed.
    package func comparesAgain(_ recording: SourceRecording, _ sighting: Sighting) -> Bool {
        takesMarked && recording.mark != nil && sighting.state == .marked && sighting.mark != .erroneous
    }

    /// Whether writing the plan down would say nothing new: what carries its mark is all here.
    package func saysNothingNew(
        _ verdict: Verdict, of recording: SourceRecording, _ sighting: Sighting?
    ) -> Bool {
        guard takesMarked, recording.mark == .synchronized || recording.mark == .notUsed, sighting?.reopened == nil,
            verdict.isClean, verdict.rows(of: recording) == nil
        else { return false }
        guard case .keep(_, let fingerprint) = verdict.outcome else { return false }
        switch sighting?.state {
        case nil: return true
        case .marked: return sighting?.fingerprint == fingerprint
        case .waiting, .transferring, .converged, .refused: return false
        }
    }
}
