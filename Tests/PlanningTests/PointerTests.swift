import Planning
import Testing
import Vocabulary

/// Copying is off: rows point at the source's own files.
@Suite struct PointerTests {
    private let source = SourceName("north")
    private let off = SourceSwitches(copyFiles: false, allowMarkWithoutCopy: true)

    private func sound(_ id: Int64, size: Int64 = 1000) -> SourceMedia {
        SourceMedia(id: id, kind: .audio, path: FilePath("/data/calls/\(id)"), size: size)
    }

    private func recording(_ media: [SourceMedia], status: String = "NO_PROBLEM") -> SourceRecording {
        SourceRecording(
            source: source, id: 7, sid: Sid("s"), call: SourceCall(id: 3), start: WallTime(microseconds: 0), length: 60,
            state: "FINISHED", problemStatus: status, media: media)
    }

    private func held(rows: Int64..., status: String = "NO_PROBLEM") -> ReplayRecording {
        ReplayRecording(
            id: 70, callID: 30, sid: Sid("s"), start: WallTime(microseconds: 0), length: 60, state: "FINISHED",
            problemStatus: status,
            media: rows.map { ReplayMedia(id: $0, kind: .audio, path: FilePath("/r/\($0)"), size: 1000) })
    }

    private func plan(
        _ recording: SourceRecording, _ holding: ReplayHolding, _ switches: SourceSwitches
    ) -> ReconcilePlan? {
        guard case .plan(let plan) = reconcile(recording, with: holding, switches: switches) else { return nil }
        return plan
    }

    private func pointer(_ row: Int64, isCurrent: Bool = true) -> Pointer {
        Pointer(replayMediaID: row, path: FilePath("/mnt/data/calls/1"), isCurrent: isCurrent)
    }

    private func origin(_ media: Int64, of source: SourceName? = nil) -> MediaOrigin {
        MediaOrigin(source: source ?? self.source, mediaID: media)
    }

    @Test func `what is not there is pointed at, and marked only where that is allowed`() {
        let shown = recording([sound(1), sound(2)])
        let made = plan(shown, ReplayHolding(), off)
        #expect(made?.steps == [.point(sound(1)), .point(sound(2))])
        #expect(made?.copies.isEmpty == true && made?.mark == .synchronized)
        let strict = plan(shown, ReplayHolding(), SourceSwitches(copyFiles: false))
        #expect(strict?.steps == made?.steps && strict?.mark == .none)
    }

    @Test func `our pointer is found again, and stays for as long as its row says the same`() {
        var holding = ReplayHolding(recording: held(rows: 5), pointers: [origin(1): pointer(5)])
        let made = plan(recording([sound(1)]), holding, off)
        #expect(made?.steps == [.keepPointer(sound(1), replayMediaID: 5, isOwn: true)])
        #expect(made?.mark == .synchronized)
        holding.pointers = [origin(1): pointer(5, isCurrent: false)]
        let changed = plan(recording([sound(1, size: 3)]), holding, off)
        #expect(changed?.steps == [.repoint(sound(1, size: 3), replayMediaID: 5)])
    }

