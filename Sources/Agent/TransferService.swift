internal import Copying
package import Delivery
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary
internal import Watching

/// Carries out the transfers of one mount: claim, look until the file has settled, deliver.
///
/// It acts on plans of any keeper. Work never gets lost by failing: it goes back with a growing pause.
package actor TransferService {
    private let source: SourceLink
    private let replay: Replay
    private let mount: MountGuard
    private let looker: FileLooker
    private let deliverer: Deliverer
    private let measures: MeasureService
    private let afterlooks: AfterlookService
    private let window: SettleWindow
    private let copying: CopyingSettings
    private let backlog: BacklogOrder
    private let reports: TransferReports
    private let closing: DeliveryClosing
    private let large: LargeFileService
    private let lagging: LaggingDeliveries
    private let narrator: any Narrator
    private let wake: Wake
    private let committed: Wake
    private let hearing: Hearing
    private let progress: Progress
    private let readLimit: @Sendable () -> Int64?
    private let lease: Duration
    /// What earlier looks of this process showed. Lost with it, which only costs another quiet time.
    private var trails: [Transfer.ID: TransferTrail] = [:]
    private let started = ContinuousClock.now

    package static let lease = Duration.seconds(30)
    /// Trails kept at most; beyond, the oldest knowledge is dropped.
    private static let trailLimit = 50_000
    /// Bytes. Files up to this share a group; larger ones go by themselves, beside the groups.
    private static let smallFile: Int64 = 8 << 20
    /// Until what went back unlooked is tried again.
    private static let givenBack = Duration.milliseconds(200)
    package init(
        source: SourceLink, replay: Replay, mount: MountGuard, looker: FileLooker, deliverer: Deliverer,
        measures: MeasureService, afterlooks: AfterlookService, settings: Settings, problems: ProblemBook,
        narrator: any Narrator, wake: Wake,
        committed: Wake, hearing: Hearing,
        progress: Progress, readLimit: @escaping @Sendable () -> Int64? = { nil },
        lease: Duration = TransferService.lease
    ) {
        self.readLimit = readLimit
        self.lease = lease
        self.source = source
        self.replay = replay
        self.mount = mount
        self.looker = looker
        self.deliverer = deliverer
        self.measures = measures
        self.afterlooks = afterlooks
        window = SettleWindow(
            quiet: settings.watching.quiet, atMost: settings.watching.graceMissing,
            needsFinishedRow: settings.synchro.onlyFinished)
        copying = settings.copying
        backlog = settings.synchro.backlog
        reports = TransferReports(problems: problems, narrator: narrator, mount: mount.mount)
        closing = DeliveryClosing(reports: reports, replay: replay, committed: committed, mount: mount)
        lagging = LaggingDeliveries { [deliverer] in await deliverer.isVolumeSilent() }
        large = LargeFileService(replay: replay, deliverer: deliverer, closing: closing, afterlooks: afterlooks)
        self.narrator = narrator
        self.wake = wake
        self.committed = committed
        self.hearing = hearing
        self.progress = progress
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [large] in await large.run() }
            group.addTask { await self.keepTaking() }
        }
    }

    private func keepTaking() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(1)
            do {
                pause = try await turn()
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("transfers"), .source(source.name), .detail(error))
            }
            progress.advance("transfers")
            await wake.wait(atMost: pause, early: pause >= .seconds(5) ? pause / 5 : .zero)
        }
    }

    /// One bounded turn. Gives the pause until the next is worth while.
    func turn() async throws -> Duration {
        if try await source.gate.isPaused() { return .seconds(1) }
        guard let proven = await mount.proven() else { return .seconds(1) }
        // What was planned before the settings led astray stays where it is.
        if await source.isRefused { return .seconds(5) }
        guard await deliverer.resources.isOpen() else { return .seconds(1) }
        // At a limit no more than about two seconds' files: what comes meanwhile has its turn soon.
        let limit = await deliverer.resources.most(
            min(copying.groupMaxFiles, readLimit().map { max(8, Int($0 >> 19)) } ?? .max))
        let newest = max(1, backlog == .newest ? limit * 3 / 4 : limit / 4)
        let name = mount.mount
        let (holder, lease) = (replay.holder, lease)
        let claimed = try await replay.database.transaction(isDurable: false) { session in
            try Transfers.claim(
                mount: name, holder: holder, limit: limit, newest: newest, lease: lease, in: session)
        }
        if claimed.isEmpty { return try await idle() }
        guard try await carryOut(claimed, of: snapshots(of: claimed), on: proven) else {
            return TransferService.givenBack
        }
        return claimed.count < limit ? try await idle() : .zero
    }

    /// What was claimed with its plan. Whatever goes wrong, it goes back, or its lease runs out.
    func carryOutAtOnce(_ claimed: [Transfer], of recordings: [RecordingReference: SourceRecording]) async {
        do {
            guard await deliverer.resources.isOpen(), let proven = await mount.proven() else {
                return try await giveBack(claimed, keeping: recordings)
            }
            _ = try await carryOut(claimed, of: recordings, on: proven, keepsDetail: true)
        } catch let error as PostgresError where error.isOutage {
            // Told once for the process by its presence.
        } catch is CancellationError {
        } catch {
            narrator.tell(.turnFailed, .service("transfers"), .source(source.name), .detail(error))
        }
    }

    /// A thousand looks can take longer than a lease on a slow server: what was claimed stays ours meanwhile.
    ///
    /// - Parameter keepsDetail: what goes back is written down first for whoever takes it next.
    /// - Returns: false where the mount went meanwhile, and all went back.
    private func carryOut(
        _ claimed: [Transfer], of recordings: [RecordingReference: SourceRecording], on proven: MountIdentity,
        keepsDetail: Bool = false
    ) async throws -> Bool {
        let (replay, claims, lease) = (replay, claimed.compactMap(\.claim), lease)
        let renewal = Task {
            while true {
                try await Task.sleep(for: lease / 3)
                // One that can't be renewed is noticed where it is placed.
                _ = try? await replay.database.transaction(isDurable: false) { session in
                    try Transfers.renew(claims, lease: lease, in: session)
                }
            }
        }
        defer { renewal.cancel() }
        return try await conclude(claimed, of: recordings, on: proven, keepsDetail: keepsDetail)
    }

    private func conclude(
        _ claimed: [Transfer], of recordings: [RecordingReference: SourceRecording], on proven: MountIdentity,
        keepsDetail: Bool
    ) async throws -> Bool {
        var releases: [TransferRelease] = []
        var settled: [(Transfer, Consignment)] = []
        let sights = await look(at: claimed, on: proven.root)
        if let exhausted = sights.compactMap(\.1.exhausted).first { await deliverer.resources.close(exhausted) }
        // What is worth a conclusion was seen on a mount that still proves itself as the same; otherwise nothing is
        // concluded.
        if sights.contains(where: \.1.isBad), await mount.prove() != proven {
            try await giveBack(claimed, keeping: keepsDetail ? recordings : [:])
            return false
        }
        for (transfer, sight) in sights {
            if let exhausted = sight.exhausted {
                reports.tellExhausted(exhausted, of: transfer)
                releases += transfer.claim.map { [TransferRelease(unlooked: $0, delay: .seconds(1))] } ?? []
                continue
            }
            let decision = decide(transfer, sight)
            await reports.tell(decision.finding, about: transfer)
            if let release = decision.release {
                releases.append(release)
            } else if let recording = recordings[transfer.recording], case .seen(let observation, _) = sight,
                let path = below(transfer), transfer.purpose == .measure
            {
                let isTaken = await measures.take(
                    MeasureService.Candidate(
                        transfer: transfer, recording: recording, path: path, observation: observation))
                if !isTaken, let claim = transfer.claim {
                    releases.append(
                        TransferRelease(
                            claim: claim, delay: .seconds(5), error: "other files are being measured", isFailure: false)
                    )
                }
            } else if let recording = recordings[transfer.recording],
                case .seen(let observation, let wholeness) = sight,
                let consignment = consignment(transfer, recording, observation, wholeness)
            {
                if consignment.size <= TransferService.smallFile {
                    settled.append((transfer, consignment))
                } else if await !large.take(transfer, consignment), let claim = transfer.claim {
                    releases.append(
                        TransferRelease(
                            claim: claim, delay: .seconds(5), error: "other large files are being copied",
                            isFailure: false))
                }
            } else if let claim = transfer.claim {
                releases.append(
                    TransferRelease(
                        claim: claim, delay: .seconds(1), error: "its sighting has no snapshot yet", isFailure: false))
            }
        }
        let back = releases
        if !back.isEmpty {
            let ids = Set(back.map(\.claim.id))
            let left = keepsDetail ? Set(claimed.filter { ids.contains($0.id) }.map(\.recording)) : []
            let details = try left.compactMap { recordings[$0] }.map { ($0.reference, try Snapshot.encode($0)) }
            do {
                try await replay.database.perform { session in
                    try Sightings.keep(details, in: session)
                    try Transfers.release(back, in: session)
                }
            } catch {
                // What has settled is delivered, whatever becomes of the others.
                await deliver(settled)
                throw error
            }
        }
        await deliver(settled)
        try await giveUpIndexFiles(missing: back.filter(\.isMissing).map(\.claim.id), of: claimed)
        return true
    }

    /// The mount went while its files were looked at: all go back as if nobody had looked.
    /// - Parameter recordings: what is to be written down of them for whoever takes them next.
    private func giveBack(
        _ claimed: [Transfer], keeping recordings: [RecordingReference: SourceRecording]
    ) async throws {
        let details = try recordings.values.map { ($0.reference, try Snapshot.encode($0)) }
        let back = claimed.compactMap(\.claim).map {
            TransferRelease(unlooked: $0, delay: TransferService.givenBack)
        }
        try await replay.database.perform { session in
            try Sightings.keep(details, in: session)
            try Transfers.release(back, in: session)
        }
    }

    /// Index files that stay away are none: most sounds may have one, and no row says which.
    private func giveUpIndexFiles(missing: [Transfer.ID], of claimed: [Transfer]) async throws {
        let ids = Set(missing)
        let absent = claimed.filter { $0.kind == .index && ids.contains($0.id) }.map(\.id)
        if absent.isEmpty { return }
        let grace = source.settings.indexGrace
        let count = try await replay.database.transaction(isDurable: false) { session in
            try AbsentIndexFiles.conclude(absent, after: grace, in: session)
        }
        if count > 0 { committed.wake() }
    }

    private func idle() async throws -> Duration {
        let name = mount.mount
        let due = try await replay.database.perform { session in try Transfers.nextDue(mount: name, in: session) }
        guard let due else {
            trails = [:]
            return longestRest
        }
        return min(max(due, .milliseconds(5)), longestRest)
    }

    /// What comes meanwhile is told, where notifications are heard.
    private var longestRest: Duration { hearing.isGood ? .seconds(10) : .seconds(2) }

    private func snapshots(of transfers: [Transfer]) async throws -> [RecordingReference: SourceRecording] {
        let name = source.name
        let ids = Array(Set(transfers.map(\.recording.id)))
        let sightings = try await replay.database.perform { session in
            try Sightings.find(source: name, ids: ids, in: session)
        }
        var recordings: [RecordingReference: SourceRecording] = [:]
        var unknown: [RecordingReference] = []
        for sighting in sightings.values {
            let recording = sighting.detail.flatMap { try? Snapshot.decode($0) }
            recordings[sighting.reference] = recording
            if recording == nil { unknown.append(sighting.reference) }
        }
        if !unknown.isEmpty {
            // Snapshots of another version of this program, or none, as whoever was to carry them out at once ended
            // before: those recordings are looked at again.
            let reopened = unknown
            try await replay.database.transaction { session in
                try Sightings.reopen(reopened, in: session)
                try WorkChannel.notify(look: name, in: session)
            }
        }
        return recordings
    }

    private func look(at transfers: [Transfer], on root: MountRoot) async -> [(Transfer, FileSight)] {
        var files: [(path: FilePath, isEncrypted: Bool)] = []
        var places: [Int?] = []
        for transfer in transfers {
            guard let path = below(transfer) else {
                places.append(nil)
                continue
            }
            places.append(files.count)
            files.append((path, transfer.keyID != nil))
        }
        let sights = await looker.look(at: files, on: root)
        return zip(transfers, places).map { transfer, place in
            (transfer, place.map { sights[$0] } ?? .refused(FileError(.escapes, doing: "find a file on its mount")))
        }
    }

    private nonisolated func below(_ transfer: Transfer) -> FilePath? {
        guard case .on(mount.mount, let path) = source.mounts.place(of: transfer.path) else { return nil }
        return path
    }

    private struct Decision {
        /// Nil: deliver it.
        var release: TransferRelease?
        var finding: ProblemBook.Finding?
    }

    private func decide(_ transfer: Transfer, _ sight: FileSight) -> Decision {
        guard let claim = transfer.claim else { return Decision() }
        if trails.count > TransferService.trailLimit { trails = [:] }
        let row = TransferRow(
            size: transfer.expectedSize, hasChecksum: transfer.isHeldToChecksum, mayBeEmpty: transfer.kind == .index,
            failures: transfer.failures)
        let decision = trails[transfer.id, default: TransferTrail()].decide(
            sight.planned, row: row, within: window, at: ContinuousClock.now - started)
        var chance = SystemRandomNumberGenerator()
        let backedOff = Retry.work.wait(afterAttempts: transfer.failures + 1, using: &chance)
        func wait(
            _ delay: Duration, _ why: String, isUnreadable: Bool = false, isFailure: Bool = false, isFault: Bool = false
        ) -> TransferRelease {
            TransferRelease(
                claim: claim, delay: delay, error: why, look: sight.noted, isUnreadable: isUnreadable,
                isFailure: isFailure, isFault: isFault)
        }
        let media = "\(transfer.mediaID) of \(transfer.recording)"
        switch decision {
        case .deliver: return Decision()
        // Whether it is kept is decided when both were measured.
        case .deliverDamaged where transfer.purpose == .measure: return Decision()
        case .deliverDamaged:
            return Decision(
                finding: finding(
                    .damagedMedia, transfer,
                    "Media \(media) is damaged at the recorder: \(sight.text). It is kept as it is."))
        case .missing(let again):
            let isLate =
                transfer.kind != .index
                && transfer.isMissing(forLongerThan: window.atMost, lease: lease)
            // Most sounds may have no index file, and a wake tells of one that comes: few looks are enough.
            let pause = transfer.kind == .index ? max(.milliseconds(500), source.settings.indexGrace / 4) : again
            var release = wait(
                isLate ? max(pause, backedOff) : pause, "its file is not there", isFailure: isLate, isFault: isLate)
            release.isMissing = true
            return Decision(release: release)
        case .wait(let hold, let again): return Decision(release: wait(again, hold.text))
        case .neverSettles(let hold, let again):
            let kind: ProblemKind = if case .short = hold { .shortFile } else { .unsettledFile }
            // One that still changes is being written: that is no failed attempt.
            let stands = sight.noted.map {
                $0.size == transfer.lastLook?.size && $0.modified == transfer.lastLook?.modified
            }
            let isFault = stands ?? false
            return Decision(
                release: wait(
                    isFault ? max(again, backedOff) : again, hold.text, isFailure: isFault, isFault: isFault),
                finding: finding(kind, transfer, "Media \(media) does not become complete: \(hold.text)."))
        case .refuse(let again):
            return Decision(
                release: wait(again, sight.text, isFailure: true, isFault: true),
                finding: finding(
                    .pathRefused, transfer,
                    "The path of media \(media) leads out of mount \(mount.mount), or to no regular file."))
        case .retry:
            if case .failed(let error) = sight { reports.tellUnread(error, of: transfer) }
            return Decision(
                release: wait(
                    backedOff, sight.text, isUnreadable: true, isFailure: true, isFault: sight.blame == .recording))
        }
    }

    private nonisolated func finding(
        _ kind: ProblemKind, _ transfer: Transfer, _ what: String
    ) -> ProblemBook.Finding {
        ProblemBook.Finding(kind, recording: transfer.recording, media: transfer.mediaID, what: what)
    }

    private func consignment(
        _ transfer: Transfer, _ recording: SourceRecording, _ observation: FileObservation, _ wholeness: Wholeness
    ) -> Consignment? {
        guard let claim = transfer.claim, let path = below(transfer),
            let media = recording.media.first(where: { $0.id == transfer.mediaID })
        else { return nil }
        let day = (recording.start ?? recording.stop)?.dayFolder ?? "undated"
        let crc: CRCExpectation =
            switch (transfer.crc32, transfer.keyID) {
            case (let crc?, nil): .require(crc)
            case (_?, _?): .observe
            case (nil, _): .none
            }
        var consignment = Consignment(
            work: .transfer(claim), sid: transfer.sid, recording: transfer.recording, media: transfer.mediaID,
            kind: transfer.kind, source: .beneath(root: FilePath(mount.mount.rawValue), path: path),
            size: observation.size, observation: observation, crc32: crc,
            path: ReplicaPath.original(
                source: source.name, mount: source.mounts.recorderName(of: mount.mount), day: day, path: path),
            attempt: transfer.attempts,
            commit: transfer.kind == .index
                ? .index(recording, media, fingerprint: transfer.fingerprint)
                : .original(recording, media, replaces: transfer.replacesMediaID))
        let look = FileLook(observation)
        consignment.afterlook = StandingAfterlook(
            transfer: transfer.id, recording: transfer.recording, sid: transfer.sid, mount: transfer.mount,
            path: transfer.path, look: Afterlook(copied: look))
        consignment.isVouched = isVouched(
            rowSize: transfer.expectedSize, hasChecksum: transfer.isHeldToChecksum, look: look,
            container: ContainerState(wholeness))
        consignment.quiet = window.quiet
        return consignment
    }

    private func deliver(_ settled: [(Transfer, Consignment)]) async {
        if settled.isEmpty { return }
        await lagging.run { await self.carry(settled) }
    }

    private func carry(_ settled: [(Transfer, Consignment)]) async {
        await withTaskGroup(of: [Transfer.ID].self) { tasks in
            let groups = FileGroups(mostFiles: copying.groupMaxFiles, mostBytes: copying.groupMaxBytes)
            for group in groups.split(settled, size: \.1.size) {
                tasks.addTask { [deliverer, closing, afterlooks] in
                    let outcomes = await deliverer.deliver(group.map(\.1))
                    let done = await closing.close(zip(group, outcomes).map { ($0.0, $0.1, $1) })
                    await afterlooks.remember(group.filter { done.contains($0.0.id) }.map(\.1))
                    return done
                }
            }
            for await done in tasks {
                for id in done { trails[id] = nil }
            }
        }
    }
}

