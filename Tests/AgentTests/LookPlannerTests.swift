import Agent
import Catalogs
import Delivery
import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

private let calls = MountPath("/mnt/rec/opt/calls")
private let screens = MountPath("/mnt/rec/opt/screens")
private let source = SourceName("rec_a")

private func media(_ id: Int64, _ kind: MediaKind, _ path: String, key: String? = nil) -> SourceMedia {
    SourceMedia(id: id, kind: kind, path: FilePath(path), size: 1000, crc32: 7, keyID: key)
}

private let sound = media(1, .audio, "/opt/calls/20261121/a.mp3")
private let screen = media(2, .video, "/opt/screens/20261121/a.mp4")

private func recording(_ media: [SourceMedia], state: String = "FINISHED") -> SourceRecording {
    SourceRecording(
        source: source, id: 17, sid: Sid("sid"), call: SourceCall(id: 3),
        start: WallTime(microseconds: 1_795_176_000_000_000), length: 60, state: state, media: media,
        externalData: [ExternalDatum(key: "queue", value: "orders")])
}

private func planner(_ switches: SourceSwitches = SourceSwitches()) -> LookPlanner {
    LookPlanner(
        mounts: ServedMounts(
            prefix: FilePath("/mnt/rec"), recorderPrefix: FilePath("/opt"), mounts: [calls, screens]),
        switches: switches)
}

private func verdict(
    _ recording: SourceRecording, holding: ReplayHolding = ReplayHolding(), missingKeys: Set<String> = [],
    attempts: Int = 0, switches: SourceSwitches = SourceSwitches()
) -> LookPlanner.Verdict {
    planner(switches).plan(recording, holding: holding, missingKeys: missingKeys, attempts: attempts)
}

/// What the replay holds once this was brought.
private func held(_ recording: SourceRecording, media: [ReplayMedia] = []) -> ReplayRecording {
    ReplayRecording(
        id: 4, callID: 4, sid: recording.sid, start: recording.start, length: recording.length,
        state: recording.state, media: media, externalData: Set(recording.externalData))
}

@Suite struct LookPlannerTests {
    @Test func `media go to the agents of their mounts, and the mark is promised`() throws {
        let verdict = verdict(recording([sound, screen]))
        guard case .transfer(let transfers, let mark, let fingerprint) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(transfers.map(\.mount) == [calls, screens])
        #expect(transfers.map(\.mediaID) == [1, 2])
        #expect(transfers.map(\.path) == [sound.path, screen.path])
        #expect(transfers.map(\.crc32) == [7, 7])
        #expect(transfers.allSatisfy { $0.replacesMediaID == nil && $0.expectedSize == 1000 })
        #expect(mark == .synchronized)
        #expect(fingerprint == Fingerprint(of: recording([sound, screen])).bytes)
        #expect(verdict.problems.isEmpty && !verdict.needsMetadata)
    }

    @Test(arguments: [
        ("/opt/calls/../../etc/passwd", ProblemKind.pathRefused), ("opt/calls/a.mp3", .pathRefused),
        ("/var/elsewhere/a.mp3", .unservedMedia),
    ])
    func `a path that cannot be followed is a problem and no mark, and the other media come`(
        path: String, kind: ProblemKind
    ) {
        let verdict = verdict(recording([media(1, .audio, path), screen]))
        guard case .transfer(let transfers, nil, _) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(transfers.map(\.mediaID) == [2])
        #expect(verdict.problems.map(\.kind) == [kind])
        #expect(verdict.problems.map(\.subject) == ["rec_a/17#1"])
        #expect(verdict.problems.allSatisfy { !$0.what.contains(path) })
    }

    @Test func `where no path can be followed, nothing is brought but the rows, and there is no mark`() {
        let verdict = verdict(recording([media(1, .audio, "/var/a.mp3")]))
        guard case .keep(nil, _) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(verdict.needsMetadata)
        #expect(verdict.problems.count == 1)
    }

    @Test(arguments: [(0, Duration.seconds(10)), (1, .seconds(20)), (9, .seconds(60)), (99, .seconds(60))])
    func `a key that the replay lacks holds the whole recording, and is asked for at least each minute`(
        attempts: Int, delay: Duration
    ) {
        let sealed = recording([media(1, .audio, "/opt/calls/a.mp3", key: "k"), screen])
        let verdict = verdict(sealed, missingKeys: ["k"], attempts: attempts)
        guard case .wait(_, let pause) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(pause == delay)
        #expect(verdict.problems.isEmpty && verdict.awaits == [.key("k")])
        guard case .transfer = self.verdictOf(sealed, missing: ["other"]).outcome else {
            Issue.record("a key that is there holds it, too")
            return
        }
    }

    private func verdictOf(_ recording: SourceRecording, missing: Set<String>) -> LookPlanner.Verdict {
        verdict(recording, missingKeys: missing)
    }

