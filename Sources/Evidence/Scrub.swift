internal import Copying
package import Delivery
internal import Files
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary

/// One run over all volumes that this host can read: bounded by what is due, and gone on with by the next.
package struct Scrub: Sendable {
    let settings: Settings
    let base: ReplayBase
    let environment: SettingsEnvironment
    let narrator: any Narrator
    package let tally: ScrubTally
    private let forgottenAfter: Duration
    /// Longer than any transaction is open.
    private static let lag = Duration.seconds(600)
    /// For one read.
    private static let patience = Duration.seconds(150)

    /// - Parameter forgottenAfter: how old a staged file that no intent knows has to be to go.
    package init(
        settings: Settings, base: ReplayBase, environment: SettingsEnvironment, narrator: any Narrator,
        tally: ScrubTally = ScrubTally(), forgottenAfter: Duration = .seconds(86_400)
    ) {
        self.settings = settings
        self.base = base
        self.environment = environment
        self.narrator = narrator
        self.tally = tally
        self.forgottenAfter = forgottenAfter
    }

    @discardableResult
    package func run() async throws -> ScrubTally.Sum {
        let began = ContinuousClock.now
        try await base.replay.database.transaction(isDurable: false) { session in try Scrubs.forget(in: session) }
        let samples = try await base.roster.sample()
        for sample in samples where sample.proof == nil {
            tally.add(
                note: "volume \(sample.settings.name) was not looked at: \(sample.reason ?? "it does not prove itself")"
            )
        }
        let bad = BadCopies(
            base: base, bringers: Bringers(settings: settings, environment: environment), narrator: narrator)
        let manifests = settings.manifests.isEnabled ? try await follow(samples.compactMap { $0.proof?.id }) : nil
        await withTaskGroup(of: Void.self) { group in
            for sample in samples {
                guard let proof = sample.proof else { continue }
                group.addTask {
                    await work(on: sample.settings, proof.id, writes: sample.condition != .readOnly, bad, manifests)
                }
            }
        }
        let sum = tally.now
        narrator.tell(
            .scrubSummary, .count(sum.copies), .size(bytes: sum.bytes), .elapsed(ContinuousClock.now - began),
            .detail(sum.sentence))
        return sum
    }

    /// What all volumes' manifests share.
    private struct Manifesting: Sendable {
        let signer: ManifestSigner?
        let busy: Set<FilePath>
        let now: Instant
    }

    /// Which directories have changed, by the ledger.
    private func follow(_ volumes: [VolumeID]) async throws -> Manifesting? {
        let signer: ManifestSigner?
        do {
            signer = try settings.manifests.key.map { key in
                try ManifestSigner(pem: try environment.readFile(try key.path(in: environment)))
            }
        } catch {
            // Copies are read all the same; a manifest without the signature that was asked for is none.
            tally.add(note: "no manifest was written: \(error)")
            narrator.tell(.turnFailed, .service("manifests"), .detail(error))
            return nil
        }
        let isSigning = signer != nil
        var isMoreLeft = true
        while isMoreLeft {
            isMoreLeft = try await base.replay.database.transaction { session in
                try Manifests.follow(olderThan: Scrub.lag, limit: 10_000, in: session)
            }
        }
        let (busy, due, now) = try await base.replay.database.transaction { session in
            try Manifests.followLosses(in: session)
            if isSigning { try Manifests.followUnsigned(on: volumes, in: session) }
            let clock = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            return (
                try Manifests.busy(in: session), try Manifests.due(in: session),
                try clock?.instant("now") ?? Instant(microseconds: 0)
            )
        }
        try await UnsealedDays(problems: base.problems, closeAfter: settings.manifests.closeAfter).tell(
            due, busy, at: now)
        return Manifesting(signer: signer, busy: Set(busy.keys), now: now)
    }

    /// A volume that fails fails no other.
    ///
    /// - Parameter writes: whether it can be written now; what it is read for goes on all the same.
    private func work(
        on volume: VolumeSettings, _ id: VolumeID, writes: Bool, _ bad: BadCopies, _ manifests: Manifesting?
    ) async {
        var writes = writes
        do {
            let copier = try self.copier(of: volume, id)
            if let manifests {
                try await VolumeManifests(
                    base: base, settings: settings.manifests, volume: id, name: volume.name, copier: copier,
                    signer: manifests.signer, narrator: narrator, tally: tally
                ).run(busy: manifests.busy, writes: writes, at: manifests.now)
            }
        } catch {
            if Task.isCancelled { return }
            tally.add(note: "manifests of volume \(volume.name) are left: \(error)")
            writes = await !tell(error, of: "manifests", on: volume.name) && writes
        }
        do {
            // Its state is told; they wait for it.
            if writes {
                try await ForgottenStages(
                    base: base, volume: id, name: volume.name, copier: try self.copier(of: volume, id),
                    age: forgottenAfter, narrator: narrator, tally: tally
                ).run()
            }
        } catch {
            if Task.isCancelled { return }
            tally.add(note: "staged files on volume \(volume.name) are left: \(error)")
            await tell(error, of: "sweep", on: volume.name)
        }
        do {
            try await VolumeScrub(
                base: base, settings: settings.scrub, volume: id, name: volume.name,
                copier: try self.copier(of: volume, id), bad: bad, narrator: narrator, tally: tally
            ).run()
        } catch {
            if Task.isCancelled { return }
            tally.add(note: "volume \(volume.name) is left: \(error)")
            narrator.tell(.turnFailed, .service("scrub"), .detail(error))
        }
    }

    /// Tells of an error, but where it is that the volume is read-only, which is told as its state. Gives whether it is.
    @discardableResult
    private func tell(_ error: any Error, of service: String, on volume: VolumeName) async -> Bool {
        if await base.roster.isReadOnly(volume, after: error) { return true }
        narrator.tell(.turnFailed, .service(service), .detail(error))
        return false
    }

    private func copier(of volume: VolumeSettings, _ id: VolumeID) throws -> Copier {
        let ownership = settings.replay.ownership
        let owner = try Ownership(ownership)
        return Copier(
            volume: CopyVolume(
                root: volume.path, id: id, fileMode: ownership.fileMode, directoryMode: ownership.directoryMode,
                user: owner.user, group: owner.group),
            threads: FileThreads(
                name: String("scrub-\(volume.name)".utf8.prefix(15)) ?? "scrub", count: 1,
                stopPatience: .milliseconds(500)),
            // A disk without a limit of its own tries a bad sector for minutes, which is what is looked for here.
            settings: CopySettings(patience: max(settings.watching.callPatience, Scrub.patience)))
    }
}

extension ScrubTally.Sum {
    /// For a person, without the counts of copies and bytes.
    package var sentence: String {
        var parts = ["\(bad) bad"]
        if letGo > 0 { parts.append("\(letGo) let go by the replay's own tools") }
        if manifests > 0 { parts.append("\(manifests) \(manifests == 1 ? "manifest" : "manifests") written") }
        if tampered > 0 { parts.append("\(tampered) \(tampered == 1 ? "manifest" : "manifests") changed by others") }
        return (parts + notes).joined(separator: ", ")
    }
}