extension Transfer {
    /// Whether its copy has to have the checksum of its row. That of encrypted media may be of the clear bytes.
    var isHeldToChecksum: Bool { crc32 != nil && keyID == nil }

    /// Whether its file has been missing for longer than `grace` when it was claimed, by the ledger's clock.
    func isMissing(forLongerThan grace: Duration, lease: Duration) -> Bool {
        guard let missingSince, let leaseUntil else { return false }
        return leaseUntil - missingSince - lease > grace
    }
}

extension FileSight {
    /// What decides.
    fileprivate var planned: TransferSight {
        switch self {
        case .seen(let observation, let wholeness): .seen(FileLook(observation), wholeness)
        case .absent: .absent
        case .refused: .refused
        case .failed: .unreadable
        }
    }

    /// What an unreadable file is to be blamed on.
    fileprivate var blame: Blame {
        switch self {
        case .failed(let error): Blame(reading: error)
        case .seen, .absent, .refused: .recording
        }
    }

    /// That nobody could look, as descriptors or memory have run out here.
    fileprivate var exhausted: FileError? {
        guard case .failed(let error) = self, error.code == .exhausted else { return nil }
        return error
    }

    /// What the ledger notes of it.
    fileprivate var noted: (size: Int64, modified: Int64)? {
        guard case .seen(let observation, _) = self else { return nil }
        return (observation.size, observation.modified.nanosecondsSince1970)
    }

    /// Whether it may be the mount's doing, and not the file's.
    fileprivate var isBad: Bool {
        switch self {
        case .seen(_, .whole), .seen(_, .unknown): false
        case .seen(_, .broken), .absent, .refused, .failed: true
        }
    }

    /// For people; names no file.
    fileprivate var text: String {
        switch self {
        case .seen(_, let wholeness): wholeness.text
        case .absent: "its file is not there"
        case .refused(let error), .failed(let error): String(describing: error)
        }
    }
}

extension Wholeness {
    fileprivate var text: String {
        switch self {
        case .whole: "it is whole"
        case .broken(let fault): fault.description
        case .unknown: "its structure does not tell"
        }
    }
}

extension SettleHold {
    var text: String {
        switch self {
        case .rowNotFinished: "its row is not FINISHED"
        case .secondLook: "it has not been quiet for long enough"
        case .empty: "it is empty"
        case .short(let have, let want), .overlong(let have, let want): "it has \(have) bytes, its row says \(want)"
        case .unfinishedContainer: "its container is not finished"
        case .unwritten: "a part of it was never written"
        }
    }
}
