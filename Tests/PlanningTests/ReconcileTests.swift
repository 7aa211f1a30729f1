internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct ReconcileTests {
    private let source = SourceName("north")

    private func media(_ id: Int64, _ kind: MediaKind, size: Int64? = 1000) -> SourceMedia {
        SourceMedia(id: id, kind: kind, path: FilePath("/data/calls/20260301/\(id)"), size: size)
    }

    private func recording(
        _ media: [SourceMedia], state: String = "FINISHED", status: String? = "NO_PROBLEM", length: Int = 60,
        start: Int64 = 0, data: [ExternalDatum] = []
    ) -> SourceRecording {
        SourceRecording(
            source: source, id: 7, sid: Sid("s"), call: SourceCall(id: 3), start: WallTime(microseconds: start),
            stop: WallTime(microseconds: start + Int64(length) * 1_000_000), length: length, state: state,
            problemStatus: status, media: media, externalData: data)
    }

    private func held(
        _ media: [ReplayMedia], status: String? = "NO_PROBLEM", length: Int = 60, data: Set<ExternalDatum> = []
    ) -> ReplayRecording {
        ReplayRecording(
            id: 70, callID: 30, sid: Sid("s"), start: WallTime(microseconds: 0), length: length, state: "FINISHED",
            problemStatus: status, media: media, externalData: data)
    }

    @Test func `a doubted copy is replaced by any source, whatever was measured, and pointed from`() {
        let offer = SourceMedia(id: 1, kind: .audio, path: FilePath("/opt/a"), size: 10)
        var holding = ReplayHolding(
            recording: held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/srv/a"), size: 1000)]))
        let other = MediaOrigin(source: SourceName("another"), mediaID: 1)
        for outdated in [[other: Int64(5)], [MediaOrigin(source: source, mediaID: 1): 5]] {
            holding.outdated = outdated
            holding.doubted = [5]
            var offered = measured(holding, offer: MediaMeasure(integrity: .damaged))
            offered.doubted = [5]
            guard case .plan(let plan) = reconcile(recording([offer]), with: offered, switches: SourceSwitches()) else {
                Issue.record("no plan")
                return
            }
            #expect(plan.steps == [.replace(offer, replayMediaID: 5)])
            #expect(plan.mark == .synchronized)
            let pointing = SourceSwitches(copyFiles: false)
            guard case .plan(let pointed) = reconcile(recording([offer]), with: holding, switches: pointing) else {
                Issue.record("no plan")
                return
            }
            #expect(pointed.steps == [.repoint(offer, replayMediaID: 5)])
        }
    }

    /// The holding with both files of media 1 and row 5 measured.
    private func measured(
        _ holding: ReplayHolding,
        offer: MediaMeasure = MediaMeasure(integrity: .whole, length: .seconds(60), size: 1000),
        standing: MediaMeasure = MediaMeasure(integrity: .whole, length: .seconds(60), size: 1000)
    ) -> ReplayHolding {
        var holding = holding
        holding.offers[1] = offer
        holding.measures[5] = standing
        return holding
    }

    private func plan(
        _ recording: SourceRecording, _ holding: ReplayHolding, _ switches: SourceSwitches = SourceSwitches()
    ) -> ReconcilePlan? {
        guard case .plan(let plan) = reconcile(recording, with: holding, switches: switches) else { return nil }
        return plan
    }

    @Test func `what is not there is copied and will be marked synchronized`() {
        let made = plan(recording([media(1, .audio), media(2, .video)]), ReplayHolding())
        #expect(made?.copies.map(\.id) == [1, 2])
        #expect(made?.mark == .synchronized)
    }

    @Test func `what is there in the same quality is kept and marked as not used`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)])
        let made = plan(recording([media(1, .audio)]), measured(ReplayHolding(recording: there)))
        #expect(made?.steps == [.keep(media(1, .audio), isOwnCopy: false)])
        #expect(made?.mark == .notUsed)
    }

    @Test func `what is there but worse is replaced in its row`() {
        let there = held(
            [ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)], status: "CAPTURE_FILE_INCOMPLETE")
        let made = plan(recording([media(1, .audio)]), measured(ReplayHolding(recording: there)))
        #expect(made?.steps == [.replace(media(1, .audio), replayMediaID: 5)])
        #expect(made?.mark == .synchronized)
    }

    @Test func `nothing is decided between two files before both were measured as they are now`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)], status: "NO_STREAMS")
        let shown = recording([media(1, .audio)])
        var holding = ReplayHolding(recording: there)
        #expect(plan(shown, holding)?.steps == [.measure(media(1, .audio), replayMediaID: 5)])
        #expect(plan(shown, holding)?.mark == nil)
        holding.offers[1] = MediaMeasure(integrity: .whole, length: .seconds(60), size: 1000)
        #expect(plan(shown, holding)?.steps == [.measure(media(1, .audio), replayMediaID: 5)])
        holding.measures[5] = MediaMeasure.unknown
        #expect(plan(shown, holding)?.steps == [.replace(media(1, .audio), replayMediaID: 5)])
    }

    @Test func `what was measured of the files beats what their rows claim`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)])
        let poor = recording([media(1, .audio)], status: "ONE_STREAM_INCOMPLETE")
        let cut = MediaMeasure(integrity: .damaged, length: .seconds(20), size: 1000)
        let whole = MediaMeasure(integrity: .whole, length: .seconds(60), size: 1000)
        let holding = ReplayHolding(recording: there)
        #expect(
            plan(poor, measured(holding, offer: whole, standing: cut))?.steps
                == [.replace(media(1, .audio), replayMediaID: 5)])
        #expect(
            plan(recording([media(1, .audio)]), measured(holding, offer: cut, standing: whole))?.steps
                == [.keep(media(1, .audio), isOwnCopy: false)])
    }

    @Test func `opaque and encrypted media are not measured, and their rows decide`() {
        var sealed = media(2, .video)
        sealed.keyID = "key"
        let there = held([
            ReplayMedia(id: 5, kind: .recd, path: FilePath("/r/a"), size: 1000),
            ReplayMedia(id: 6, kind: .video, path: FilePath("/r/b"), size: 1000),
        ])
        let made = plan(recording([media(1, .recd, size: 5000), sealed]), ReplayHolding(recording: there))
        #expect(
            made?.steps == [
                .replace(media(1, .recd, size: 5000), replayMediaID: 5), .keep(sealed, isOwnCopy: false),
            ])
    }

    @Test func `each kind competes by itself, by what its own recording claimed`() {
        let there = held(
            [
                ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000),
                ReplayMedia(id: 6, kind: .recd, path: FilePath("/r/b"), size: 1000),
            ], status: "ONE_STREAM_INCOMPLETE")
        var holding = measured(ReplayHolding(recording: there))
        // The screen came with a recording that was better than what the row says by now.
        holding.claims[6] = RecordingClaims(problemStatus: "NO_PROBLEM", isFinished: true, length: 60)
        let made = plan(recording([media(1, .audio), media(2, .recd)]), holding)
        #expect(
            made?.steps == [.replace(media(1, .audio), replayMediaID: 5), .keep(media(2, .recd), isOwnCopy: false)])
    }

    @Test func `a file that another Takeup muxed is left where its sound and screen are there, and else taken`() {
        var muxed = media(3, .video)
        muxed.path = FilePath("/srv/recordings/a/rec/20260301/muxed/7-12-13.mp4")
        var mixed = recording([media(1, .audio), media(2, .video), muxed])
        mixed.isMixed = true
        let made = plan(mixed, ReplayHolding())
        #expect(made?.copies.map(\.id) == [1, 2])
        #expect(made?.mark == .synchronized)
        mixed.media = [media(1, .audio), muxed]
        #expect(plan(mixed, ReplayHolding())?.copies.map(\.id) == [1, 3])
    }

    @Test func `a row that names the recorder's own file holds nothing: a copy takes its place, and there is no N`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/mnt/rec/calls/a"), size: 1000)])
        var holding = ReplayHolding(recording: there)
        holding.strayPointers = [5]
        let made = plan(recording([media(1, .audio)]), holding)
        #expect(made?.steps == [.replace(media(1, .audio), replayMediaID: 5)])
        #expect(made?.mark == .synchronized)
    }

    @Test func `a recorder may correct the times of a recording that was brought from it`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)])
        let holding = ReplayHolding(recording: there, origins: [MediaOrigin(source: source, mediaID: 1): 5])
        let corrected = recording([media(1, .audio), media(2, .video)], length: 600, start: 3_600_000_000)
        #expect(plan(corrected, holding)?.copies.map(\.id) == [2])
        var other = corrected
        other.source = SourceName("south")
        #expect(reconcile(other, with: holding, switches: SourceSwitches()) == .hold(.sidCollision))
    }

    @Test func `half a recording that we copied goes on with the other half`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)])
        let holding = ReplayHolding(
            recording: there, origins: [MediaOrigin(source: source, mediaID: 1): 5], results: [])
        let made = plan(recording([media(1, .audio), media(2, .audio)]), holding)
        #expect(made?.steps == [.keep(media(1, .audio), isOwnCopy: true), .copy(media(2, .audio))])
        #expect(made?.mark == .synchronized)
    }

    @Test func `a copy of a file whose row says something else by now is replaced in its row`() {
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)])
        let holding = ReplayHolding(recording: there, outdated: [MediaOrigin(source: source, mediaID: 1): 5])
        let made = plan(recording([media(1, .audio, size: 900)]), holding)
        #expect(made?.steps == [.replace(media(1, .audio, size: 900), replayMediaID: 5)])
    }

    @Test func `copies whose recording the replay has no more are not taken for the recording`() {
        let holding = ReplayHolding(origins: [MediaOrigin(source: source, mediaID: 1): 5])
        #expect(
            reconcile(recording([media(1, .audio)]), with: holding, switches: SourceSwitches())
                == .hold(.removedAtReplay))
    }

    @Test func `what is not finished gets no mark, even where it is taken`() {
        let early = recording([media(1, .audio)], state: "DECODED")
        #expect(plan(early, ReplayHolding(), SourceSwitches(onlyFinished: false))?.mark == nil)
    }

    @Test func `a muxed result is never taken for the screen`() {
        let there = held([ReplayMedia(id: 9, kind: .video, path: FilePath("/r/m"), size: 9_000_000)])
        let made = plan(recording([media(2, .video)]), ReplayHolding(recording: there, results: [9]))
        #expect(made?.copies.map(\.id) == [2])
    }

    @Test func `external data that the replay lacks are attached and nothing else`() {
        let old = ExternalDatum(key: "k", value: "1")
        let new = ExternalDatum(key: "k", value: "2")
        let there = held([ReplayMedia(id: 5, kind: .audio, path: FilePath("/r/a"), size: 1000)], data: [old])
        let made = plan(recording([media(1, .audio)], data: [old, new]), measured(ReplayHolding(recording: there)))
        #expect(made?.attach == [new])
        #expect(made?.copies.isEmpty == true)
        #expect(made?.mark == .synchronized)
    }

    @Test func `two different calls under one sid are held, whatever their quality`() {
        let there = held([], status: "NO_STREAMS")
        let later = recording([media(1, .audio)], start: 3_600_000_000)
        #expect(
            reconcile(later, with: ReplayHolding(recording: there), switches: SourceSwitches()) == .hold(.sidCollision))
        let longer = recording([media(1, .audio)], length: 600)
        #expect(
            reconcile(longer, with: ReplayHolding(recording: there), switches: SourceSwitches()) == .hold(.sidCollision)
        )
    }

    @Test func `what the replay's tools removed does not come back`() {
        var there = held([])
        there.isDeleted = true
        #expect(
            reconcile(recording([media(1, .audio)]), with: ReplayHolding(recording: there), switches: SourceSwitches())
                == .rest(mark: nil))
        #expect(
            reconcile(recording([media(1, .audio)]), with: ReplayHolding(isRemoved: true), switches: SourceSwitches())
                == .rest(mark: nil))
    }

    @Test func `only finished recordings are taken unless the switch is off`() {
        let early = recording([media(1, .audio)], state: "DECODED")
        #expect(reconcile(early, with: ReplayHolding(), switches: SourceSwitches()) == .hold(.notFinished))
        #expect(plan(early, ReplayHolding(), SourceSwitches(onlyFinished: false))?.copies.count == 1)
    }

    @Test func `bytes that the switches leave behind get no mark unless that is allowed`() {
        let both = recording([media(1, .audio), media(2, .recd)])
        let withoutRecd = Set(MediaKind.allCases).subtracting([.recd])
        #expect(plan(both, ReplayHolding(), SourceSwitches(kinds: withoutRecd))?.mark == nil)
        #expect(
            plan(both, ReplayHolding(), SourceSwitches(kinds: withoutRecd, allowMarkWithoutCopy: true))?.mark
                == .synchronized)
        #expect(plan(both, ReplayHolding(), SourceSwitches(copyFiles: false))?.copies.isEmpty == true)
    }

    @Test func `only mixed leaves a screen without sound`() {
        let made = plan(recording([media(2, .video)]), ReplayHolding(), SourceSwitches(onlyMixed: true))
        #expect(made?.steps == [.leave(media(2, .video), .screenWithoutSound)])
        #expect(made?.mark == nil)
    }

    @Test func `every status the recorder knows has a rank of its own`() {
        let all = [
            "NO_PROBLEM", "ALL_STREAM_DELETED", "STILL_SAVING_STREAM", "ONLY_ONE_STREAM", "STREAM_IS_NULL",
            "NO_STREAMS",
            "UNKNOWN_CODEC", "NO_REPLY_FROM_RECORDER", "DECODER_IO_ERROR", "DECODER_DIFF_PAYLOAD",
            "DECODER_OVERSIZE_TARGET", "DECODER_NO_DEST_FORMAT", "NO_REPLY_FROM_DECODER", "UNKNOWN_RULES",
            "CAPTURE_FILE_NOT_FOUND", "RECORDER_LICENSE_PROBLEM", "CAPTURE_FILE_INCOMPLETE", "ONE_STREAM_INCOMPLETE",
        ]
        #expect(Set(all.map(StatusRank.rank)).count == all.count)
        #expect(!all.map(StatusRank.rank).contains(StatusRank.rank(of: "SOMETHING_NEW")))
    }
}
