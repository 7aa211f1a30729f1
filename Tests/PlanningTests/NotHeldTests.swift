internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct NotHeldTests {
    private let prefix = FilePath("/mnt/rec")

    private func source(_ kinds: [MediaKind], deleted: Bool = false) -> SourceRecording {
        SourceRecording(
            source: SourceName("north"), id: 7, sid: Sid("s"), call: SourceCall(id: 3), length: 60, state: "FINISHED",
            problemStatus: "NO_PROBLEM", mark: .synchronized, isDeleted: deleted,
            media: kinds.enumerated().map { place, kind in
                SourceMedia(id: Int64(place), kind: kind, path: FilePath("/opt/\(place)"), size: 1000)
            })
    }

    private func replay(_ media: [(MediaKind, String)], deleted: Bool = false, archived: Bool = false) -> ReplayHolding
    {
        ReplayHolding(
            recording: ReplayRecording(
                id: 70, callID: 30, sid: Sid("s"), length: 60, state: "FINISHED", problemStatus: "NO_PROBLEM",
                isDeleted: deleted, isArchived: archived,
                media: media.enumerated().map { place, row in
                    ReplayMedia(id: Int64(100 + place), kind: row.0, path: FilePath(row.1), size: 1000)
                }))
    }

    private func kinds(_ recording: SourceRecording, _ holding: ReplayHolding) -> Set<MediaKind> {
        kindsNotHeld(of: recording, with: holding, pointingBelow: prefix)
    }

    @Test func `what the replay has nothing of is not held`() {
        #expect(kinds(source([.audio, .recd]), ReplayHolding()) == [.audio, .recd])
        #expect(kinds(source([.audio, .recd]), replay([(.audio, "/srv/a")])) == [.recd])
        #expect(kinds(source([.audio, .recd]), replay([(.audio, "/srv/a"), (.recd, "/srv/r")])).isEmpty)
    }

    @Test func `a row that points to the recorder's file holds nothing`() {
        #expect(kinds(source([.audio]), replay([(.audio, "/mnt/rec/opt/0")])) == [.audio])
    }

    @Test func `two files of a kind need two`() {
        #expect(kinds(source([.audio, .audio]), replay([(.audio, "/srv/a")])) == [.audio])
    }

    @Test func `what was removed on purpose is not lacking`() {
        #expect(kinds(source([.audio]), replay([], deleted: true)).isEmpty)
        #expect(kinds(source([.audio]), replay([], archived: true)).isEmpty)
        #expect(kinds(source([.audio]), ReplayHolding(isRemoved: true)).isEmpty)
        #expect(kinds(source([.audio], deleted: true), ReplayHolding()).isEmpty)
    }
}
