internal import Copying
internal import Delivery
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Telemetry
internal import Vocabulary

/// What is told of a transfer's outcome, and how it goes back to waiting.
struct TransferReports: Sendable {
    let problems: ProblemBook
    let narrator: any Narrator
    let mount: MountPath
    /// By what failed.
    private let repeats = PacedTelling<Event>(period: .seconds(60), clock: VolumeRoster.monotonic())

    init(problems: ProblemBook, narrator: any Narrator, mount: MountPath) {
        self.problems = problems
        self.narrator = narrator
        self.mount = mount
    }

    /// Opens the problem that a look found.
    func tell(_ finding: ProblemBook.Finding?, about transfer: Transfer) async {
        guard let finding else { return }
        if finding.kind == .pathRefused {
            narrator.tell(.pathRefused, facts: facts(transfer) + [.mount(mount)])
        }
        // The ledger's outage is told by the process; the next look finds the same.
        try? await problems.open(finding)
    }

    /// Tells of an outcome. Gives what to release; nil where there is nothing left to release.
    func report(_ outcome: DeliveryOutcome, of transfer: Transfer) async -> TransferRelease? {
        switch outcome {
        case .committed:
            await heal(transfer)
            return nil
        case .noRoom(let refusals):
            guard refusals.values.allSatisfy(\.isForGood) else {
                return release(transfer, after: .seconds(10), "no volume can take it", isFailure: false)
            }
            await tellTooLarge(transfer, refusals.count)
            return release(transfer, after: .seconds(600), "it fits on no volume", isFailure: false)
        case .fenced:
            narrator.tell(.leaseLost, facts: facts(transfer) + [.job(transfer.id.rawValue), .service("transfers")])
            return nil
        case .stale: return release(transfer, after: .seconds(1), "its plan has to be made anew", isFailure: false)
        case .failed(let error): return await failed(error, transfer)
        case .uncommitted(let error):
            let blame = Blame(committing: error)
            // An outage is told by the process.
            if !((error as? PostgresError)?.isOutage ?? (error is CancellationError)) {
                let times = transfer.failures == 0 ? "" : " \(transfer.failures + 1) times"
                try? await problems.open(
                    finding(
                        .commitRefused, transfer,
                        "The replay's database did not take the rows of \(transfer.recording)\(times): \(error)."))
            }
            return release(
                transfer, after: pause(transfer), String(describing: error), isFault: blame == .recording)
        }
    }

    /// A look found that the mount does not give a file.
    func tellUnread(_ error: FileError, of transfer: Transfer) {
        tell(CopyError(source: error, at: .open), of: transfer)
    }

    /// Nobody could look at its file, as descriptors or memory have run out here: told at most once a minute.
    func tellExhausted(_ error: FileError, of transfer: Transfer) {
        let error = CopyError(source: error, at: .open)
        guard let fault = CopyFault(error), let count = repeats.count(fault.event) else { return }
        narrator.tell(fault.event, facts: facts(transfer) + fault.facts(of: error) + [.count(count)])
    }

    private func failed(_ error: CopyError, _ transfer: Transfer) async -> TransferRelease? {
        let text = String(describing: error)
        switch error.code {
        case .sourceMissing:
            return transfer.claim.map {
                TransferRelease(
                    claim: $0, delay: .milliseconds(200), error: text, isMissing: true, isFailure: false)
            }
        case .sourceChanged:
            tell(error, of: transfer)
            return release(transfer, after: .milliseconds(500), text, isFault: true)
        case .volumeFull, .quota, .inodes:
            tell(error, of: transfer)
            return release(transfer, after: pause(transfer), text)
        case .unsupportedName:
            tell(error, of: transfer)
            try? await problems.open(
                finding(
                    .copyUnsupported, transfer,
                    "Media \(transfer.mediaID) of \(transfer.recording) can be held by no volume: \(text)."))
        case .crcMismatch:
            tell(error, of: transfer)
            try? await problems.open(
                finding(
                    .checksumMismatch, transfer,
                    "Media \(transfer.mediaID) of \(transfer.recording) does not match the CRC-32 of its row; it is not copied."
                ))
        case .sourceUnreadable, .sourceEscapes, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale,
            .notPermitted, .timeout, .inputOutput, .durability, .digestMismatch, .nameConflict, .leaseLost:
            tell(error, of: transfer)
        case .exhausted:
            // Told by the delivery. Nothing is begun here for a while, and nothing is wrong with this one.
            return release(transfer, after: .seconds(1), text, isFailure: false)
        case .cancelled:
            // The process was told to stop: nothing failed, and the next one may begin at once.
            return release(transfer, after: .zero, text, isFailure: false)
        }
        // What has a problem of its own is not told twice.
        if transfer.failures >= 2, ![.crcMismatch, .unsupportedName, .sourceUnreadable].contains(error.code) {
            try? await problems.open(
                finding(
                    .copyFailed, transfer,
                    "Media \(transfer.mediaID) of \(transfer.recording) failed \(transfer.failures + 1) times: \(text)."
                ))
        }
        return release(
            transfer, after: pause(transfer), text, isUnreadable: error.code == .sourceUnreadable,
            isFault: Blame(error) == .recording)
    }