    private struct Held: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let recording: SourceRecording
        var holding = ReplayHolding()
        let kind: ProblemKind?
        let isRefused: Bool
        let shortestPause: Duration
    }

    private static let holds: [Held] = [
        Held(
            testDescription: "a row that is not finished waits", recording: recording([sound], state: "DECODED"),
            kind: nil, isRefused: false, shortestPause: .seconds(10)),
        Held(
            testDescription: "a recording without media waits long", recording: recording([]), kind: nil,
            isRefused: false, shortestPause: .seconds(3600)),
        Held(
            testDescription: "what the recorder's tools took away waits long",
            recording: changed(recording([sound])) { $0.isDeleted = true }, kind: nil, isRefused: false,
            shortestPause: .seconds(3600)),
        Held(
            testDescription: "another call of the same sid is refused", recording: recording([sound]),
            holding: ReplayHolding(recording: changed(held(recording([sound]))) { $0.length = 600 }),
            kind: .sidCollision, isRefused: true, shortestPause: .seconds(10)),
        Held(
            testDescription: "copies without rows, and nothing that says why, are refused and rarely looked at",
            recording: recording([sound]),
            holding: ReplayHolding(origins: [MediaOrigin(source: source, mediaID: 1): 5]), kind: .removedAtReplay,
            isRefused: true, shortestPause: .seconds(3600)),
    ]

    @Test(arguments: holds) private func `what is held says why, and for how long`(_ one: Held) {
        let verdict = verdict(one.recording, holding: one.holding)
        switch verdict.outcome {
        case .wait(_, let delay):
            #expect(!one.isRefused && delay == one.shortestPause)
        case .refuse(_, let delay):
            #expect(one.isRefused && delay == one.shortestPause)
        case .transfer, .keep, .rest: Issue.record("\(verdict.outcome)")
        }
        #expect(verdict.problems.map(\.kind) == (one.kind.map { [$0] } ?? []))
        #expect(!verdict.needsMetadata)
    }

    @Test func `pauses double to an hour`() {
        let open = recording([sound], state: "DECODED")
        let delays = [0, 1, 2, 8, 9, 500].map { verdict(open, attempts: $0).outcome }
        let wanted = [10, 20, 40, 2560, 3600, 3600].map {
            SightingPlan.Outcome.wait(why: "its row is not FINISHED", delay: .seconds($0))
        }
        #expect(delays == wanted)
    }

    @Test func `what is there already is kept, and only lacking metadata is brought`() {
        let shown = recording([sound])
        let there = held(shown, media: [ReplayMedia(id: 40, kind: .audio, path: FilePath("/srv/a"), size: 1000)])
        let origins = [MediaOrigin(source: source, mediaID: 1): Int64(40)]
        let done = verdict(shown, holding: ReplayHolding(recording: there, origins: origins))
        #expect(done.outcome == .keep(mark: .synchronized, fingerprint: Fingerprint(of: shown).bytes))
        #expect(!done.needsMetadata)
        let poor = changed(there) { $0.externalData = [] }
        #expect(verdict(shown, holding: ReplayHolding(recording: poor, origins: origins)).needsMetadata)
    }
}

private func changed<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
    var value = value
    change(&value)
    return value
}

/// With sightings as the ledger gives them.
@Suite struct LookPlannerSightingTests {
    private let shown = recording([sound])
    private var other: SourceRecording { recording([sound, screen]) }

    /// What the ledger says after this outcome was written down, and marked where it is to be.
    private func sighting(
        _ outcome: SightingPlan.Outcome, standing: Mark? = nil, isMarked: Bool = false
    ) async throws -> Sighting {
        let scratch = try await ScratchDatabase()
        let database = scratch.connect()
        let plan = SightingPlan(
            reference: shown.reference, sid: shown.sid, outcome: outcome, standing: standing)
        let id = shown.id
        return try await database.transaction { session in
            try Migrations.apply(program: "test", in: session)
            let planned = try Plans.record([plan], in: session)
            if isMarked { try Sightings.marked(planned, in: session) }
            return try #require(try Sightings.find(source: source, ids: [id], in: session)[id])
        }
    }

    private var fingerprint: [UInt8] { Fingerprint(of: shown).bytes }

    @Test(arguments: [
        SightingPlan.Outcome.wait(why: "it waits", delay: .seconds(60)), .refuse(why: "no", delay: .seconds(60)),
    ])
    func `what waits or is refused is left alone until its time, a hint, and no longer`(
        outcome: SightingPlan.Outcome
    ) async throws {
        let sighting = try await sighting(outcome)
        let due = sighting.notBefore
        #expect(planner().isSettled(sighting, shown, now: due + .seconds(-1), isHinted: false))
        #expect(!planner().isSettled(sighting, shown, now: due + .seconds(-1), isHinted: true))
        #expect(!planner().isSettled(sighting, shown, now: due, isHinted: false))
    }

    @Test func `what is under way is left alone for as long as its rows are the same`() async throws {
        let transfers = [
            TransferPlan(mediaID: 1, fingerprint: [1], mount: calls, kind: .audio, path: sound.path)
        ]
        let sighting = try await sighting(.transfer(transfers, mark: .synchronized, fingerprint: fingerprint))
        let late = sighting.notBefore + .seconds(100_000)
        #expect(planner().isSettled(sighting, shown, now: late, isHinted: true))
        #expect(!planner().isSettled(sighting, other, now: late, isHinted: false))
    }

