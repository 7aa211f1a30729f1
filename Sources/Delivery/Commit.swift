package import Catalogs
internal import Copying
internal import Ledger
package import Postgres
internal import Planning
package import Vocabulary

/// The replay as a process commits to it.
package struct Replay: Sendable {
    package let database: Database
    package let catalog: ReplayCatalog
    package let holder: Holder

    package init(database: Database, catalog: ReplayCatalog, holder: Holder) {
        self.database = database
        self.catalog = catalog
        self.holder = holder
    }
}

/// A published copy that asks to be committed.
struct Arrival: Sendable {
    let consignment: Consignment
    let intent: Intent
    let copied: Copied
    let volumeName: VolumeName
    /// The volume's root.
    let root: FilePath
    /// When its delivery began.
    let began: ContinuousClock.Instant

    /// Its intent, with what has the final name.
    var published: Intent {
        var published = intent
        published.finalPath = copied.path
        published.ready = Intent.Ready(size: copied.size, digest: copied.digest)
        return published
    }
}

/// The commit: the only "done". One transaction for a batch; every row of it, or none.
///
/// It takes locks in the ledger's order: recordings by `sid`, calls, then transfers, jobs and intents. Two halves of a
/// recording that come at the same instant meet at the recording's row; the second sees the first, and makes the pair.
struct Commit: Sendable {
    let replay: Replay

    struct Outcome: Sendable {
        /// By the place in the batch; nil for an arrival whose intent is no longer held.
        var replicas: [Replica?]
        /// Copies that others took the place of: to be moved aside now.
        var retired: [Replica]
        /// Places of arrivals that are not what the replay needs any more: their recordings are looked at again.
        var stale: Set<Int>
    }

    func run(_ arrivals: [Arrival]) async throws -> Outcome {
        let replay = replay
        return try await replay.database.transaction(isDurable: true, rerunsUniqueViolations: true) { session in
            try Commit.carryOut(arrivals, replay, in: session)
        }
    }

    private static func carryOut(_ arrivals: [Arrival], _ replay: Replay, in session: Session) throws -> Outcome {
        let sids = Array(Set(arrivals.map(\.consignment.sid)))
        // Legs as well: which call they hang on may change.
        try Recordings.lock(
            sids + arrivals.flatMap { $0.consignment.sourceRecording?.call.legs ?? [] }, in: session)
        var book = try CallBook(
            arrivals.compactMap { $0.consignment.sourceRecording }, catalog: replay.catalog, in: session)
        let held = try Intents.lockHeld(arrivals.map(\.intent.token), in: session)
        let holdings = try Holdings.find(
            for: arrivals.compactMap(\.consignment.sourceRecording), catalog: replay.catalog, in: session)
        let stale = stalePlaces(arrivals, holdings)
        let places = arrivals.indices.filter { held.contains(arrivals[$0].intent.token) && !stale.contains($0) }
        var retired: [Replica] = []
        let media = try writeRows(
            places.map { arrivals[$0] }, holdings, replay.catalog, &book, &retired, in: session)
        let replicas = zip(places, media).map { NewReplica(arrivals[$0], replayMediaID: $1) }
        try book.close(in: session)
        let inserted = try Replicas.insert(replicas, in: session)
        try beginAfterlooks(places.map { arrivals[$0] }, in: session)
        try VoiceTags.attach(
            places.compactMap { arrivals[$0].consignment.sourceRecording }, replay.catalog, in: session)
        var outcome = Outcome(
            replicas: [Replica?](repeating: nil, count: arrivals.count), retired: retired, stale: stale)
        for (place, replica) in zip(places, inserted) {
            outcome.replicas[place] = replica
            if case .result(let job, let made) = arrivals[place].consignment.commit {
                try MuxJobs.finish(
                    job.id, result: replica.id, encoded: made.encoded, notes: made.notes, leftOut: made.leftOut,
                    in: session)
            }
        }
        try Intents.close(places.map { arrivals[$0].intent.token }, in: session)
        try Sightings.reopen(
            stale.map { arrivals[$0].consignment.recording } + uncorrected(places.map { arrivals[$0] }, holdings),
            in: session)
        try Sightings.reopenChanged(fingerprints(of: arrivals), in: session)
        let (jobs, _, restoring) = try session.ask(
            MuxJobs.making(sids), Sightings.converging(arrivals.map(\.consignment.recording)), Restorations.find(sids))
        try MuxJobs.begin(jobs, in: session)
        try RestorationEnd.end(restoring, catalog: replay.catalog, in: session)
        return outcome
    }

