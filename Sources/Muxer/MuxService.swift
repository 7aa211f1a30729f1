internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
internal import Vocabulary

/// Carries out mux jobs: claim, make, deliver. Any number of workers on any hosts share the jobs by leases.
struct MuxService: Sendable {
    private let base: ReplayBase
    private let work: MuxWork
    private let temporary: FilePath
    /// Whether it has a converter for RECD.
    private let convertsRECD: Bool
    /// Sources whose rows are in UTC.
    private let clocksOnUTC: Set<SourceName>
    private let narrator: any Narrator
    private let wake: Wake
    private let progress: Progress
    private let number: Int

    init(
        base: ReplayBase, settings: Settings, keys: KeyRing, resultKey: MuxWork.ResultKey?, version: String,
        narrator: any Narrator, wake: Wake, progress: Progress, number: Int
    ) {
        self.base = base
        let mux = settings.mux
        var tools = MediaTools(
            ffmpeg: mux.ffmpeg, ffprobe: mux.ffprobe,
            limits: ToolLimits(
                processorTime: mux.muxTimeout, deadline: mux.muxTimeout, addressSpaceBytes: UInt64(mux.memoryLimit)),
            probeTimeout: mux.probeTimeout)
        tools.slices = PaddingSlices(directory: mux.temporaryDirectory.appending("slices"))
        tools.sliceLength = mux.videoPaddingSliceLength
        work = MuxWork(
            tools: tools, decryptor: Decryptor(keys: keys),
            rules: ArrangeRules(
                mostOverlap: mux.maxOverlapAllowed, padding: mux.padsWithStill ? .still : .black, keepsMP3: mux.keepsMP3
            ),
            tolerance: mux.lengthTolerance, madeBy: "Takeup \(version)",
            threads: FileThreads(name: "mux-read", count: 2), patience: settings.watching.callPatience * 10,
            pictureCheck: mux.pictureCheck, resultKey: resultKey, comparesRowLengths: mux.comparesRowLengths,
            blanking: mux.masks.isOn ? Blanking(keys: Set(mux.masks.dataKeys)) : nil,
            converter: mux.converter.map { converter in
                ScreenConverter(
                    program: converter.program, arguments: converter.arguments,
                    limits: ToolLimits(
                        processorTime: converter.timeout, deadline: converter.timeout,
                        addressSpaceBytes: UInt64(mux.memoryLimit)))
            })
        convertsRECD = mux.converter != nil
        clocksOnUTC = Set(
            settings.sources.filter { ["UTC", "Etc/UTC"].contains($0.timeZone) }.map(\.name))
        temporary = mux.temporaryDirectory
        self.narrator = narrator
        self.wake = wake
        self.progress = progress
        self.number = number
    }

    /// The loop's name, for its progress.
    static func loop(_ number: Int) -> String { "mux-\(number)" }

