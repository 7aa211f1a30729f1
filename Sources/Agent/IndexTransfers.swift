internal import Catalogs
internal import Delivery
internal import Ledger
internal import Planning
internal import Vocabulary

extension LookPlanner {
    /// The same verdict with transfers of the index files that may be there. All of them are promised each time: what the
    /// ledger has done already stays done.
    func adding(
        _ files: [IndexFile], to verdict: Verdict, of recording: SourceRecording
    ) -> Verdict {
        if files.isEmpty { return verdict }
        var verdict = verdict
        var transfers: [TransferPlan] = []
        var isServed = true
        for file in files {
            guard case .on(let mount, _) = mounts.place(of: file.media.path) else {
                isServed = false
                verdict.problems.append(
                    ProblemBook.Finding(
                        .unservedMedia, recording: recording.reference, media: file.media.id,
                        what:
                            "The index file of media \(file.media.id) of \(recording.reference) would lie below no mount"
                            + " of this source."))
                continue
            }
            transfers.append(
                TransferPlan(
                    mediaID: file.media.id, fingerprint: Fingerprint(of: file.media).bytes, mount: mount, kind: .index,
                    path: file.media.path, recordingStart: recording.start ?? recording.stop))
        }
        switch verdict.outcome {
        case .keep(let mark, let fingerprint):
            verdict.outcome = .transfer(transfers, mark: isServed ? mark : nil, fingerprint: fingerprint)
        case .transfer(let others, let mark, let fingerprint):
            verdict.outcome = .transfer(others + transfers, mark: isServed ? mark : nil, fingerprint: fingerprint)
        case .wait, .rest, .refuse: break
        }
        return verdict
    }
}