    /// Tells of what is wrong with the original. What was wrong with the volume was told by the delivery; here, once a
    /// minute, that it is repeated.
    private func tell(_ error: CopyError, of transfer: Transfer) {
        guard let fault = CopyFault(error) else { return }
        let told = facts(transfer) + fault.facts(of: error) + [.mount(mount)]
        switch fault.side {
        case .original where fault.telling == .paced:
            if let count = repeats.count(fault.event) { narrator.tell(fault.event, facts: told + [.count(count)]) }
        case .original: narrator.tell(fault.event, facts: told)
        case .volume:
            if let count = repeats.count(fault.event) { narrator.tell(.copyRetry, facts: told + [.count(count)]) }
        }
    }

    /// Whatever was wrong with it is over. Asked only where something was.
    private func heal(_ transfer: Transfer) async {
        guard transfer.lastError != nil || transfer.missingSince != nil || transfer.attempts > 1 else { return }
        let subject = ProblemBook.Finding.subject(transfer.recording, media: transfer.mediaID)
        let place = transfer.recording.source.rawValue
        try? await problems.close(
            [
                .missingFile, .shortFile, .unsettledFile, .unreadableFile, .checksumMismatch, .copyFailed,
                .commitRefused, .unservedMedia, .pathRefused, .fileTooLarge, .copyUnsupported,
            ], subjects: [subject], place: place)
    }

    private func tellTooLarge(_ transfer: Transfer, _ volumes: Int) async {
        let isNew = try? await problems.opens(
            finding(
                .fileTooLarge, transfer,
                "Media \(transfer.mediaID) of \(transfer.recording) fits on none of the \(volumes) volumes, even empty ones."
            ))
        guard isNew == true else { return }
        narrator.tell(
            .fileTooLarge,
            facts: facts(transfer) + [
                .size(bytes: transfer.lastLook?.size ?? transfer.expectedSize ?? 0),
                .reason("it is larger than what they may hold"),
            ])
    }

    private func finding(_ kind: ProblemKind, _ transfer: Transfer, _ what: String) -> ProblemBook.Finding {
        ProblemBook.Finding(kind, recording: transfer.recording, media: transfer.mediaID, what: what)
    }

    private func release(
        _ transfer: Transfer, after delay: Duration, _ error: String, isUnreadable: Bool = false,
        isFailure: Bool = true, isFault: Bool = false
    ) -> TransferRelease? {
        transfer.claim.map {
            TransferRelease(
                claim: $0, delay: delay, error: error, isUnreadable: isUnreadable, isFailure: isFailure,
                isFault: isFault)
        }
    }

    private func pause(_ transfer: Transfer) -> Duration {
        var chance = SystemRandomNumberGenerator()
        return Retry.work.wait(afterAttempts: transfer.failures + 1, using: &chance)
    }

    private func facts(_ transfer: Transfer) -> [Fact] {
        [
            .recording(transfer.recording), .media(transfer.mediaID), .kind(transfer.kind),
            .attempt(transfer.attempts),
        ]
    }
}
