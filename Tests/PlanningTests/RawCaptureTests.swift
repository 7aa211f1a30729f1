internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct RawCaptureTests {
    private func recording(_ kinds: [MediaKind], state: String = "FINISHED") -> SourceRecording {
        let media = kinds.enumerated().map { place, kind in
            SourceMedia(id: Int64(place + 1), kind: kind, path: FilePath("/data/calls/20260301/\(place)"), size: 1000)
        }
        return SourceRecording(
            source: SourceName("north"), id: 7, sid: Sid("s"), call: SourceCall(id: 3), length: 60, state: state,
            media: media)
    }

    private func outcome(
        _ recording: SourceRecording, onlyProcessed: Bool = true, allowing: Bool = false
    ) -> Reconciliation {
        reconcile(
            recording, with: ReplayHolding(),
            switches: SourceSwitches(
                onlyFinished: false, onlyProcessed: onlyProcessed, allowMarkWithoutCopy: allowing))
    }

    /// The kinds that are copied, and the mark; nil where the recording is held.
    private func plan(_ outcome: Reconciliation) -> (copies: [MediaKind], mark: Mark?)? {
        guard case .plan(let plan) = outcome else { return nil }
        return (plan.copies.map(\.kind), plan.mark)
    }

    @Test(
        arguments: [
            (["MAG", "AUDIO"], ["AUDIO"]), (["PVMAG", "PVSTREAM", "PVIDEO", "AUDIO"], ["PVIDEO", "AUDIO"]),
        ] as [([String], [String])])
    func `captures stay where what was made of them goes, and the mark is set`(kinds: [String], copied: [String]) {
        let plan = plan(outcome(recording(kinds.compactMap(MediaKind.init))))
        #expect(plan?.copies.map(\.rawValue) == copied)
        #expect(plan?.mark == .synchronized)
    }

    @Test func `a capture that nothing was made of prevents the mark, unless that is allowed`() {
        let phone = recording([.audio, .phoneVideoMag])
        #expect(phone.undecoded.map(\.id) == [2])
        #expect(plan(outcome(phone))?.copies == [.audio])
        #expect(plan(outcome(phone))?.mark == nil)
        #expect(plan(outcome(phone, allowing: true))?.mark == .synchronized)
    }

    @Test(
        arguments: [
            (["MAG"], "FINISHED"), (["MAG", "PVSTREAM"], "FINISHED"), (["AUDIO"], "EXT_DATA_SAVED"),
            (["MAG"], "DECODED"),
        ] as [([String], String)])
    func `what is not decoded at all is held, and taken only when the switch is off`(kinds: [String], state: String) {
        let kinds = kinds.compactMap(MediaKind.init)
        let raw = recording(kinds, state: state)
        #expect(outcome(raw) == .hold(.notProcessed))
        let taken = plan(outcome(raw, onlyProcessed: false))
        #expect(taken?.copies == kinds)
        #expect(taken?.mark == (state == "FINISHED" ? .synchronized : nil))
    }
}
