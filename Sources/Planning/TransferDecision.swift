/// What one look at the file of a transfer showed.
package enum TransferSight: Hashable, Sendable {
    case seen(FileLook, Wholeness)
    /// Not there, on a mount that proved itself before.
    case absent
    /// It leads out of the mount, or is no regular file.
    case refused
    case unreadable
}

/// What the rows say of the file of a transfer, and how it went so far.
package struct TransferRow: Hashable, Sendable {
    /// Bytes, as the row has them; see ``trueSize(claimed:observed:)``.
    package var size: Int64?
    /// Whether the copy will be held to a checksum of the row.
    package var hasChecksum: Bool
    /// See ``SettleEvidence/mayBeEmpty``.
    package var mayBeEmpty: Bool
    /// Attempts that failed.
    package var failures: Int

    package init(size: Int64?, hasChecksum: Bool = false, mayBeEmpty: Bool = false, failures: Int = 0) {
        self.size = size
        self.hasChecksum = hasChecksum
        self.mayBeEmpty = mayBeEmpty
        self.failures = failures
    }
}

/// What to do with a transfer after a look.
package enum TransferDecision: Hashable, Sendable {
    case deliver
    /// All that there is, and not whole: it is copied as it stands, and a person is told.
    case deliverDamaged
    /// Look again after the span, or at a wake. A problem only after its grace time, which the ledger counts.
    case missing(again: Duration)
    /// The same, for a file that is there and not settled.
    case wait(SettleHold, again: Duration)
    /// The same for so long that a person is told.
    case neverSettles(SettleHold, again: Duration)
    /// A person is told at once.
    case refuse(again: Duration)
    /// Again with growing pauses; a person is told where that lasts, of all such files of a mount.
    case retry
}

/// What one process remembers of a transfer's file from look to look. Lost with it, which costs another quiet time.
///
/// Times are monotonic, as a span since a start that the caller chose once for the process.
package struct TransferTrail: Hashable, Sendable {
    private var looks: LookTrail?
    /// Since row and file were first both there, and since the file was first missed.
    private var sinceBoth: Duration?
    private var sinceMissing: Duration?

    package init() {}

    /// A row has to be corrected, which is seen by itself; a file that took the link's place is told of by a wake.
    private static let refusedPause = Duration.seconds(600)

    /// Notes what a look showed, and decides.
    package mutating func decide(
        _ sight: TransferSight, row: TransferRow, within window: SettleWindow, at now: Duration
    ) -> TransferDecision {
        switch sight {
        case .seen(let look, let wholeness): return settle(look, wholeness, row, window, now)
        case .absent:
            let since = sinceMissing ?? now
            self = TransferTrail()
            sinceMissing = since
            // Looks thin out with the time that it has been missing: a file that comes late is told of by a wake.
            return .missing(again: min(max(.milliseconds(200), (now - since) / 2), .seconds(60)))
        case .refused: return .refuse(again: TransferTrail.refusedPause)
        case .unreadable: return .retry
        }
    }

    private mutating func settle(
        _ look: FileLook, _ wholeness: Wholeness, _ row: TransferRow, _ window: SettleWindow, _ now: Duration
    ) -> TransferDecision {
        sinceMissing = nil
        var trail = looks ?? LookTrail(look, at: now)
        trail.note(look, at: now)
        looks = trail
        let since = sinceBoth ?? now
        sinceBoth = since
        let evidence = SettleEvidence(
            // What is not finished is never planned where it has to be.
            rowIsFinished: true, rowSize: row.size, container: ContainerState(wholeness),
            hasChecksum: row.hasChecksum, mayBeEmpty: row.mayBeEmpty, looks: trail, waited: now - since)
        // A file that grows is looked at soon, and ever more rarely the longer it grows.
        let soon = min(max(.milliseconds(50), (now - since) / 2), window.quiet)
        switch Planning.settle(evidence, within: window) {
        case .settled: return .deliver
        case .damaged: return .deliverDamaged
        case .wait(.secondLook, let again): return .wait(.secondLook, again: again)
        case .wait(let hold, _): return .wait(hold, again: soon)
        case .short(let have, let want, _): return .wait(.short(have: have, want: want), again: soon)
        case .overlong(let have, let want, _): return .wait(.overlong(have: have, want: want), again: soon)
        case .neverSettles(let hold, let again): return .neverSettles(hold, again: again)
        }
    }
}

extension ContainerState {
    package init(_ wholeness: Wholeness) {
        switch wholeness {
        case .whole: self = .whole
        case .broken: self = .unfinished
        case .unknown: self = .unknown
        }
    }
}
