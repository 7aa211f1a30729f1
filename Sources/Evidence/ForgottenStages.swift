internal import Copying
internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
internal import Vocabulary

/// Staged files of a volume that no intent knows: a ledger that was restored forgot them, and no sweep finds them by it.
struct ForgottenStages: Sendable {
    let base: ReplayBase
    let volume: VolumeID
    let name: VolumeName
    let copier: Copier
    /// By the ledger's clock, since it was written or changed last; longer than any copy stands still.
    let age: Duration
    let narrator: any Narrator
    let tally: ScrubTally

    /// Looked through in one run, others each time.
    private static let directories = 2000
    private static let most = 500

    /// A part of the volume. Nothing is removed while marking is stopped: what the ledger forgot is not known then.
    func run() async throws {
        let found = try await copier.listStaged(directories: ForgottenStages.directories).prefix(ForgottenStages.most)
        if found.isEmpty { return }
        // After the list: an intent is there before its file.
        let (isMarking, known, now) = try await base.replay.database.perform { session in
            (
                try Marking.stopped(in: session) == nil,
                Set(try Intents.find(found.map(\.token), in: session).map(\.token)),
                try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")?.instant("now")
            )
        }
        guard isMarking, let now else { return }
        var removed = 0
        defer { tell(removed) }
        var failed: CopyError?
        for leftover in found where !known.contains(leftover.token) && !Task.isCancelled {
            do {
                if try await copier.sweepForgotten(leftover, notSince: now + (.zero - age)) == .removed { removed += 1 }
            } catch {
                guard error.isOfOneFile else { throw error }
                failed = failed ?? error
            }
        }
        if let failed { throw failed }
    }

    private func tell(_ removed: Int) {
        if removed == 0 { return }
        tally.add(
            note: "\(removed) staged \(removed == 1 ? "file" : "files") that no intent knew removed from volume \(name)"
        )
        narrator.tell(.swept, .volume(name), .volumeID(volume), .count(removed))
    }
}

extension CopyError {
    /// Of a volume that was proven, and whose other files may go all the same.
    fileprivate var isOfOneFile: Bool {
        switch code {
        case .notPermitted, .inputOutput, .durability: step != .prepare
        case .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes, .crcMismatch, .volumeFull, .inodes,
            .quota, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale, .digestMismatch, .nameConflict,
            .unsupportedName, .timeout, .leaseLost, .cancelled, .exhausted:
            false
        }
    }
}