    func run() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(2)
            do {
                pause = try await turn() ? .zero : idle()
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service(MuxService.loop(number)), .detail(error))
            }
            progress.advance(MuxService.loop(number))
            if pause > .zero { await wake.wait(atMost: pause) }
        }
    }

    /// One job at most. Gives whether there was one.
    func turn() async throws -> Bool {
        guard await base.deliverer.resources.isOpen() else { return false }
        let holder = base.replay.holder
        let jobs = try await base.replay.database.transaction(isDurable: false) { session in
            let jobs = try MuxJobs.claim(holder: holder, limit: 1, newest: 0, lease: ReplayBase.lease, in: session)
            guard jobs.isEmpty, convertsRECD else { return jobs }
            return try MuxJobs.claimRECD(holder: holder, lease: ReplayBase.lease, in: session).map { [$0] } ?? []
        }
        guard let job = jobs.first, let claim = job.claim else { return false }
        // A lease that can't be renewed ends the work: another worker has it by then, or nobody can commit.
        let outcome = await whileRenewing(claim) { try await carryOut(job, claim) }
        switch outcome {
        case .success: break
        case .failure(let error): try await failed(job, claim, error)
        }
        return true
    }

    private func idle() async throws -> Duration {
        guard await base.deliverer.resources.isOpen() else { return .seconds(1) }
        let due = try await base.replay.database.perform { session in try MuxJobs.nextDue(in: session) }
        return min(max(due ?? .seconds(2), .milliseconds(10)), .seconds(2))
    }

    private func carryOut(_ job: MuxJob, _ claim: Claim<MuxJob.ID>) async throws {
        try await tellOfLosses(job)
        guard convertsRECD || !job.isRECD else { throw NotMuxable() }
        let pair = try await pair(of: job)
        let started = ContinuousClock.now
        let directory = try PrivateDirectory(below: temporary, name: "\(number)-\(job.id.rawValue)")
        let made = try await work.make(pair, in: directory.path)
        if !job.leftOut.isEmpty, job.leftOut == made.leftOut {
            try await keep(claim)
            return
        }
        // Before the commit: who is lost behind it must not leave an operator without it.
        if !made.leftOut.isEmpty { try await tellLeftOut(pair, made) }
        let outcome = await base.deliverer.deliver([consignment(pair, claim, made)])
        switch outcome.first {
        case .committed(let replica):
            await tellCommitted(pair, replica, made, after: ContinuousClock.now - started)
        case .noRoom:
            throw MuxFailure(what: "no volume can take the muxed file", isTransient: true)
        case .failed(let error): throw error
        case .fenced, .stale, nil:
            narrator.tell(
                .leaseLost, .recording(pair.reference), .job(job.id.rawValue), .service(MuxService.loop(number)))
        case .uncommitted(let error): throw error
        }
    }

    private func pair(of job: MuxJob) async throws -> MuxPair {
        let replay = base.replay
        let (replicas, recording, sightings, shown) = try await replay.database.perform { session in
            (
                try Replicas.find([job.sound] + job.screens, in: session),
                try replay.catalog.find(sids: [job.sid], on: session)[job.sid],
                try Sightings.find(sid: job.sid, in: session),
                try MuxService.shown(beside: job, in: session)
            )
        }
        guard let recording else {
            throw MuxFailure(what: "the replay does not have the recording any more", isTransient: false)
        }
        let roots = try await roots()
        func media(_ id: Replica.ID) -> Int64? { replicas.first { $0.id == id }?.content.replayMediaID }
        func half(_ id: Replica.ID, _ role: String) throws -> MuxPair.Half {
            guard let replica = replicas.first(where: { $0.id == id }) else {
                throw MuxFailure(what: "\(role) is not held any more", isTransient: false)
            }
            guard let root = roots[replica.content.volume] else {
                throw MuxFailure(what: "the volume of \(role) is not there", isTransient: true)
            }
            return MuxPair.Half(
                replica: replica, media: recording.media.first { $0.id == replica.content.replayMediaID }, root: root,
                role: role)
        }
        let sound = try half(job.sound, "the sound")
        let source = sound.replica.content.source
        let sighting = sightings.first { $0.reference.source == source }
        return MuxPair(
            job: job, recording: recording, sound: sound,
            screens: try job.screens.enumerated().map { number, id in
                try half(id, MuxPair.role(ofScreen: number, of: job.screens.count, media: media(id)))
            },
            reference: sighting?.reference ?? RecordingReference(source: SourceName("replay"), id: recording.id),
            clockIsUTC: source.map(clocksOnUTC.contains) ?? false, shown: shown)
    }

    /// Screens that a result of the same sound shows which stands.
    private static func shown(beside job: MuxJob, in session: Session) throws -> Set<Replica.ID> {
        let held = Set((try Replicas.held([job.sid], in: session)[job.sid] ?? []).map(\.id))
        let standing = try MuxJobs.find(sid: job.sid, in: session).filter { other in
            other.sound == job.sound && other.hasStandingResult && (other.result.map(held.contains) ?? false)
        }
        return standing.reduce(into: []) { shown, other in shown.formUnion(other.shown) }
    }

    /// What was left out is refused as it was: nothing is published.
    private func keep(_ claim: Claim<MuxJob.ID>) async throws {
        let isKept = try await base.replay.database.transaction { session in try MuxJobs.keep(claim, in: session) }
        guard !isKept else { return }
        // The result went bad meanwhile, or another has the job.
        try await base.replay.database.perform { session in try MuxJobs.release(claim, in: session) }
    }

    private func tellLeftOut(_ pair: MuxPair, _ made: MuxWork.Made) async throws {
        let screens = made.notes.prefix(made.leftOut.count).joined(separator: "; ")
        try await base.problems.open(
            ProblemBook.Finding(
                .screenLeftOut, subject: subject(pair.job), recording: pair.reference, place: "replay",
                what: "Recording \(pair.reference) is muxed without what was refused of it: \(screens)."))
    }

    /// Where each proven volume lies.
    private func roots() async throws -> [VolumeID: FilePath] {
        let samples = try await base.roster.current()
        return Dictionary(
            samples.compactMap { sample in sample.proof.map { ($0.id, sample.settings.path) } },
            uniquingKeysWith: { first, _ in first })
    }

    private func consignment(_ pair: MuxPair, _ claim: Claim<MuxJob.ID>, _ made: MuxWork.Made) -> Consignment {
        let result = made.result
        let day = (pair.recording.start ?? pair.recording.stop)?.dayFolder ?? "undated"
        return Consignment(
            work: .muxJob(claim), sid: pair.job.sid, recording: pair.reference, media: pair.job.id.rawValue,
            kind: .video, source: .own(made.path), size: made.byteCount, observation: nil, crc32: .none,
            path: ReplicaPath.muxed(
                recording: pair.reference, day: day, sound: pair.job.sound.rawValue,
                screens: pair.job.screens.map(\.rawValue)),
            attempt: pair.job.attempts,
            commit: .result(
                pair.job,
                MadeResult(
                    start: pair.sound.media?.start ?? pair.recording.start,
                    stop: pair.sound.media?.stop ?? pair.recording.stop, encoded: result.encodedText,
                    notes: made.notes.isEmpty ? nil : made.notes.joined(separator: "; "), leftOut: made.leftOut,
                    authenticity: made.authenticity, keyID: made.keyID)))
    }

    private func tellCommitted(_ pair: MuxPair, _ replica: Replica, _ made: MuxWork.Made, after elapsed: Duration) async
    {
        let volume = await base.roster.names()[replica.content.volume]
        narrator.tell(
            .muxCommitted,
            facts: [
                .recording(pair.reference), .job(pair.job.id.rawValue), .elapsed(elapsed),
                .size(bytes: replica.content.size), .volumeID(replica.content.volume),
                .reason(([made.result.encodedText] + made.notes).joined(separator: "; ")),
            ] + (volume.map { [.volume($0)] } ?? []))
        try? await base.problems.close(
            [.muxFailed, .keyMissing] + (made.leftOut.isEmpty ? [.screenLeftOut] : []), subjects: [subject(pair.job)],
            place: pair.reference.source.rawValue)
    }

    private func subject(_ job: MuxJob) -> String { "\(ProblemBook.muxSubject)\(job.id.rawValue)" }

    private func failed(_ job: MuxJob, _ claim: Claim<MuxJob.ID>, _ error: any Error) async throws {
        if MuxService.isCancellation(error) {
            try await base.replay.database.perform { session in try MuxJobs.release(claim, in: session) }
            return
        }
        if error is NotMuxable {
            // One that was claimed and given back by a worker with a converter: such a one claims it again.
            try await base.replay.database.perform { session in try MuxJobs.setAside(claim, in: session) }
            narrator.tell(
                .notMuxable, .job(job.id.rawValue), .reason("its screens are RECD, and this worker has no converter"))
            return
        }
        if (error as? CopyError)?.code == .exhausted || (error as? FileError)?.code == .exhausted {
            await base.deliverer.resources.close(error)
        }
        var chance = SystemRandomNumberGenerator()
        let isLasting = !((error as? any Retryable)?.isTransient ?? (error as? MuxFailure)?.isTransient ?? true)
        // Work is never dropped because it failed: what only a person can mend is looked at again, rarely.
        let delay =
            isLasting
            ? Duration.seconds(3600) : Retry.work.wait(afterAttempts: job.failures + 1, using: &chance)
        let text = String(describing: error)
        let isOurs = try await base.replay.database.perform { session in
            try MuxJobs.fail(
                claim, delay: delay, error: text, killedAt: (error as? KilledAtScreen)?.screen, in: session)
        }
        // What went wrong with another's job, or with one that has lost its point, is wrong with nothing.
        guard isOurs else {
            narrator.tell(.leaseLost, .job(job.id.rawValue), .service(MuxService.loop(number)))
            return
        }
        let isKeyMissing = (error as? MediaError)?.code == .noKey
        narrator.tell(
            isKeyMissing ? .keyMissing : .muxFailed, .job(job.id.rawValue), .detail(text), .attempt(job.attempts))
        guard isLasting || job.failures >= 2 else { return }
        try await base.problems.open(
            ProblemBook.Finding(
                isKeyMissing ? .keyMissing : .muxFailed, subject: subject(job), place: "replay",
                what: "Sound and screen of mux job \(job.id.rawValue) cannot be muxed: \(text)."))
    }

    /// Whether work ended because it was to end: the process stops, or the claim is lost.
    static func isCancellation(_ error: any Error) -> Bool {
        error is CancellationError || (error as? MediaError)?.code == .cancelled
            || (error as? CopyError)?.code == .cancelled
    }

    /// Before the work begins, as this worker may be lost with it, too.
    private func tellOfLosses(_ job: MuxJob) async throws {
        guard job.losses >= MuxJobs.mostQuickTakeOvers else { return }
        try await base.problems.open(
            ProblemBook.Finding(
                .muxFailed, subject: subject(job), place: "replay",
                what:
                    "Mux job \(job.id.rawValue) lost its worker \(job.losses) times, one after the other, by a crash, a kill "
                    + "for memory, or a halt; its media may be the reason. It is taken last, and ever more rarely."))
    }

    private func whileRenewing(
        _ claim: Claim<MuxJob.ID>, _ body: @escaping @Sendable () async throws -> Void
    ) async -> Result<Void, any Error> {
        let work = Task { try await body() }
        let database = base.replay.database
        let renewal = Task {
            while true {
                try await Task.sleep(for: ReplayBase.lease / 3)
                let held = try? await database.transaction(isDurable: false) { session in
                    try MuxJobs.renew([claim], lease: ReplayBase.lease, in: session)
                }
                if held?.isEmpty == true { work.cancel() }
            }
        }
        defer { renewal.cancel() }
        return await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
    }
}