    @Test func `a pointer whose row the replay removed does not come back`() {
        for isCurrent in [true, false] {
            let holding = ReplayHolding(
                recording: held(), pointers: [origin(1): pointer(5, isCurrent: isCurrent)])
            let made = plan(recording([sound(1)]), holding, off)
            #expect(made?.steps == [.keepPointer(sound(1), replayMediaID: 5, isOwn: true)])
        }
        #expect(
            reconcile(recording([sound(1)]), with: ReplayHolding(pointers: [origin(1): pointer(5)]), switches: off)
                == .hold(.removedAtReplay))
    }

    @Test func `a copy gives way to no pointer, and what is better at the recorder gets no mark unasked`() {
        let strict = SourceSwitches(copyFiles: false)
        let copied = ReplayHolding(recording: held(rows: 5), origins: [origin(9, of: SourceName("south")): 5])
        #expect(plan(recording([sound(1)]), copied, off)?.steps == [.keep(sound(1), isOwnCopy: false)])
        let better = plan(recording([sound(1, size: 2000)]), copied, strict)
        #expect(better?.steps == [.leave(sound(1, size: 2000), .betterThanHeld)] && better?.mark == .none)
        #expect(plan(recording([sound(1, size: 2000)]), copied, off)?.mark == .notUsed)
        // Nor does what stood there before us.
        let poor = ReplayHolding(recording: held(rows: 5, status: "NO_STREAMS"))
        #expect(plan(recording([sound(1)]), poor, off)?.steps == [.leave(sound(1), .betterThanHeld)])
        // Our own copy of what the row said before stays, too; it is no copy of more than that.
        let old = ReplayHolding(recording: held(rows: 5), outdated: [origin(1): 5])
        #expect(
            plan(recording([sound(1, size: 900)]), old, off)?.steps
                == [.keep(sound(1, size: 900), isOwnCopy: true)])
        let grown = plan(recording([sound(1, size: 1200)]), old, strict)
        #expect(grown?.steps == [.leave(sound(1, size: 1200), .betterThanHeld)] && grown?.mark == .none)
    }

    @Test func `two sources that are not copied point at the better file, and a tie stays`() {
        let other = ReplayHolding(recording: held(rows: 5), pointers: [origin(9, of: SourceName("south")): pointer(5)])
        #expect(
            plan(recording([sound(1)]), other, off)?.steps
                == [.keepPointer(sound(1), replayMediaID: 5, isOwn: false)])
        #expect(plan(recording([sound(1)]), other, off)?.mark == .notUsed)
        #expect(plan(recording([sound(1)]), other, SourceSwitches(copyFiles: false))?.mark == .none)
        #expect(
            plan(recording([sound(1, size: 2000)]), other, off)?.steps
                == [.repoint(sound(1, size: 2000), replayMediaID: 5)])
    }

    @Test func `a copy takes the row of a pointer when copying is switched on, ours or another source's`() {
        let copying = SourceSwitches()
        for isCurrent in [true, false] {
            let own = ReplayHolding(recording: held(rows: 5), pointers: [origin(1): pointer(5, isCurrent: isCurrent)])
            let made = plan(recording([sound(1)]), own, copying)
            #expect(made?.steps == [.replace(sound(1), replayMediaID: 5)] && made?.mark == .synchronized)
        }
        let others = ReplayHolding(
            recording: held(rows: 5), pointers: [origin(9, of: SourceName("south")): pointer(5)])
        #expect(plan(recording([sound(1)]), others, copying)?.steps == [.replace(sound(1), replayMediaID: 5)])
    }

    @Test func `what only points at something better licenses no deletion of what is worse`() {
        let better = ReplayHolding(
            recording: held(rows: 5), pointers: [origin(9, of: SourceName("south")): pointer(5)])
        let worse = recording([sound(1)], status: "ONLY_ONE_STREAM")
        let made = plan(worse, better, SourceSwitches())
        #expect(made?.steps == [.leave(sound(1), .pointsAtBetter)] && made?.mark == .none)
        #expect(plan(worse, better, SourceSwitches(allowMarkWithoutCopy: true))?.mark == .notUsed)
    }

    @Test func `switches of kinds go on working`() {
        let switches = SourceSwitches(kinds: [.video], copyFiles: false, allowMarkWithoutCopy: true)
        #expect(plan(recording([sound(1)]), ReplayHolding(), switches)?.steps == [.leave(sound(1), .kindIsOff)])
    }

    @Test func `the replay sees a file below its prefix`() {
        for prefix in ["/mnt/rec", "/mnt/rec/"] {
            let mounts = ServedMounts(prefix: FilePath(prefix), recorderPrefix: FilePath("/opt"), mounts: [])
            #expect(mounts.here(FilePath("/opt/a.mp3")) == FilePath("/mnt/rec/opt/a.mp3"))
        }
        let root = ServedMounts(prefix: FilePath("/"), recorderPrefix: FilePath("/opt"), mounts: [])
        #expect(root.here(FilePath("/opt/a.mp3")) == FilePath("/opt/a.mp3"))
    }
}
