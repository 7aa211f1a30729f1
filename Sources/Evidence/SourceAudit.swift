internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// Every marked recording of one source against what is held here.
struct SourceAudit: Sendable {
    private let audit: Audit
    private let source: SourceSettings
    private let mounts: ServedMounts
    private let files: [MountPath: RecorderFiles]
    private let volumes: [(id: VolumeID, name: VolumeName, root: FilePath)]
    private let switches: SourceSwitches
    private let database: Database
    private static let takenAtOnce = 100
    /// How long a source whose copy is not the first choice leaves it to the others.
    static let second = Duration.seconds(30)

    init(audit: Audit, source: SourceSettings, samples: [VolumeSample]) throws {
        self.audit = audit
        self.source = source
        mounts = ServedMounts(
            prefix: source.mountPath, recorderPrefix: source.recorderPrefix, mounts: source.mounts.map(\.path))
        let patience = audit.settings.watching.callPatience
        files = Dictionary(
            source.mounts.map { ($0.path, RecorderFiles($0, patience: patience)) }, uniquingKeysWith: { one, _ in one })
        volumes = samples.compactMap { sample in
            sample.proof.map { ($0.id, sample.settings.name, sample.settings.path) }
        }
        switches = SourceSwitches(source, audit.settings.synchro)
        database = Database(
            try ConnectionSettings(
                source.database, label: "source \(source.name)", applicationName: "takeup audit",
                environment: audit.environment), connections: 1)
    }

    /// Where the bytes of a lacking medium are.
    private enum Whereabouts: Sendable {
        case standing(StandingCopy)
        case atRecorder
        case atOther(RecordingReference)
        /// That source could not be asked.
        case unseen(SourceName)
        case nowhere
    }

    func run(_ result: inout AuditResult) async throws {
        let (name, zone) = (source.name, source.timeZone)
        let catalog = try await database.perform { session in
            try SourceCatalog(source: name, timeZone: zone, reading: session)
        }
        let day: Int64 = 86_400_000_000
        let query = SourceQuery(
            lower: audit.request.since ?? WallTime(microseconds: -719_000 * day),
            upper: WallTime(microseconds: 2_932_000 * day), onlyFinished: false,
            marks: .only([.synchronized, .notUsed, .erroneous, .failed]))
        var cursor: SourceCursor?
        var done = 0
        repeat {
            let after = cursor
            let page = try await database.perform { session in
                try catalog.recordings(query, after: after, limit: Audit.page, on: session)
            }
            try await compare(page.rows, catalog, &result)
            done += page.rows.count
            audit.advance("marked recordings of \(source.name)", done)
            cursor = page.next
        } while cursor != nil
    }

    private func compare(_ rows: [SourceRow], _ catalog: SourceCatalog, _ result: inout AuditResult) async throws {
        var recordings: [SourceRecording] = []
        for row in rows {
            switch row {
            case .recording(let recording): recordings.append(recording)
            case .refused(let reference, let sentence):
                result.tell(.rowRefused, reference, "Recording \(reference) cannot be compared: \(sentence)", .stays)
            }
        }
        let replay = audit.base.replay
        let wanted = recordings
        let holdings = try await replay.database.perform { session in
            try Holdings.find(for: wanted, catalog: replay.catalog, in: session)
        }
        var toTakeBack: [(recording: SourceRecording, delay: Duration)] = []
        for recording in recordings {
            result.summary.marked += 1
            let holding = holdings[recording.reference] ?? ReplayHolding()
            switch auditVerdict(on: recording, with: holding, switches: switches) {
            case .held: result.summary.held += 1
            case .letGo: result.summary.letGo += 1
            case .givenUp: result.summary.givenUp += 1
            case .rowsGone:
                result.tell(
                    .rowsGone, recording.reference,
                    "The replay's rows of \(recording.reference) are gone without a tombstone; its copies are on record.",
                    .stays)
            case .collision:
                result.tell(
                    .collision, recording.reference,
                    "The replay has another call under the sid of \(recording.reference).", .stays)
            case .lacking(let lacking):
                result.summary.lacking += 1
                guard try await see(to: lacking, of: recording, &result) else { continue }
                toTakeBack.append(
                    (recording, lacking.isOfOthers(than: source.name, with: holding) ? SourceAudit.second : .zero))
            }
        }
        try await takeBack(toTakeBack, catalog, &result)
    }

    // MARK: One recording

    /// Tells what is lacking, and adopts what stands. Gives whether the mark has to be taken back: not for what only today's
    /// switches leave, which would never get a mark again.
    private func see(
        to lacking: AuditVerdict.Lacking, of recording: SourceRecording, _ result: inout AuditResult
    ) async throws -> Bool {
        let reference = recording.reference
        let repairs = audit.request.repairs
        var standing: [StandingCopy] = []
        var isComplete = !lacking.metadata || !lacking.media.isEmpty
        var (isLost, isLeft) = (false, false)
        for medium in lacking.media {
            let what = "\(medium.media.kind.rawValue) of \(reference)"
            let place = try await whereabouts(of: medium, in: recording)
            if case .standing(let copy) = place {
                standing.append(copy)
                let text = "\(what) is not on record; its file stands on volume \(copy.volumeName)."
                result.tell(.standing, reference, text, repairs ? .seenTo : .blocks)
            } else if medium.isLeft {
                isLeft = true
                result.tell(
                    .switchedOff, reference, "\(what) is marked and not held here, and the settings leave it.", .blocks)
            } else {
                isComplete = false
                tell(place, what, reference, &result)
                if case .nowhere = place { isLost = true }
            }
        }
        if isLost { result.summary.lost += 1 }
        if isLeft { result.summary.switchedOff += 1 }
        if lacking.media.isEmpty {
            let text = "Rows or external data of \(reference) are marked and not here."
            result.tell(.metadataNotHeld, reference, text, repairs ? .seenTo : .blocks)
        }
        guard repairs else { return false }
        if !standing.isEmpty {
            // Of what the recorder's tools took away, the commit must not think that it is to be left alone.
            let adopted = try await Adoption(replay: audit.base.replay).adopt(
                standing, of: recording.asBeforeRetention, mark: isComplete ? recording.mark : nil)
            result.summary.adopted += adopted
            if adopted < standing.count { isComplete = false }
        }
        return !isComplete
    }

