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
            var bad: [(Replica, AuditFinding.Kind, String)] = []
            for (replica, sight) in await look(at: page, names) {
                switch sight {
                case .whole: break
                case .missing: bad.append((replica, .copyMissing, "is not there"))
                case .changed(let how): bad.append((replica, .copyChanged, how))
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
            result.block(.copiesUnseen, nil, "\(count) copies on \(name) could not be looked at.")
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

    /// What the replay's own tools took away is no finding.
    private func judge(
        _ bad: [(Replica, AuditFinding.Kind, String)], _ names: [VolumeID: VolumeName], _ result: inout AuditResult
    ) async throws {
        if bad.isEmpty { return }
        let catalog = audit.base.replay.catalog
        let sids = Array(Set(bad.map(\.0.content.sid)))
        let (standing, sightings) = try await audit.base.replay.database.perform { session in
            let found = try catalog.find(sids: sids, on: session)
            var sightings: [Sid: [Sighting]] = [:]
            for sid in sids { sightings[sid] = try Sightings.find(sid: sid, in: session) }
            return (found, sightings)
        }
        var doubted: [Replica] = []
        for (replica, kind, how) in bad {
            let content = replica.content
            let recording = standing[content.sid]
            let isNamed = recording?.media.contains { $0.id == content.replayMediaID } ?? false
            guard let recording, isNamed, !recording.isDeleted, !recording.isArchived else {
                result.summary.copiesLetGo += 1
                continue
            }
            let reference = sightings[content.sid]?.first?.reference
            let what =
                content.isResult ? "The muxed file" : "The copy of \(content.kind.rawValue)"
            let owner = reference.map { "of \($0)" } ?? "of the replay's recording \(recording.id)"
            let place = names[content.volume].map(\.rawValue) ?? content.volume.rawValue
            let text = "\(what) \(owner) on volume \(place) \(how)."
            if content.isResult || audit.request.repairs {
                // Of a repair, what is lacking shows at its source; what has none there is named here.
                result.find(kind, reference, text)
            } else {
                result.block(kind, reference, text)
            }
            if !content.isResult { doubted.append(replica) }
        }
        if audit.request.repairs, !doubted.isEmpty {
            let ids = doubted.map(\.id)
            let again = Set(doubted.map(\.content.sid)).flatMap { sightings[$0] ?? [] }.map {
                SightingPlan(
                    reference: $0.reference, sid: $0.sid, stopped: $0.stopped,
                    outcome: .wait(why: "a copy of it is not on its volume", delay: .zero))
            }
            try await audit.base.replay.database.transaction { session in
                try Plans.record(again, in: session)
                try Replicas.doubt(ids, in: session)
            }
        }
    }
}
