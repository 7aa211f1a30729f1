internal import Catalogs
internal import Copying
internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Every held copy against its volume.
struct CopiesAudit: Sendable {
    let audit: Audit
    let samples: [VolumeSample]

    private enum Sight: Sendable {
        case whole
        case missing
        case changed(String)
        case unseen
    }

    func run(_ result: inout AuditResult) async throws {
        let names = Dictionary(
            samples.compactMap { sample in sample.proof.map { ($0.id, sample.settings.name) } },
            uniquingKeysWith: { first, _ in first })
        var unseen: [VolumeID: Int] = [:]
        var last = Replica.ID(rawValue: 0)
        while true {
            let after = last
            let page = try await audit.base.replay.database.perform { session in
                try Replicas.held(after: after, limit: Audit.page, in: session)
            }
            guard let end = page.last else { break }
            last = end.id
            var bad: [Bad] = []
            for (replica, sight) in await look(at: page, names) {
                switch sight {
                case .whole: break
                case .missing: bad.append(Bad(replica: replica, kind: .copyMissing, how: "is not there"))
                case .changed(let how): bad.append(Bad(replica: replica, kind: .copyChanged, how: how))
                case .unseen: unseen[replica.content.volume, default: 0] += 1
                }
            }
            result.summary.copies += page.count
            try await judge(bad, names, &result)
            audit.advance("copies", result.summary.copies)
        }
        for (volume, count) in unseen.sorted(by: { $0.key < $1.key }) {
            let name =
                names[volume].map { "volume \($0)" } ?? "a volume that is absent or not in the settings (\(volume))"
            result.tell(.copiesUnseen, nil, "\(count) copies on \(name) could not be looked at.", .blocks)
        }
    }

    private func look(at page: [Replica], _ names: [VolumeID: VolumeName]) async -> [(Replica, Sight)] {
        await withTaskGroup(of: (Replica, Sight).self) { group in
            var waiting = page[...]
            func add() {
                guard let replica = waiting.popFirst() else { return }
                group.addTask { (replica, await look(at: replica, names)) }
            }
            for _ in 0..<8 { add() }
            var seen: [(Replica, Sight)] = []
            while let next = await group.next() {
                seen.append(next)
                add()
            }
            return seen
        }
    }

    private func look(at replica: Replica, _ names: [VolumeID: VolumeName]) async -> Sight {
        let content = replica.content
        guard let name = names[content.volume],
            let copier = await audit.base.roster.copier(of: content.volume, named: name)
        else { return .unseen }
        do throws(CopyError) {
            guard let size = try await copier.size(of: content.path) else { return .missing }
            guard size == content.size else { return .changed("has \(size) bytes and should have \(content.size)") }
            guard audit.request.isDeep else { return .whole }
            guard let found = try await copier.examine(content.path) else { return .missing }
            return found.digest == content.digest ? .whole : .changed("has other bytes than were copied")
        } catch {
            return .unseen
        }
    }

    fileprivate struct Bad: Sendable {
        let replica: Replica
        let kind: AuditFinding.Kind
        let how: String

        var wanted: Bringers.Wanted { .init(sid: replica.content.sid, kind: replica.content.kind) }
    }

    /// What the replay's own tools took away is no finding.
    private func judge(_ bad: [Bad], _ names: [VolumeID: VolumeName], _ result: inout AuditResult) async throws {
        if bad.isEmpty { return }
        let catalog = audit.base.replay.catalog
        let sids = Array(Set(bad.map(\.replica.content.sid)))
        let (standing, sightings) = try await audit.base.replay.database.perform { session in
            let found = try catalog.find(sids: sids, on: session)
            var sightings: [Sid: [Sighting]] = [:]
            for sid in sids { sightings[sid] = try Sightings.find(sid: sid, in: session) }
            return (found, sightings)
        }
        let named = bad.filter { $0.replica.content.isNamed(by: standing[$0.replica.content.sid]) }
        result.summary.copiesLetGo += bad.count - named.count
        let found = try await audit.bringers.find(Set(named.filter { $0.isOfSource }.map(\.wanted)))
        let results = audit.request.repairs ? named.map(\.replica).filter(\.content.isResult) : []
        let muxedAgain =
            results.isEmpty
            ? []
            : try await audit.base.replay.database.transaction { session in
                try MuxJobs.makeAgain(results, in: session)
            }
        for one in named {
            let content = one.replica.content
            let reference = sightings[content.sid]?.first { $0.reference.source == content.source }?.reference
            let owner = (reference ?? sightings[content.sid]?.first?.reference).map { "of \($0)" }
            let place = names[content.volume].map(\.rawValue) ?? content.volume.rawValue
            let recording = standing[content.sid].map { "of the replay's recording \($0.id)" } ?? ""
            let what = content.isResult ? "The muxed file" : "The copy of \(content.kind.rawValue)"
            let text = "\(what) \(owner ?? recording) on volume \(place) \(one.how)"
            let named = reference ?? sightings[content.sid]?.first?.reference
            if muxedAgain.contains(one.replica.id) {
                result.tell(one.kind, named, "\(text); it is muxed again from sound and screen.", .seenTo)
            } else {
                tell(one, text, found[one.wanted], named, &result)
            }
        }
        guard audit.request.repairs else { return }
        let doubted = named.map(\.replica).filter { !$0.content.isResult }
        try await audit.base.replay.database.transaction { session in
            try CopyDoubt.write(doubted, sightings, in: session)
        }
    }

    private func tell(
        _ bad: Bad, _ text: String, _ found: Bringers.Found?, _ reference: RecordingReference?,
        _ result: inout AuditResult
    ) {
        let repairs = audit.request.repairs
        // Of what was doubted before, the marks were taken back then.
        let otherwise: AuditFinding.Weight = bad.replica.isDoubted ? .stays : .blocks
        // No mark promises a muxed file.
        if bad.replica.content.isResult { return result.tell(bad.kind, reference, "\(text).", .stays) }
        guard bad.isOfSource else {
            // An index file comes with its sound, where the recorder has it still.
            return result.tell(
                bad.kind, reference, repairs ? "\(text); it is looked for again." : "\(text).",
                repairs ? .seenTo : otherwise)
        }
        if let bringer = found?.recordings.first {
            return repairs
                ? result.tell(bad.kind, reference, "\(text); \(bringer) has it, and it is copied again.", .seenTo)
                : result.tell(
                    bad.kind, reference,
                    bad.replica.isDoubted
                        ? "\(text); \(bringer) has it, and it is not copied again yet."
                        : "\(text); \(bringer) has it: a repair brings it again.", otherwise)
        }
        if let unseen = found?.unseen.first {
            let text = "\(text); whether source \(unseen) has it could not be seen."
            return result.tell(bad.kind, reference, text, repairs ? .stays : otherwise)
        }
        // What carries a mark is named with it, once; a volume may have it under another name.
        if repairs, audit.request.since == nil, found?.marked.isEmpty == false {
            return result.tell(bad.kind, reference, "\(text).", .seenTo)
        }
        result.tell(
            bad.kind == .copyMissing ? .lost : bad.kind, reference, "\(text), and no recorder has it any more.",
            repairs ? .stays : otherwise)
    }
}

extension CopiesAudit.Bad {
    /// Whether a media row of a source stands for it.
    fileprivate var isOfSource: Bool { !replica.content.isResult && replica.content.kind != .index }
}