    /// Asks again, under the recordings' locks, whether each copy is still what the replay lacks: between its plan and
    /// now another source may have brought the same recording, or another call under its sid.
    private static func stalePlaces(
        _ arrivals: [Arrival], _ holdings: [RecordingReference: ReplayHolding]
    ) -> Set<Int> {
        let open = SourceSwitches(onlyFinished: false, onlyProcessed: false, withoutStreams: true)
        var stale: Set<Int> = []
        for (place, arrival) in arrivals.enumerated() {
            if case .index(let recording, let sound, _) = arrival.consignment.commit {
                let holding = holdings[recording.reference] ?? ReplayHolding()
                if !IndexFiles.isWanted(ofSound: sound, recording, holding, open) { stale.insert(place) }
                continue
            }
            guard case .original(let recording, let media, let replaces) = arrival.consignment.commit else { continue }
            let holding = holdings[recording.reference] ?? ReplayHolding()
            guard case .plan(let plan) = reconcile(recording, with: holding, switches: open) else {
                stale.insert(place)
                continue
            }
            let isWanted = plan.steps.contains { step in
                switch step {
                case .copy(let wanted): wanted.id == media.id && replaces == nil
                case .replace(let wanted, let row): wanted.id == media.id && replaces == row
                case .measure, .keep, .point, .repoint, .keepPointer, .leave: false
                }
            }
            if !isWanted { stale.insert(place) }
        }
        return stale
    }

    private static func fingerprints(of arrivals: [Arrival]) -> [RecordingReference: Set<[UInt8]>] {
        var fingerprints: [RecordingReference: Set<[UInt8]>] = [:]
        for recording in arrivals.compactMap(\.consignment.sourceRecording) {
            fingerprints[recording.reference, default: []].insert(Fingerprint(of: recording).bytes)
        }
        return fingerprints
    }

    /// Recordings whose row says something else than the replay's, which an earlier file came with: their plan was made
    /// before that, and a commit of media only fills what is empty.
    private static func uncorrected(
        _ arrivals: [Arrival], _ holdings: [RecordingReference: ReplayHolding]
    ) -> [RecordingReference] {
        arrivals.compactMap(\.consignment.sourceRecording).filter { recording in
            rowChange(of: recording, with: holdings[recording.reference] ?? ReplayHolding()) == .corrects
        }.map(\.reference)
    }

    /// The rows of these arrivals in the replay's catalog. Gives the id of the media row of each; an index file has none.
    private static func writeRows(
        _ arrivals: [Arrival], _ holdings: [RecordingReference: ReplayHolding], _ catalog: ReplayCatalog,
        _ book: inout CallBook, _ retired: inout [Replica],
        in session: Session
    ) throws -> [Int64?] {
        let ids = try book.ensure(
            Array(
                Dictionary(arrivals.compactMap { $0.consignment.sourceRecording }.map { ($0.reference, $0) }) {
                    one, _ in
                    one
                }.values), in: session)
        var media: [Int: Int64] = [:]
        var new: [(place: Int, row: MediaRow, recordingID: Int64)] = []
        for (place, arrival) in arrivals.enumerated() {
            let path = arrival.root.appending(arrival.copied.path.bytes)
            switch arrival.consignment.commit {
            case .original(let recording, let original, let replaces):
                guard let id = ids[recording.reference] else { continue }
                let row = MediaRow(copyOf: original, path: path, size: arrival.copied.size)
                if let replaces {
                    try catalog.replaceMedia([(replaces, row)], on: session)
                    if isRowAdopted(of: recording, with: holdings[recording.reference] ?? ReplayHolding()) {
                        try catalog.adopt([(id, recording)], on: session)
                    }
                    let gone = try retire(replayMedia: [replaces], of: [recording.sid], in: session)
                    retired += gone
                    retired += try IndexFiles.retire(
                        with: gone, replacedBy: MediaOrigin(source: recording.source, mediaID: original.id),
                        of: recording.sid, in: session)
                    media[place] = replaces
                } else {
                    new.append((place, row, id))
                }
            case .index(let recording, let sound, fingerprint: _):
                retired += try IndexFiles.retireEarlier(
                    of: MediaOrigin(source: recording.source, mediaID: sound.id), by: arrival.consignment.work,
                    of: recording.sid, in: session)
            case .result(let job, let made):
                let row = MediaRow(
                    kind: .video, path: path, size: arrival.copied.size, keyID: made.keyID, start: made.start,
                    stop: made.stop)
                media[place] = try writeResult(row, of: job, catalog, &retired, in: session)
            }
        }
        let made = try catalog.addMedia(new.map { ($0.row, $0.recordingID) }, on: session)
        for (one, id) in zip(new, made) { media[one.place] = id }
        return try arrivals.indices.map { place in
            if case .index = arrivals[place].consignment.commit { return nil }
            guard let id = media[place] else {
                throw CatalogError(code: .gone, sentence: "A recording that was to get media is not at the replay.")
            }
            return id
        }
    }

    private static func writeResult(
        _ row: MediaRow, of job: MuxJob, _ catalog: ReplayCatalog, _ retired: inout [Replica], in session: Session
    ) throws -> Int64 {
        guard let standing = try catalog.find(sids: [job.sid], on: session)[job.sid] else {
            throw CatalogError(code: .gone, sentence: "The recording of a muxed file is not at the replay any more.")
        }
        if let earlier = try supersededResult(of: job, in: session) {
            try catalog.replaceMedia([(earlier.row, row)], on: session)
            let keep = earlier.isLastOfScreen ? Quarantine.keepOfLost : Quarantine.keep
            retired += try retire(replayMedia: [earlier.row], of: [job.sid], keep: keep, in: session)
            return earlier.row
        }
        let media = try catalog.addMedia([(row, standing.id)], on: session)
        try catalog.setMixed(standing.id, on: session)
        return media[0]
    }

