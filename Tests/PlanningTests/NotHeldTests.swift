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
        kindsNotHeld(of: recording, with: holding, pointingBelow: [FilePath("/mnt/other"), prefix])
    }

    @Test func `what the replay has nothing of is not held`() {
        #expect(kinds(source([.audio, .recd]), ReplayHolding()) == [.audio, .recd])
        #expect(kinds(source([.audio, .recd]), replay([(.audio, "/srv/a")])) == [.recd])
        #expect(kinds(source([.audio, .recd]), replay([(.audio, "/srv/a"), (.recd, "/srv/r")])).isEmpty)
    }

    @Test func `a row that points to the recorder's file holds nothing`() {
        #expect(kinds(source([.audio]), replay([(.audio, "/mnt/rec/opt/0")])) == [.audio])
    }

    @Test func `nor does one that points to another recorder's file, be it better`() {
        #expect(kinds(source([.audio]), replay([(.audio, "/mnt/other/opt/0")])) == [.audio])
        // Of a recorder that the settings have no more.
        var left = replay([(.audio, "/mnt/left/opt/0")])
        left.recording?.media[0].size = 2000
        let pointer = Pointer(replayMediaID: 100, path: FilePath("/mnt/left/opt/0"), isCurrent: true)
        left.pointers = [MediaOrigin(source: SourceName("south"), mediaID: 1): pointer]
        #expect(kinds(source([.audio]), left) == [.audio])
        // A copy on a volume below a recorder's directory is one all the same.
        var copied = replay([(.audio, "/mnt/other/volume/0")])
        copied.origins = [MediaOrigin(source: SourceName("south"), mediaID: 1): 100]
        #expect(kinds(source([.audio]), copied).isEmpty)
    }

    @Test func `a capture that was not decoded is not held, and one that was needs no copy`() {
        #expect(kinds(source([.mag]), ReplayHolding()) == [.mag])
        #expect(kinds(source([.audio, .phoneVideoStream]), replay([(.audio, "/srv/a")])) == [.phoneVideoStream])
        #expect(kinds(source([.mag, .audio]), replay([(.audio, "/srv/a")])).isEmpty)
    }

    @Test func `nor is a copy that is not what it was, for whichever source`() {
        var doubted = replay([(.audio, "/srv/a")])
        doubted.doubted = [100]
        #expect(kinds(source([.audio]), doubted) == [.audio])
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
