internal import Delivery
internal import Planning
internal import Vocabulary

extension LookPlanner.Verdict {
    /// With what voice tags need: rows to attach now, and a problem where they wait for a phrase.
    func noting(_ tags: VoiceTagPlan, of recording: SourceRecording) -> LookPlanner.Verdict {
        var verdict = self
        if !tags.attach.isEmpty { verdict.needsMetadata = true }
        if let first = tags.awaited.min() {
            let others = tags.awaited.count == 1 ? "" : " and \(tags.awaited.count - 1) more"
            verdict.problems.append(
                ProblemBook.Finding(
                    .phraseUnknown, recording: recording.reference,
                    what: "Voice tags of \(recording.reference) name a phrase that the replay does not have:"
                        + " \"\(first.text.prefix(80))\"\(others). They wait for it, and so does the mark."))
        }
        return verdict
    }
}
