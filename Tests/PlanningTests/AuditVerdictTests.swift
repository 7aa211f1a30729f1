internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct AuditVerdictTests {
    private let source = SourceName("north")

    private func recording(
        _ kinds: [MediaKind], mark: Mark = .synchronized, deleted: Bool = false, data: [ExternalDatum] = []
    ) -> SourceRecording {
        SourceRecording(
            source: source, id: 7, sid: Sid("s"), call: SourceCall(id: 3), start: WallTime(microseconds: 0), length: 60,
            state: "FINISHED", problemStatus: "NO_PROBLEM", mark: mark, isDeleted: deleted,
            media: kinds.enumerated().map { place, kind in
                SourceMedia(id: Int64(place + 1), kind: kind, path: FilePath("/opt/\(place)"), size: 1000)
            }, externalData: data)
    }

    private func holding(
        _ kinds: [MediaKind], deleted: Bool = false, archived: Bool = false, start: Int64 = 0
    ) -> ReplayHolding {
        ReplayHolding(
            recording: ReplayRecording(
                id: 70, callID: 30, sid: Sid("s"), start: WallTime(microseconds: start), length: 60, state: "FINISHED",
                problemStatus: "NO_PROBLEM", isDeleted: deleted, isArchived: archived,
                media: kinds.enumerated().map { place, kind in
                    ReplayMedia(id: Int64(100 + place), kind: kind, path: FilePath("/srv/\(place)"), size: 1000)
                }),
            origins: Dictionary(
                uniqueKeysWithValues: kinds.indices.map {
                    (MediaOrigin(source: source, mediaID: Int64($0 + 1)), Int64(100 + $0))
                }))
    }

    private func verdict(
        _ recording: SourceRecording, _ holding: ReplayHolding, _ switches: SourceSwitches = SourceSwitches()
    ) -> AuditVerdict { auditVerdict(on: recording, with: holding, switches: switches) }

    private func lacking(_ verdict: AuditVerdict) -> [MediaKind]? {
        guard case .lacking(let lacking) = verdict else { return nil }
        return lacking.media.map(\.media.kind)
    }

    @Test func `what the mark promises is held, or it is lacking`() {
        #expect(verdict(recording([.audio]), holding([.audio])) == .held)
        #expect(lacking(verdict(recording([.audio, .recd]), holding([.audio]))) == [.recd])
        #expect(lacking(verdict(recording([.audio, .recd]), ReplayHolding())) == [.audio, .recd])
    }

    @Test func `what only points at another recorder's better file holds nothing that a mark promises`() {
        var pointed = holding([.audio])
        pointed.origins = [:]
        pointed.recording?.media[0].size = 2000
        let pointer = Pointer(replayMediaID: 100, path: FilePath("/mnt/other/0"), isCurrent: true)
        pointed.pointers = [MediaOrigin(source: SourceName("south"), mediaID: 1): pointer]
        #expect(lacking(verdict(recording([.audio]), pointed)) == [.audio])
        #expect(verdict(recording([.audio]), pointed, SourceSwitches(allowMarkWithoutCopy: true)) == .held)
    }

    @Test func `that the recorder deleted it since is no excuse`() {
        #expect(lacking(verdict(recording([.audio], deleted: true), ReplayHolding())) == [.audio])
        #expect(verdict(recording([.audio], deleted: true), holding([.audio])) == .held)
    }

    @Test func `what the replay let go on purpose is not lost`() {
        #expect(verdict(recording([.audio]), holding([], deleted: true)) == .letGo)
        #expect(verdict(recording([.audio]), holding([.audio], archived: true)) == .letGo)
        #expect(verdict(recording([.audio]), ReplayHolding(isRemoved: true)) == .letGo)
    }

    @Test func `rows that are gone without a tombstone are told of`() {
        var gone = holding([.audio])
        gone.recording = nil
        #expect(verdict(recording([.audio]), gone) == .rowsGone)
    }

    @Test func `another call is no copy, and E promises nothing`() {
        // What was copied from this very recording stays its own, whatever its recorder corrects.
        #expect(verdict(recording([.audio]), holding([.audio], start: 3_600_000_000)) == .held)
        var foreign = holding([.audio], start: 3_600_000_000)
        foreign.origins = [:]
        #expect(verdict(recording([.audio]), foreign) == .collision)
        #expect(verdict(recording([.audio], mark: .erroneous), ReplayHolding()) == .givenUp)
    }

    @Test func `metadata are promised, too`() {
        let late = recording([.audio], data: [ExternalDatum(key: "k", value: "v")])
        guard case .lacking(let lacking) = verdict(late, holding([.audio])) else {
            Issue.record("metadata are not missed")
            return
        }
        #expect(lacking.media.isEmpty && lacking.metadata)
    }

    private func left(_ verdict: AuditVerdict) -> [Bool]? {
        guard case .lacking(let lacking) = verdict else { return nil }
        return lacking.media.map(\.isLeft)
    }

    @Test func `that a kind is switched off by now is no excuse, where marks without copies are not allowed`() {
        var switches = SourceSwitches()
        switches.kinds.remove(.recd)
        let off = verdict(recording([.audio, .recd]), holding([.audio]), switches)
        #expect(lacking(off) == [.recd] && left(off) == [true])
        #expect(left(verdict(recording([.audio, .recd]), ReplayHolding(), switches)) == [false, true])
        switches.allowMarkWithoutCopy = true
        #expect(verdict(recording([.audio, .recd]), holding([.audio]), switches) == .held)
    }

    @Test func `nor that files stay at the source, or screens without sound`() {
        var switches = SourceSwitches()
        switches.copyFiles = false
        #expect(left(verdict(recording([.audio]), ReplayHolding(), switches)) == [true])
        switches = SourceSwitches(onlyMixed: true)
        #expect(left(verdict(recording([.video]), ReplayHolding(), switches)) == [true])
        #expect(left(verdict(recording([.audio, .video]), ReplayHolding(), switches)) == [false, false])
    }

    @Test func `only a capture that was decoded may be left, and only where captures are left`() {
        #expect(verdict(recording([.mag, .audio]), ReplayHolding(), SourceSwitches()) != .held)
        var held = holding([.audio])
        held.origins = [MediaOrigin(source: source, mediaID: 2): 100]
        #expect(verdict(recording([.mag, .audio]), held) == .held)
        #expect(lacking(verdict(recording([.mag, .audio]), held, SourceSwitches(onlyProcessed: false))) == [.mag])
        #expect(left(verdict(recording([.mag]), ReplayHolding())) == [true])
        held.origins = [MediaOrigin(source: source, mediaID: 1): 100]
        #expect(lacking(verdict(recording([.audio, .phoneVideoMag]), held)) == [.phoneVideoMag])
    }

    @Test func `a copy that is not what it was counts for nobody`() {
        var doubted = holding([.audio])
        doubted.doubted = [100]
        // As the ledger shows it to the source that it came from.
        doubted.outdated = doubted.origins
        doubted.origins = [:]
        guard case .lacking(let own) = verdict(recording([.audio]), doubted) else {
            Issue.record("its own source thinks that it is held")
            return
        }
        #expect(own.media.map(\.replaces) == [100] && !own.isOfOthers(than: source, with: doubted))
        doubted.outdated = [MediaOrigin(source: SourceName("south"), mediaID: 1): 100]
        guard case .lacking(let other) = verdict(recording([.audio], mark: .notUsed), doubted) else {
            Issue.record("another source thinks that it is held")
            return
        }
        #expect(other.media.map(\.replaces) == [100] && other.isOfOthers(than: source, with: doubted))
    }
}
