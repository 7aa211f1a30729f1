internal import Catalogs
package import Ledger
package import Planning
package import Vocabulary

/// What becomes of recordings that changed after their mark. Pure.
extension LookPlanner {
    /// Whether a look may plan this row at all. One without a mark always; one with a mark only where the ledger has seen
    /// it: what others marked, or what was marked before Takeup came, is not imported unasked. What was given up
    /// (`E`, `F`) rests.
    package func isWanted(_ recording: SourceRecording, _ sighting: Sighting?) -> Bool {
        if sighting?.reopened != nil { return true }
        // What was given up here rests, until an operator says otherwise.
        if takesMarked { return sighting?.mark != .erroneous || recording.mark == nil }
        switch recording.mark {
        case nil: return true
        case .synchronized, .notUsed: return sighting != nil
        case .erroneous, .failed: return false
        }
    }

    /// Whether the rows of a marked recording are not what was committed before its mark.
    /// - Parameter now: by the ledger's clock.
    package func isLate(_ recording: SourceRecording, _ sighting: Sighting?, now: Instant) -> Bool {
        guard recording.mark != nil, isWanted(recording, sighting), let sighting else { return false }
        switch sighting.state {
        case .marked, .converged: return !isSettled(sighting, recording, now: now, isHinted: false)
        // The ledger's clock brings these by itself.
        case .waiting, .transferring, .refused: return false
        }
    }

    /// The outcome of one recording, marked or not.
    package func verdict(
        on recording: SourceRecording, holding: ReplayHolding, missingKeys: Set<String>, attempts: Int
    ) -> Verdict {
        let verdict = plan(recording, holding: holding, missingKeys: missingKeys, attempts: attempts)
        guard let mark = recording.mark, mark == .synchronized || mark == .notUsed else { return verdict }
        let kept = Verdict(
            outcome: .keep(mark: mark, fingerprint: Fingerprint(of: recording).bytes), problems: [],
            needsMetadata: false)
        if case .hold(let hold) = reconcile(recording, with: holding, switches: switches) {
            switch hold {
            // What was licensed to go has gone, here or there: nothing is followed, and nothing is removed.
            case .notFinished, .notProcessed, .noStreams, .removedAtSource, .removedAtReplay: return kept
            case .sidCollision: return verdict
            }
        }
        // With a problem the sighting stays open until that is over.
        guard verdict.isClean else { return verdict }
        var late = verdict
        late.outcome = verdict.outcome.keepingMark(mark)
        return late
    }
}

extension SightingPlan.Outcome {
    /// The same with the mark that stands already: it is not set again.
    fileprivate func keepingMark(_ mark: Mark) -> Self {
        switch self {
        case .transfer(let transfers, mark: _, let fingerprint):
            .transfer(transfers, mark: mark, fingerprint: fingerprint)
        case .keep(mark: _, let fingerprint): .keep(mark: mark, fingerprint: fingerprint)
        case .wait, .rest, .refuse: self
        }
    }

    /// Whether it brings media.
    package var bringsMedia: Bool {
        switch self {
        // Index files are promised each time, also those that are there.
        case .transfer(let transfers, _, _): transfers.contains { $0.kind != .index }
        case .wait, .keep, .rest, .refuse: false
        }
    }
}
