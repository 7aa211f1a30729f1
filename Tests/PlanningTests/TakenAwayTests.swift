internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct TakenAwayTests {
    private let source = SourceName("north")
    private let sound = SourceMedia(id: 1, kind: .audio, path: FilePath("/data/calls/20260301/1"), size: 1000)
    private let screen = SourceMedia(id: 2, kind: .video, path: FilePath("/data/screens/20260301/2.mp4"), size: 9000)

    private var shown: SourceRecording {
        SourceRecording(
            source: source, id: 7, sid: Sid("s"), call: SourceCall(id: 3), start: WallTime(microseconds: 0), length: 60,
            state: "FINISHED", problemStatus: "NO_PROBLEM", media: [sound, screen])
    }

    private func held(_ media: [ReplayMedia]) -> ReplayRecording {
        ReplayRecording(
            id: 70, callID: 30, sid: Sid("s"), start: WallTime(microseconds: 0), length: 60, state: "FINISHED",
            problemStatus: "NO_PROBLEM", media: media)
    }

    private func row(_ id: Int64, _ kind: MediaKind) -> ReplayMedia {
        ReplayMedia(id: id, kind: kind, path: FilePath("/r/\(id)"), size: 1000)
    }

    private func origin(_ id: Int64) -> MediaOrigin { MediaOrigin(source: source, mediaID: id) }

    private func reconciled(_ holding: ReplayHolding, _ switches: SourceSwitches = SourceSwitches()) -> Reconciliation {
        reconcile(shown, with: holding, switches: switches)
    }

    private func plan(_ holding: ReplayHolding) -> ReconcilePlan? {
        guard case .plan(let plan) = reconciled(holding) else { return nil }
        return plan
    }

    /// Both media were copied into rows 5 and 6.
    private func bothCopied(_ recording: ReplayRecording?) -> ReplayHolding {
        ReplayHolding(recording: recording, origins: [origin(1): 5, origin(2): 6])
    }

    @Test func `what was held in full before it was taken away rests with its true mark`() {
        var holding = bothCopied(nil)
        holding.isRemoved = true
        #expect(reconciled(holding) == .rest(mark: .synchronized))
        var deleted = held([row(5, .audio), row(6, .video)])
        deleted.isDeleted = true
        #expect(reconciled(bothCopied(deleted)) == .rest(mark: .synchronized))
        deleted.isDeleted = false
        deleted.isArchived = true
        #expect(reconciled(bothCopied(deleted)) == .rest(mark: .synchronized))
    }

    @Test func `what was not held in full rests without a mark`() {
        var holding = ReplayHolding(origins: [origin(1): 5], isRemoved: true)
        #expect(reconciled(holding) == .rest(mark: nil))
        holding.outdated = [origin(2): 6]
        #expect(reconciled(holding) == .rest(mark: nil))
        #expect(
            reconciled(holding, SourceSwitches(kinds: [.audio], allowMarkWithoutCopy: true))
                == .rest(mark: .synchronized))
        #expect(reconciled(holding, SourceSwitches(kinds: [.audio])) == .rest(mark: nil))
    }

    @Test func `rows that are gone without a word are a problem`() {
        #expect(reconciled(bothCopied(nil)) == .hold(.removedAtReplay))
    }

    @Test func `what the vendor's tool restored is kept, and nothing is copied`() {
        var there = held([row(5, .audio), row(6, .video)])
        (there.isDeleted, there.isRestored) = (true, true)
        #expect(plan(bothCopied(there))?.copies == [])
        #expect(plan(bothCopied(there))?.mark == .synchronized)
    }

    @Test func `a media row that was removed on purpose does not come back, and hinders no mark`() {
        var holding = bothCopied(held([row(6, .video)]))
        (holding.gone, holding.removedMedia) = ([5: .audio], [5])
        #expect(plan(holding)?.steps == [.leave(sound, .removedAfterHeld), .keep(screen, isOwnCopy: true)])
        #expect(plan(holding)?.mark == .synchronized)
    }

    @Test func `a media row that is gone without a word gets neither copy nor mark`() {
        var holding = bothCopied(held([row(6, .video)]))
        holding.gone = [5: .audio]
        #expect(plan(holding)?.steps == [.leave(sound, .lostAtReplay), .keep(screen, isOwnCopy: true)])
        #expect(plan(holding)?.mark == nil)
    }

    @Test func `what was removed of one source's copy is not brought by another`() {
        let other = MediaOrigin(source: SourceName("south"), mediaID: 41)
        var holding = ReplayHolding(recording: held([row(6, .video)]), origins: [other: 5, origin(2): 6])
        (holding.gone, holding.removedMedia) = ([5: .audio], [5])
        #expect(plan(holding)?.steps == [.leave(sound, .removedAtReplay), .keep(screen, isOwnCopy: true)])
        #expect(plan(holding)?.mark == nil)
    }

    @Test func `a late second file of a kind comes although the first was removed`() {
        let second = SourceMedia(id: 3, kind: .audio, path: FilePath("/data/calls/20260301/3"), size: 1000)
        var late = shown
        late.media.append(second)
        var holding = bothCopied(held([row(6, .video)]))
        (holding.gone, holding.removedMedia) = ([5: .audio], [5])
        guard case .plan(let plan) = reconcile(late, with: holding, switches: SourceSwitches()) else {
            Issue.record("no plan")
            return
        }
        #expect(plan.copies == [second])
    }

    @Test func `a row that the vendor's tool made anew stands for the removed one`() {
        var holding = bothCopied(held([row(6, .video), row(9, .audio)]))
        (holding.gone, holding.removedMedia) = ([5: .audio], [5])
        #expect(plan(holding)?.steps == [.keep(sound, isOwnCopy: true), .keep(screen, isOwnCopy: true)])
    }

    @Test func `a row that a plan would replace, and that is gone, is not replaced`() {
        var holding = ReplayHolding(
            recording: held([row(6, .video)]), origins: [origin(2): 6], outdated: [origin(1): 5])
        (holding.gone, holding.removedMedia) = ([5: .audio], [5])
        #expect(plan(holding)?.copies == [])
    }

    @Test func `what is wanted back is copied into the rows that stand`() {
        var there = held([row(5, .audio), row(6, .video)])
        there.isDeleted = true
        var holding = ReplayHolding(recording: there)
        holding.isRestoring = true
        #expect(
            plan(holding)?.steps
                == [.replace(sound, replayMediaID: 5), .replace(screen, replayMediaID: 6)])
        // The sound is back: its row has a copy since.
        holding.origins = [origin(1): 5]
        holding.claims = [5: RecordingClaims(shown)]
        #expect(
            plan(holding)?.steps == [.keep(sound, isOwnCopy: true), .replace(screen, replayMediaID: 6)])
    }
}
