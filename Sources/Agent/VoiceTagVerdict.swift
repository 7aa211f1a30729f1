internal import Ledger
internal import Planning
internal import Vocabulary

extension LookPlanner.Verdict {
    /// With what voice tags need: rows to attach now, and phrases to wait for.
    func noting(_ tags: VoiceTagPlan) -> LookPlanner.Verdict {
        var verdict = self
        if !tags.attach.isEmpty { verdict.needsMetadata = true }
        verdict.awaits.formUnion(tags.awaited.map(Awaited.phrase))
        return verdict
    }
}