    /// The media row of the job's own result, or of another muxed file of the same sound, or of what this sound took the
    /// place of: a sound has one muxed file, and the new one takes its place.
    private static func supersededResult(
        of job: MuxJob, in session: Session
    ) throws -> (row: Int64, isLastOfScreen: Bool)? {
        let held = try Replicas.held([job.sid], in: session)[job.sid] ?? []
        func row(_ result: Replica.ID?) -> Int64? { held.first { $0.id == result }?.content.replayMediaID }
        if let own = row(job.result) { return (own, false) }
        let others = try MuxJobs.find(sid: job.sid, in: session).filter { other in
            // What shows more stays, unless it went bad.
            other.id != job.id && row(other.result) != nil && !(other.hasStandingResult && other.isMore(than: job))
        }
        let sounds = try Replicas.find(Set(others.map(\.sound) + [job.sound]), in: session)
        func mediaRow(_ sound: Replica.ID) -> Int64? { sounds.first { $0.id == sound }?.content.replayMediaID }
        let hasOneSound = held.count { $0.content.kind == .audio && $0.content.isMuxable } == 1
        let same = others.first { other in
            if other.sound == job.sound { return true }
            guard !held.contains(where: { $0.id == other.sound }) else { return false }
            return hasOneSound || mediaRow(other.sound).map { $0 == mediaRow(job.sound) } ?? false
        }
        guard let same, let row = row(same.result) else { return nil }
        let lost = try Replicas.lost(same.shown.subtracting(job.screens), in: session)
        return (row, !lost.isEmpty)
    }

    /// Copies that stood in these rows are put aside; their files are kept for some days. What only pointed points no
    /// more.
    @discardableResult
    static func retire(
        replayMedia ids: [Int64], of sids: [Sid], keep: Duration = Quarantine.keep, in session: Session
    ) throws -> [Replica] {
        if ids.isEmpty { return [] }
        try Pointers.drop(replayMedia: ids, in: session)
        try Measurements.forget(replayMedia: ids, in: session)
        let rows = Set(ids)
        var quarantine: [Replica.ID: FilePath] = [:]
        for replica in try Replicas.held(sids, in: session).values.joined() {
            guard let row = replica.content.replayMediaID, rows.contains(row) else { continue }
            quarantine[replica.id] = Quarantine.path(of: replica.content.path, day: Quarantine.today)
        }
        return try Replicas.retire(quarantine, keep: keep, in: session)
    }
}

extension Consignment {
    /// Nil of a muxed file.
    package var sourceRecording: SourceRecording? {
        switch commit {
        case .original(let recording, _, _), .index(let recording, _, _): recording
        case .result: nil
        }
    }
}

extension NewReplica {
    fileprivate init(_ arrival: Arrival, replayMediaID: Int64?) {
        let consignment = arrival.consignment
        let copied = arrival.copied
        var isResult = false
        var transfer: Transfer.ID?
        var authenticity = Replica.Authenticity.unauthenticated
        var isMuxable = false
        var fingerprint: [UInt8]?
        var claims: RecordingClaims?
        switch consignment.commit {
        case .original(let recording, let media, _):
            claims = RecordingClaims(recording)
            fingerprint = Fingerprint(of: media).bytes
            if case .transfer(let claim) = consignment.work { transfer = claim.id }
            if let crc = media.crc32, crc == copied.crc32 { authenticity = .crc32 }
            isMuxable = media.isHalfOfPair && !recording.isMixed
        case .index(_, _, let known):
            fingerprint = known
            if case .transfer(let claim) = consignment.work { transfer = claim.id }
        case .result(_, let made):
            isResult = true
            authenticity = made.authenticity
        }
        self.init(
            sid: consignment.sid, kind: consignment.kind, volume: arrival.intent.volume, path: copied.path,
            size: copied.size, digest: copied.digest, checksum: copied.checksum,
            level: Replica.Level(rawValue: copied.level.rawValue) ?? .streamed, authenticity: authenticity,
            source: isResult ? nil : consignment.recording.source,
            sourceMediaID: isResult ? nil : consignment.media, sourceFingerprint: fingerprint, transfer: transfer,
            replayMediaID: replayMediaID, claims: claims,
            isResult: isResult, isMuxable: isMuxable)
    }
}

extension SourceMedia {
    package var isHalfOfPair: Bool { kind.isHalfOfPair(named: path) }
}

extension MediaKind {
    /// Sound, or a screen in mp4: what muxing can begin from. Encrypted names may end in `.bin` or `.p7m` after it. So may a
    /// screen in RECD, where a worker has a converter for it.
    package func isHalfOfPair(named path: FilePath) -> Bool {
        switch self {
        case .audio, .recd: return true
        case .video:
            let name = String(decoding: path.lastComponent, as: UTF8.self).lowercased()
            return name.hasSuffix(".mp4") || name.contains(".mp4.")
        case .mag, .archive, .image, .phoneVideoMag, .phoneVideoStream, .phoneVideo, .index: return false
        }
    }
}