    private func tell(
        _ place: Whereabouts, _ what: String, _ reference: RecordingReference, _ result: inout AuditResult
    ) {
        let repairs = audit.request.repairs
        let gone = "\(what) is marked and not held here, and its recorder has it no more"
        switch place {
        case .standing: break
        case .atRecorder:
            let text = "\(what) is marked and not held here; the recorder has it still."
            result.tell(.notHeld, reference, text, repairs ? .seenTo : .blocks)
        case .atOther(let other):
            result.tell(.notHeld, reference, "\(gone); \(other) may bring it.", repairs ? .seenTo : .blocks)
        case .unseen(let other):
            let text = "\(gone); whether source \(other) has it could not be seen."
            result.tell(.notHeld, reference, text, repairs ? .stays : .blocks)
        case .nowhere:
            let text = "\(what) is marked and lost: neither the recorder nor any volume has it."
            result.tell(.lost, reference, text, repairs ? .stays : .blocks)
        }
    }

    private func whereabouts(of lacking: LackingMedia, in recording: SourceRecording) async throws -> Whereabouts {
        guard case .on(let mount, let below) = mounts.place(of: lacking.media.path), let recorder = files[mount]
        else { return .atRecorder }
        let day = (recording.start ?? recording.stop)?.dayFolder ?? "undated"
        let path = ReplicaPath.original(
            source: source.name, mount: mounts.recorderName(of: mount), day: day, path: below)
        let sight = await recorder.look(at: below)
        for volume in volumes {
            guard let copied = try await examine(path, on: volume, as: lacking.media) else { continue }
            if case .present = sight {
                // With the original at hand nothing less than all its bytes will do.
                guard await recorder.digest(of: below) == copied.digest else { continue }
            }
            return .standing(
                StandingCopy(
                    lacking.media, replaces: lacking.replaces, mount: mount, volume: volume.id,
                    volumeName: volume.name, root: volume.root, copied: copied))
        }
        switch sight {
        // Nothing is concluded from what cannot be seen: without its mark nobody deletes it.
        case .present, .unknown: return .atRecorder
        case .absent: break
        }
        let wanted = Bringers.Wanted(sid: recording.sid, kind: lacking.media.kind)
        let others = try await audit.bringers.find([wanted], besides: source.name)[wanted]
        if let other = others?.recordings.first { return .atOther(other) }
        if let unseen = others?.unseen.first { return .unseen(unseen) }
        return .nowhere
    }

    /// The file of this name, where everything that its row says of it is true.
    private func examine(
        _ path: FilePath, on volume: (id: VolumeID, name: VolumeName, root: FilePath), as media: SourceMedia
    ) async throws -> Copied? {
        guard let copier = await audit.base.roster.copier(of: volume.id, named: volume.name) else { return nil }
        // What is on record under this name is another copy, or one that is not what it was.
        let recorded = try await audit.base.replay.database.perform { session in
            try Replicas.find(volume: volume.id, path: path, in: session)
        }
        guard recorded == nil else { return nil }
        let found = try? await copier.examine(path) { descriptor, size in
            guard size > 0, media.size == nil || media.size == size else { return false }
            let wholeness = try? Container.check(descriptor, name: media.path, isEncrypted: media.keyID != nil)
            switch wholeness {
            case .broken, nil: return false
            case .whole, .unknown: return true
            }
        }
        guard let found else { return nil }
        if let crc = media.crc32, media.keyID == nil, found.crc32 != crc { return nil }
        return found
    }

    // MARK: Taking back

    /// The ledger first: from then on the keeper looks at them, whether their marks are gone yet or not.
    private func takeBack(
        _ recordings: [(recording: SourceRecording, delay: Duration)], _ catalog: SourceCatalog,
        _ result: inout AuditResult
    ) async throws {
        for start in stride(from: 0, to: recordings.count, by: SourceAudit.takenAtOnce) {
            let part = Array(recordings[start..<min(start + SourceAudit.takenAtOnce, recordings.count)])
            let plans = part.map { recording, delay in
                SightingPlan(
                    reference: recording.reference, sid: recording.sid, stopped: recording.stopInstant,
                    outcome: .wait(why: "an audit found it marked and not held", delay: delay))
            }
            try await audit.base.replay.database.transaction { session in
                try Plans.record(plans, in: session)
            }
            let ids = part.map(\.recording.id)
            do {
                let taken = try await database.transaction { session in
                    try catalog.takeBack([.synchronized, .notUsed], of: ids, on: session)
                }
                result.summary.takenBack += taken.count
            } catch let error as PostgresError where !error.isOutage {
                result.tell(
                    .repairFailed, nil, "\(part.count) marks of \(source.name) could not be taken back: \(error).",
                    .blocks)
            }
        }
    }
}
