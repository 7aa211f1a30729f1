internal import Catalogs
internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Telemetry
internal import Vocabulary

/// A held copy that is not what was copied.
struct BadCopy: Sendable {
    enum Kind: Hashable, Sendable {
        case changed
        case missing
        case unreadable
    }

    let replica: Replica
    let kind: Kind
    /// A clause behind "it": "has 7 bytes and should have 40000".
    let how: String
}

/// What follows for copies that were found bad: told, and brought again where a source still has them.
struct BadCopies: Sendable {
    let base: ReplayBase
    let bringers: Bringers
    let narrator: any Narrator

    /// What became of them.
    struct Outcome: Sendable {
        /// They are bad. What can be is brought again.
        var bad: [Replica.ID] = []
        /// The replay's own tools took them away: nothing relies on them.
        var letGo: [Replica.ID] = []
        /// Meanwhile replaced or removed.
        var over: [Replica.ID] = []
        /// A source that may have it could not be asked.
        var unclear: [Replica.ID] = []
    }

    func judge(_ found: [BadCopy], on volume: VolumeName) async throws -> Outcome {
        var outcome = Outcome()
        if found.isEmpty { return outcome }
        let catalog = base.replay.catalog
        let sids = Array(Set(found.map(\.replica.content.sid)))
        let (held, standing, sightings) = try await base.replay.database.perform { session in
            let held = try Replicas.find(found.map(\.replica.id), in: session).filter { $0.state == .held }
            var sightings: [Sid: [Sighting]] = [:]
            for sid in sids { sightings[sid] = try Sightings.find(sid: sid, in: session) }
            return (Set(held.map(\.id)), try catalog.find(sids: sids, on: session), sightings)
        }
        var bad: [BadCopy] = []
        for one in found {
            if !held.contains(one.replica.id) {
                outcome.over.append(one.replica.id)
            } else if one.replica.content.isNamed(by: standing[one.replica.content.sid]) {
                bad.append(one)
            } else {
                outcome.letGo.append(one.replica.id)
            }
        }
        let brought = try await bringers.find(Set(bad.filter(\.isOfSource).map(\.wanted)))
        let results = bad.map(\.replica).filter(\.content.isResult)
        let muxedAgain =
            results.isEmpty
            ? [] : try await base.replay.database.transaction { session in try MuxJobs.makeAgain(results, in: session) }
        var doubted: [Replica] = []
        var marks: Set<RecordingReference> = []
        for one in bad {
            let known = sightings[one.replica.content.sid] ?? []
            let reference = (known.first { $0.reference.source == one.replica.content.source } ?? known.first)?
                .reference
            let origin = brought[one.wanted]
            let isUnclear = one.isOfSource && (origin?.recordings.isEmpty ?? true) && !(origin?.unseen.isEmpty ?? true)
            try await tell(
                one, reference, origin, isMuxedAgain: muxedAgain.contains(one.replica.id), on: volume)
            if isUnclear { outcome.unclear.append(one.replica.id) } else { outcome.bad.append(one.replica.id) }
            // An index file comes with its sound, where the recorder has it still.
            guard !one.replica.content.isResult, !one.isOfSource || origin?.recordings.isEmpty == false else {
                continue
            }
            doubted.append(one.replica)
            marks.formUnion(Set(origin?.marked ?? []).intersection(origin?.recordings ?? []))
        }
        if doubted.isEmpty { return outcome }
        // The ledger first: from then on the keepers look at them, whether their marks are gone yet or not.
        let (replicas, seen) = (doubted, sightings)
        try await base.replay.database.transaction { session in try CopyDoubt.write(replicas, seen, in: session) }
        do {
            try await bringers.takeBack(marks)
        } catch {
            narrator.tell(.turnFailed, .service("scrub"), .detail(error))
        }
        return outcome
    }

    private func tell(
        _ one: BadCopy, _ reference: RecordingReference?, _ found: Bringers.Found?, isMuxedAgain: Bool,
        on volume: VolumeName
    ) async throws {
        let content = one.replica.content
        let after: String
        if content.isResult {
            after =
                isMuxedAgain
                ? "it is muxed again from sound and screen" : "its sound, or every screen of it, is not held and good"
        } else if content.kind == .index {
            after = "it is looked for again"
        } else if let bringer = found?.recordings.first {
            after = "\(bringer) has it, and it is copied again"
        } else if let unseen = found?.unseen.first {
            after = "whether source \(unseen) has it could not be seen, and is asked again"
        } else {
            after = "no recorder has it any more"
        }
        let detail = "\(one.how); \(after)"
        let (event, kind): (Event, ProblemKind) =
            switch one.kind {
            case .changed: (.scrubMismatch, .copyChanged)
            case .missing: (.scrubMissing, .copyMissing)
            case .unreadable: (.scrubUnreadable, .copyUnreadable)
            }
        narrator.tell(
            event,
            facts: [
                .kind(content.kind), .volume(volume), .volumeID(content.volume), .size(bytes: content.size),
                .sha256(content.digest), .detail(one.kind == .missing ? after : "it \(detail)"),
            ] + (reference.map { [.recording($0)] } ?? [])
                + (content.replayMediaID.map { [.media($0)] } ?? []))
        let owner = reference.map { " of \($0)" } ?? ""
        let what = content.isResult ? "The muxed file" : "The copy of \(content.kind.rawValue)"
        try await base.problems.open(
            ProblemBook.Finding(
                kind, subject: CopyProblems.subject(one.replica.id), recording: reference, place: volume.rawValue,
                what: "\(what)\(owner) on volume \(volume) \(detail)."))
    }
}

extension BadCopy {
    fileprivate var wanted: Bringers.Wanted { .init(sid: replica.content.sid, kind: replica.content.kind) }
    /// Whether a media row of a source stands for it.
    fileprivate var isOfSource: Bool { !replica.content.isResult && replica.content.kind != .index }
}