    @Test func `what converged waits for its mark; without one it is looked at again each ten minutes`() async throws {
        let toMark = try await sighting(.keep(mark: .synchronized, fingerprint: fingerprint))
        let converged = try #require(toMark.converged)
        #expect(planner().isSettled(toMark, shown, now: converged + .seconds(9999), isHinted: true))
        #expect(!planner().isSettled(toMark, other, now: converged, isHinted: false))
        let withoutMark = try await sighting(.keep(mark: nil, fingerprint: fingerprint))
        let done = try #require(withoutMark.converged)
        #expect(planner().isSettled(withoutMark, shown, now: done + .seconds(599), isHinted: true))
        #expect(!planner().isSettled(withoutMark, shown, now: done + .seconds(600), isHinted: false))
        #expect(!planner().isSettled(withoutMark, other, now: done, isHinted: false))
    }

    @Test(arguments: [true, false])
    func `what is under way or converged is planned anew when the mark that stood is taken away`(
        isUnderWay: Bool
    ) async throws {
        let transfers = [
            TransferPlan(mediaID: 1, fingerprint: [1], mount: calls, kind: .audio, path: sound.path)
        ]
        let sighting = try await sighting(
            isUnderWay
                ? .transfer(transfers, mark: .synchronized, fingerprint: fingerprint)
                : .keep(mark: .synchronized, fingerprint: fingerprint), standing: .notUsed)
        let now = sighting.notBefore
        for mark in [Mark.notUsed, .synchronized] {
            let marked = changed(shown) { $0.mark = mark }
            #expect(planner().isSettled(sighting, marked, now: now, isHinted: true))
        }
        #expect(!planner().isSettled(sighting, shown, now: now, isHinted: false))
        #expect(!planner().isSettled(sighting, changed(shown) { $0.mark = .failed }, now: now, isHinted: false))
    }

    @Test func `a mark that is not at the source a minute later was taken away, and it is done again`() async throws {
        let sighting = try await sighting(.keep(mark: .synchronized, fingerprint: fingerprint), isMarked: true)
        let marked = try #require(sighting.marked)
        #expect(sighting.state == .marked)
        #expect(planner().isSettled(sighting, shown, now: marked + .seconds(59), isHinted: true))
        #expect(!planner().isSettled(sighting, shown, now: marked + .seconds(60), isHinted: false))
        #expect(!planner().isSettled(sighting, other, now: marked, isHinted: false))
    }
}

/// Index files have no row: the plan promises to look for them.
@Suite struct IndexPlanTests {
    private func verdict(_ patterns: [String], holding: ReplayHolding = ReplayHolding()) throws -> LookPlanner.Verdict {
        let switches = SourceSwitches(indexFiles: try patterns.map { try IndexPattern($0) })
        return planner(switches).plan(recording([sound, screen]), holding: holding, missingKeys: [], attempts: 0)
    }

    @Test func `an index file is looked for on the mount that its place is on, and the mark waits for it`() throws {
        guard
            case .transfer(let transfers, .synchronized, _) = try verdict(["{stem}.idx", "/opt/screens/{stem}"]).outcome
        else {
            Issue.record("no transfers with a mark")
            return
        }
        #expect(transfers.map(\.kind) == [.audio, .video, .index, .index])
        #expect(transfers.map(\.mount) == [calls, screens, calls, screens])
        #expect(transfers.map(\.mediaID) == [1, 2, 1, 1])
        #expect(Set(transfers.map(\.fingerprint)).count == 4)
        #expect(transfers[2].path == FilePath("/opt/calls/20261121/a.idx") && transfers[2].expectedSize == nil)
        #expect(transfers[2].crc32 == nil)
    }

    @Test func `what is held already still has its rows brought, and its index file looked for`() throws {
        var known = held(
            recording([sound, screen]),
            media: [
                ReplayMedia(id: 8, kind: .audio, path: FilePath("/v/a")),
                ReplayMedia(id: 9, kind: .video, path: FilePath("/v/b")),
            ])
        known.externalData = []
        let holding = ReplayHolding(
            recording: known,
            origins: [MediaOrigin(source: source, mediaID: 1): 8, MediaOrigin(source: source, mediaID: 2): 9])
        let verdict = try verdict(["{stem}.idx"], holding: holding)
        #expect(verdict.needsMetadata)
        guard case .transfer(let transfers, .synchronized, _) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(transfers.map(\.kind) == [.index])
    }

    @Test func `a place on no mount is a problem and no mark`() throws {
        let verdict = try verdict(["/var/index/{stem}"])
        guard case .transfer(let transfers, nil, _) = verdict.outcome else {
            Issue.record("\(verdict.outcome)")
            return
        }
        #expect(transfers.map(\.kind) == [.audio, .video])
        #expect(verdict.problems.map(\.kind) == [.unservedMedia])
    }
}
